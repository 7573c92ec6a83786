"""The phantoms in colour, of classes and of volumes: their laws, and that an image tells the odds."""

from pathlib import Path

import numpy as np
import pytest
from scipy.special import ndtr

from atfm.data.phantom import colour
from atfm.data.phantom.classes import classes_phantom, core_probability
from atfm.data.phantom.colour import LUMA, colour_phantom, pigment_probability
from atfm.data.phantom.kinds import KINDS, kind_of, phantom_cases, simulated_case
from atfm.data.phantom.law import Simulated
from atfm.data.phantom.volume import volume_phantom
from atfm.data.store import Store
from atfm.errors import InputError
from atfm.importers.phantom import plan_phantom
from atfm.importers.plan import build_store

SIMULATED = {"colour": colour_phantom, "classes": classes_phantom, "volume": volume_phantom}


def drawn(kind: str, count: int) -> list[Simulated]:
    size = 24 if kind == "volume" else 32
    return [SIMULATED[kind](5, number, size) for number in range(count)]


@pytest.mark.parametrize("kind", SIMULATED)
def test_the_law_is_whole_and_the_image_is_eight_bits(kind: str) -> None:
    for case in drawn(kind, 12):
        assert case.law.odds.sum() == pytest.approx(1) and (case.law.odds >= 0).all()
        assert (np.diff(case.law.depths, axis=1) <= 0).all() or case.law.depths.shape[1] == 1
        assert case.law.depths.shape[2:] == case.image.shape[1:]
        assert case.image.dtype == np.float32 and case.image.min() >= 0 and case.image.max() <= 1
        np.testing.assert_array_equal(np.rint(case.image * 255) / np.float32(255), case.image)


@pytest.mark.parametrize("kind", SIMULATED)
def test_a_case_depends_on_seed_and_number_alone(kind: str) -> None:
    make = SIMULATED[kind]
    first, again = make(3, 2, 20), make(3, 2, 20)
    np.testing.assert_array_equal(first.image, again.image)
    np.testing.assert_array_equal(first.annotate(5), again.annotate(5))
    for other in (make(4, 2, 20), make(3, 3, 20)):
        assert not np.array_equal(first.image, other.image)


def test_in_grey_the_odds_of_the_colour_phantom_cannot_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blood in place of pigment leaves the luma as it is, and changes the colour."""
    np.testing.assert_allclose(LUMA @ colour._RED, LUMA @ colour._PIGMENT)
    number = next(n for n in range(50) if colour_phantom(0, n).traits["pigment"] > 0.7)
    brown = colour_phantom(0, number)
    monkeypatch.setattr(colour, "_PIGMENT", colour._RED)
    red = colour_phantom(0, number)
    grey = [np.tensordot(LUMA, case.image, 1) for case in (brown, red)]
    assert np.abs(grey[0] - grey[1]).max() < 1.5 / 255  # but for rounding
    assert np.abs(brown.image - red.image).max() > 0.05


def test_contrasts_of_the_colour_phantom_can_be_read_from_its_colours() -> None:
    """Least squares with the shape given finds the share of pigment, from which the odds follow."""
    errors = []
    for case in (colour_phantom(1, number) for number in range(40)):
        if case.traits["pigment"] == 0:
            assert case.law.odds.tolist() == [1, 0]
            continue
        lesion, joined = ndtr(case.law.depths[:, 0])
        area = joined - lesion
        ramp = np.linspace(-1, 1, 32)
        terms = [np.ones((32, 32)), np.tile(ramp, (32, 1)), np.tile(ramp[:, None], 32), lesion, area]
        fit = np.linalg.lstsq(np.stack(terms, -1).reshape(-1, 5), case.image.reshape(3, -1).T, rcond=None)[0][4]
        fit /= case.traits["contrast"]
        span = colour._PIGMENT - colour._RED
        errors.append((fit - colour._RED) @ span / (span @ span) - case.traits["pigment"])
        assert case.law.odds[1] == pytest.approx(pigment_probability(case.traits["pigment"]))
    assert np.median(np.abs(errors)) < 0.06


def test_a_core_lies_in_its_lesion_and_is_there_as_its_contrast_says() -> None:
    for case in drawn("classes", 20):
        labels = case.annotate(60)
        assert set(np.unique(labels)) <= {0, 1, 2}
        assert case.law.odds[1] == pytest.approx(core_probability(case.traits["core"]))
        assert (labels == 2).any((1, 2)).mean() == pytest.approx(case.law.odds[1], abs=0.25)
    cores = [case.law.odds[1] for case in drawn("classes", 100)]
    assert np.mean([0.1 < odds < 0.9 for odds in cores]) > 0.2  # doubtful often enough to matter


def test_a_volume_is_a_cube_of_thick_slices_with_a_lesion_anywhere() -> None:
    places = []
    for case in drawn("volume", 30):
        assert case.image.shape == (1, 16, 24, 24) and case.spacing == (3.0, 2.0, 2.0)
        inside = case.law.depths[1, 0] > 0
        assert inside.any()
        places.append([(np.argwhere(inside).mean(0) + 0.5) * case.spacing - 24])
        size = (inside.sum() * np.prod(case.spacing) * 0.75 / np.pi) ** (1 / 3)
        assert size == pytest.approx(case.traits["radius"], rel=0.35)
    assert (np.ptp(places, axis=0) > 15).all()


def test_numbers_of_annotators_take_turns_in_every_split() -> None:
    seen = {number: simulated_case(0, number, annotators=(1, 2, 5), size=16).annotators for number in range(120)}
    for split in (range(8), [8], [9]):
        assert {k for number, k in seen.items() if number % 10 in split} == {1, 2, 5}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_becomes_a_store(tmp_path: Path, kind: str) -> None:
    info = build_store(
        plan_phantom(cases=10, size=16, kind=kind, annotators=(1, 3), test_annotators=6), tmp_path / "store"
    )
    store = Store.open(tmp_path / "store")
    store.check()
    assert (info.classes, info.spatial_dims) == (KINDS[kind].classes, 3 if kind == "volume" else 2)
    assert {store.annotators(i) for i in store.split("train")} <= {1, 3} and store.annotators(9) == 6
    case = next(iter(phantom_cases(0, 1, size=16, kind=kind, annotators=(1, 3))))
    np.testing.assert_array_equal(store[0].image, case.image)
    np.testing.assert_array_equal(store[0].masks, case.masks)
    assert store[0].spacing == case.spacing


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(
        InputError, match="expected one of grey, colour, classes, volume, got 'color'; did you mean 'colour'"
    ):
        kind_of("color")
