"""What is seen of a set: each rule is reached by facts that call for it, and every lesion can be seen."""

import math

import pytest

from atfm.plan.facts import Range
from atfm.plan.look import look
from atfm.plan.rules import CANVAS, LEAST, VOXELS
from atfm.train.config import FitConfig


def test_large_frames_are_seen_whole_on_a_canvas(facts) -> None:
    view, reasons = look(facts(), facts().lesion)
    assert view.fields == {"fit": {"canvas": (128, 128)}} and view.size == (128, 128)
    assert view.step == (800 / 128, 800 / 128) and not view.slides
    assert [reason.rule for reason in reasons] == ["canvas"]
    assert "600x600 to 1,000x1,000 pixels" in reasons[0].why


def test_a_long_frame_gets_a_long_canvas(facts, same) -> None:
    view, _ = look(facts(size=same(400.0, 1000.0)), facts().lesion)
    assert view.size == (64, 128)


def test_small_images_of_one_even_size_stay_as_they_are(facts, same) -> None:
    view, _ = look(facts(size=same(128.0, 128.0), lesion=same(90.0, 80.0), small=80.0), facts().lesion)
    assert view.fields == {} and view.size == (128, 128)
    odd, _ = look(facts(size=same(101.0, 101.0), small=40.0), facts().lesion)
    assert odd.fields == {"fit": {"canvas": (112, 112)}}


def test_lesions_in_the_middle_need_no_more_than_the_middle(facts, same) -> None:
    given = facts(size=same(128.0, 128.0), lesion=same(20.0, 20.0), small=5.0, reach=0.5, patients=500)
    view, reasons = look(given, given.lesion)
    assert view.fields == {"window": (64, 64)}
    assert reasons[0].rule == "window"
    few, _ = look(facts(size=same(128.0, 128.0), small=5.0, reach=0.5, patients=20), given.lesion)
    assert few.fields == {"window": (80, 80)}  # the middle of a few cases is known less well
    wide, _ = look(facts(size=same(128.0, 128.0), small=5.0, reach=0.9, patients=500), given.lesion)
    assert wide.fields == {}


def test_small_lesions_of_large_frames_are_seen_in_crops(facts, same) -> None:
    given = facts(small=30.0, lesion=same(40.0, 40.0))
    assert given.small * CANVAS / 800 < LEAST
    view, reasons = look(given, given.lesion)
    assert view.fields == {"crop": (128, 128)} and view.slides
    larger = facts(small=30.0, lesion=same(160.0, 100.0))
    view, reasons = look(larger, larger.lesion)
    assert view.fields == {"fit": {"step": (2.5, 2.5)}, "crop": (128, 128)}
    assert [reason.field for reason in reasons] == ["crop", "fit.step"]


def test_spacings_that_differ_are_brought_to_one(facts) -> None:
    spacing = Range((0.5, 0.5), (0.8, 0.8), (1.0, 1.0))
    given = facts(spacing=spacing, unsaid=0.0)
    view, _ = look(given, given.lesion)
    assert view.fields["fit"] == {"spacing": (5.0, 5.0)} and view.slides
    assert all(crop <= 600 * 0.5 / 5.0 for crop in view.size), "a crop lies in the smallest image"
    unsaid, _ = look(facts(spacing=spacing, unsaid=0.5), given.lesion)
    assert "canvas" in unsaid.fields["fit"]


@pytest.mark.parametrize(
    ("size", "lesion", "spacing"),
    [
        ((32.0, 48.0, 48.0), (10.0, 15.0, 16.0), None),
        ((200.0, 512.0, 512.0), (60.0, 90.0, 90.0), (2.0, 0.8, 0.8)),
        ((5.0, 300.0, 300.0), (3.0, 100.0, 100.0), None),
        ((16.0, 32.0, 32.0), (10.0, 15.0, 16.0), None),
    ],
)
def test_of_a_volume_is_seen_what_a_step_has_time_for(facts, same, size, lesion, spacing) -> None:
    given = facts(size=same(*size), lesion=same(*lesion), spacing=spacing and same(*spacing), unsaid=float(not spacing))
    view, reasons = look(given, given.lesion)
    assert reasons[0].field == "dims"
    assert math.prod(view.size) <= 2 * VOXELS
    assert all(side % 2 == 0 for side in view.size)
    seen = [side / by for side, by in zip(lesion, view.step, strict=True)]
    whole = [side / by for side, by in zip(size, view.step, strict=True)]
    assert all(min(side, length - 1) <= got + 1 for side, length, got in zip(seen, whole, view.size, strict=True))
    assert all(got <= length + 1e-6 for got, length in zip(view.size, whole, strict=True))
    FitConfig.model_validate(view.fields.get("fit", {"canvas": (1, 1)}))
