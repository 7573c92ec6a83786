"""What does not fit is told, each by facts that call for it, and nothing else is."""

import pytest

from atfm.plan.facts import Range
from atfm.plan.misfits import misfits, shortcomings
from atfm.plan.view import view_of
from atfm.train.config import FitConfig

LONG = Range((100.0, 100.0), (300.0, 320.0), (400.0, 330.0))


def seen(facts, **fields):
    return view_of(facts, **({"fit": None, "window": None, "crop": None} | fields))


@pytest.mark.parametrize(
    ("changes", "fields", "message"),
    [
        (
            {},
            {"crop": (64, 64)},
            "lesions larger than the crop of 64x64: what is marked takes 300x320 pixels as a rule",
        ),
        (
            {"reach": 0.5},
            {"window": (400, 400)},
            "lesions larger than the window of 400x400: some lesions take more, 500x500 at most",
        ),
        (
            {"lesion": LONG},
            {"crop": (512, 330)},
            "a crop without context: lesions of 300x320 pixels fill the crop of 512x330",
        ),
        (
            {"small": 20.0},
            {"fit": FitConfig(canvas=(64, 64))},
            "lesions smaller than what is seen: one in ten masks is",
        ),
        ({"reach": 0.9}, {"window": (600, 600)}, "marks outside of the window of 600x600: they reach 90%"),
    ],
)
def test_a_view_that_does_not_fit(facts, changes, fields, message: str) -> None:
    given = facts(**changes)
    (told,) = misfits(given, seen(given, **fields))
    assert message in told and "\n" not in told


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"fit": FitConfig(canvas=(128, 128))},
        {"crop": (600, 600)},
        {"fit": FitConfig(step=(5.0, 5.0)), "crop": (128, 128)},
    ],
)
def test_a_view_that_fits_is_passed_over(facts, fields) -> None:
    assert misfits(facts(), seen(facts(), **fields)) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"readers": (1, 1, 1), "agreement": None}, "one reader only"),
        ({"agreement": 0.999}, "a set without ambiguity: two readers agree to an IoU of 0.999"),
        ({"disjoint": 0.8}, "readers who never overlap: in 80% of the cases"),
        ({"patients_known": False}, "patients unknown"),
    ],
)
def test_what_a_set_cannot_teach(facts, changes, message: str) -> None:
    (told,) = shortcomings(facts(**changes))
    assert told.startswith(message)


def test_a_set_that_can_teach_is_passed_over(facts) -> None:
    assert shortcomings(facts()) == []
