"""The share of empty masks against the readers', and what chance alone makes of it."""

import numpy as np
import pytest

from atfm.errors import InputError
from atfm.metrics.empty_calibration import EmptyCalibration, empty_calibration


def row(patient: str, p: float, q: float) -> dict[str, object]:
    return {"patient": patient, "empty_predicted": p, "empty_drawn": q}


def drawn(seed: int, patients: int = 60, images: int = 12, shift: float = 0.0) -> EmptyCalibration:
    """Images of which four readers leave each mask empty with the odds that are said, less `shift`.

    The images of a patient err together: a part of its odds is the patient's own and not said.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for patient in range(patients):
        own = rng.choice([-0.15, 0.15])
        for _ in range(images):
            p = rng.uniform(0.2, 0.8)
            rows.append(row(str(patient), p, float(rng.binomial(4, np.clip(p - shift + own, 0, 1)) / 4)))
    found = empty_calibration(rows, seed=seed, resamples=300)
    assert found is not None
    return found


def test_by_hand() -> None:
    rows = [row("a", 0.1, 0.25), row("a", 0.3, 0.25), row("b", 0.5, 1.0), row("b", 1.0, 1.0)]
    found = empty_calibration(rows, bins=2)
    assert found is not None
    assert found.ece == pytest.approx((abs(-0.15 + 0.05) + abs(-0.5)) / 4)
    assert found.bins == [(2, pytest.approx(0.2), 0.25), (2, 0.75, 1.0)]
    assert (found.predicted, found.drawn) == (pytest.approx(0.475), pytest.approx(0.625))
    assert found.excess.mean == pytest.approx(-0.15)


def test_against_a_loop_over_images() -> None:
    rng = np.random.default_rng(2)
    pairs = [(float(rng.random()), float(rng.integers(5) / 4)) for _ in range(200)]
    found = empty_calibration([row(str(number % 9), p, q) for number, (p, q) in enumerate(pairs)], bins=7)
    assert found is not None
    want = 0.0
    for b in range(7):
        want += abs(sum(p - q for p, q in pairs if b / 7 <= p < (b + 1) / 7)) / len(pairs)
    assert found.ece == pytest.approx(want)


def test_a_right_model_stays_within_chance_and_a_wrong_one_does_not() -> None:
    right = [drawn(seed) for seed in range(80)]
    within = np.mean([found.ece <= found.by_chance[1] for found in right])
    assert 0.88 <= within <= 1.0
    assert np.mean([found.ece <= found.by_chance[0] for found in right]) == pytest.approx(0.5, abs=0.2)
    assert np.mean([found.ece for found in right]) > 0.02  # though nothing is wrong
    wrong = [drawn(seed, shift=0.12) for seed in range(20)]
    assert all(found.ece > found.by_chance[1] for found in wrong)
    assert all(found.excess.low > 0 for found in wrong)


def test_images_of_one_patient_are_no_evidence_of_their_own() -> None:
    few, many = drawn(1, patients=10, images=72), drawn(1, patients=240, images=3)
    assert few.by_chance[1] > 1.5 * many.by_chance[1]


def test_without_empty_masks_and_with_one_patient() -> None:
    assert empty_calibration([]) is None
    assert empty_calibration([row("a", 0.0, 0.0)]) is None
    one = empty_calibration([row("a", 0.5, 0.0)])
    assert one is not None and one.by_chance is None and one.excess.low is None
    assert one.as_json()["by_chance"] is None
    with pytest.raises(InputError, match="bins and resamples"):
        empty_calibration([row("a", 0.5, 0.0)], bins=0)
