"""Networks, augmentation, stages and validation follow the facts, and every choice has a rule with a source."""

import pytest

from atfm.plan import choose
from atfm.plan.look import look
from atfm.plan.rules import ENOUGH, RULES
from atfm.plan.view import view_of


def whole(facts):
    return look(facts, facts.lesion)[0]


def test_levels_go_on_until_four_positions_are_left(facts, same) -> None:
    for side, widths in ((128.0, 5), (64.0, 4), (32.0, 3), (12.0, 1)):
        given = facts(size=same(side, side), lesion=same(side / 2, side / 2), small=side / 2)
        fields, _ = choose.method(given, view_of(given, fit=None, window=None, crop=None), present=False)
        assert len(fields["gtr"]["widths"]) == widths
        assert len(fields["sfm"]["context_widths"]) == min(3, max(1, widths - 1))


def test_few_patients_get_narrow_networks_and_strong_augmentation(facts) -> None:
    few, many = facts(patients=22), facts(patients=500)
    narrow, wide = (choose.method(one, whole(one), present=False)[0]["gtr"]["widths"] for one in (few, many))
    assert all(a < b for a, b in zip(narrow, wide, strict=True) if b != 96)
    far, near = (choose.augment(one, whole(one))[0] for one in (few, many))
    assert far["scale"] > near["scale"] and far["shift"] > near["shift"]


def test_images_with_an_upright_are_not_turned(facts) -> None:
    turned, _ = choose.augment(facts(), whole(facts()))
    assert "flip" not in turned
    up, reasons = choose.augment(facts(upright=0.2), whole(facts()))
    assert (up["flip"], up["mirror"], up["rotate"]) == (False, True, 20.0)
    assert "0.20" in reasons[-1].why and "and mirrored" in reasons[-1].value
    sided, reasons = choose.augment(facts(upright=0.2, sided=0.15), whole(facts()))
    assert not sided["mirror"] and "not mirrored" in reasons[-1].value


@pytest.mark.parametrize(
    ("changes", "present"), [({}, False), ({"empty": 0.3, "denied": 20}, True), ({"empty": 0.3, "denied": 2}, False)]
)
def test_presence_where_readers_leave_masks_empty(facts, changes, present: bool) -> None:
    given = facts(**changes)
    found, _ = choose.presence(given, whole(given))
    assert found == present
    shares = choose.shares_of(given, present=found)
    reasons = choose.timed(given, shares, shares)
    assert sum(shares.values()) == pytest.approx(1) and ("presence" in shares) == present
    assert [reason.field for reason in reasons] == [f"stages.{name}" for name in shares]


def test_no_presence_where_crops_slide(facts, same) -> None:
    given = facts(empty=0.3, denied=20, small=30.0, lesion=same(40.0, 40.0))
    assert whole(given).slides and not choose.presence(given, whole(given))[0]


def test_a_stage_without_a_share_makes_no_steps(facts, same) -> None:
    volume = facts(size=same(32.0, 48.0, 48.0))
    shares = choose.shares_of(volume, present=False)
    stages = choose.stages_of(facts(), shares)
    assert shares["energy"] == 0 and stages["energy"] == {"steps": 0}
    (reason,) = [one for one in choose.timed(volume, shares, shares) if one.value == "left out"]
    assert (reason.field, reason.why) == ("stages.energy", "for volumes")


def test_a_stage_that_time_leaves_out_says_so(facts) -> None:
    given = facts(patients=500)
    shares = choose.shares_of(given, present=True)
    short = {**shares, "gtr": 0.85, "sfm": 0.0, "energy": 0.0}
    reasons = {reason.field: reason for reason in choose.timed(given, shares, short)}
    assert [*reasons] == [f"stages.{name}" for name in ("presence", "gtr", "sfm", "energy")]
    assert reasons["stages.gtr"].value == "85% of the time"
    for name in ("sfm", "energy"):
        assert reasons[f"stages.{name}"].rule == "later" and f"{ENOUGH:,} steps" in reasons[f"stages.{name}"].why


def test_without_val_training_patients_are_held_out(facts) -> None:
    assert "hold_out" not in choose.validation(facts())[0]
    fields, (reason,) = choose.validation(facts(validation=0, patients=22))
    assert fields["hold_out"] == 4 and "of the 22 training patients validate instead" in reason.why
    assert choose.validation(facts(validation=0, patients=2))[0]["hold_out"] == 1
    alone, (reason,) = choose.validation(facts(validation=0, patients=1))
    assert "hold_out" not in alone and "one patient" in reason.why


def test_every_rule_says_what_it_stands_on() -> None:
    for rule in RULES.values():
        assert rule.says and rule.source and not rule.says.endswith(".")
