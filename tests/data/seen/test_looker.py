"""Fingerprints of a training's images, and how often chance makes those of different patients alike."""

import numpy as np
import pytest

from atfm.data.patients import PatientsKnown
from atfm.data.seen.looker import Looker

RNG = np.random.default_rng(0)
SEVERAL = [np.kron(RNG.random((8, 8)), np.ones((4, 4)))[None].astype(np.float32) for _ in range(4)]


def share(patients: str, known: PatientsKnown | None = "given") -> float:
    looker = Looker(known)
    for number, patient in enumerate(patients):
        looker.look(SEVERAL[number // 2] * np.float32(1 - 0.1 * (number % 2)), patient)  # two and two are alike
    return looker.seen(len(patients)).by_chance


def test_how_often_chance_makes_images_alike_is_told_by_those_of_different_patients() -> None:
    assert share("aabbccdd") == 0  # of one patient images are, and should be
    assert share("abcdefgh") == 1
    assert share("abccddee") == 2 / 5
    assert share("") == 0


@pytest.mark.parametrize("known", [None, "assumed one per case"])
def test_where_nobody_knows_the_patients_no_images_are_of_different_ones(known: PatientsKnown | None) -> None:
    assert share("abcdefgh", known) == 0


def test_an_image_that_shows_nothing_is_counted_and_not_recorded() -> None:
    looker = Looker()
    looker.look(SEVERAL[0], "a")
    looker.look(np.zeros((1, 32, 32), np.float32), "b")
    seen = looker.seen(2)
    assert (seen.images, seen.recorded, seen.size) == (2, 1, (32, 32))
