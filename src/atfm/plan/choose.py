"""Networks, augmentation, stages and validation of a plan, from the facts of a set and what is seen of it."""

import math
from collections.abc import Mapping
from typing import Any

from atfm.plan.facts import Facts
from atfm.plan.reason import Reason
from atfm.plan.rules import (
    BATCH,
    ENERGY,
    ENERGY_LR,
    ENOUGH,
    FAR,
    FEW,
    HELD,
    LR,
    NARROW,
    NEAR,
    OFTEN,
    POSITIONS,
    PRESENCE,
    PRESENT,
    SEEN,
    SFM,
    SHARES,
    TILT,
    UPRIGHT,
    VALIDATION,
    WEIGHT_DECAY,
    WIDE,
)  # fmt: skip
from atfm.plan.view import View, spoken

__all__ = ["augment", "method", "presence", "shares_of", "stages_of", "timed", "validation"]

Fields = dict[str, Any]
_WHY = {
    "presence": "whether anybody marks anything is learnt first, by a network of its own",
    "gtr": "the distribution of masks, from which all else starts",
    "sfm": "a flow moves single samples to masks; kept where validation is better with it",
    "energy": "samples as they are used, tuned by the energy score; kept where validation is better with it",
}


def presence(facts: Facts, view: View) -> tuple[bool, Reason]:
    """Choose whether a network of its own says if a reader marks anything."""
    share = f"{facts.empty:.0%} of the masks are empty" if facts.empty else "no mask is empty"
    if view.slides:
        return False, Reason("method.presence", "none", f"{share}, but crops show parts of an image", "slides")
    if facts.empty >= OFTEN and facts.denied >= SEEN:
        why = f"{share}, in {facts.denied:,} cases beside others that are not"
        return True, Reason("method.presence", "a hurdle", why, "presence")
    return False, Reason(
        "method.presence", "none", share + (", too few to learn when" if facts.empty else ""), "presence"
    )


def method(facts: Facts, view: View, *, present: bool) -> tuple[Fields, list[Reason]]:
    """Choose the method and its networks, from the size of what is seen and the number of patients."""
    gtr, reasons = _gtr(facts, view)
    gtr["energy"] = dict(ENERGY)
    if present:
        gtr["presence"] = dict(PRESENCE)
    levels = max(1, len(gtr["widths"]) - 1)
    flow = {name: widths[:levels] for name, widths in SFM.items() if name.endswith("widths")}
    sfm = {**SFM, **flow, "patch": gtr["patch"], **({"slope": 2.0} if present else {})}
    return {"name": "atfm", "gtr": gtr, "sfm": sfm}, [
        Reason(
            "method.name", "atfm", "a distribution of masks, and where there is time a flow to single ones", "later"
        ),
        *reasons,
        Reason("method.gtr.energy", "beside the likelihood", "samples are scored as they are drawn", "tuned"),
        Reason("method.sfm", "one step", "from starts of GTR drawn apart by 1.2", "flow"),
    ]


def _gtr(facts: Facts, view: View) -> tuple[Fields, list[Reason]]:
    patch = 2 if all(side % 2 == 0 for side in view.size) else 1
    levels = max(1, 1 + int(math.log2(max(1.0, min(view.size[-2:]) / (POSITIONS * patch)))))
    few = facts.patients < FEW
    widths = (NARROW if few else WIDE)[:levels]
    if facts.dims == 3:
        widths = tuple(width * 3 // 4 for width in widths)
    covers = patch * 2 ** (len(widths) - 1)
    why = f"{len(widths)} levels, of which a position of the coarsest covers {covers} of {spoken(view.size)} pixels"
    folded = "sides are even: two rows and columns are folded into one" if patch == 2 else "a side is odd"
    return {"widths": widths, "patch": patch, "dropout": 0.1 if few else 0.0}, [
        Reason("method.gtr.patch", str(patch), folded, "patch"),
        Reason("method.gtr.widths", ", ".join(map(str, widths)), why, "levels"),
        Reason("method.gtr.widths", "narrow" if few else "wide", f"for {facts.patients:,} patients", "widths"),
    ]


def augment(facts: Facts, view: View) -> tuple[Fields, list[Reason]]:
    """Choose how far images are turned, scaled and shifted, and their contrast changed."""
    few = facts.patients < FEW
    fields: Fields = dict(FAR if few else NEAR)
    fields["shift"] = round(fields["shift"] * min(view.size[-2:]), 1)
    if view.slides:
        fields["lesion"] = 0.7
    reasons = [Reason("augment", "far" if few else "near", f"for {facts.patients:,} patients", "augment")]
    if facts.upright > UPRIGHT:
        sided = facts.sided > UPRIGHT
        fields |= {"flip": False, "mirror": not sided, "rotate": TILT}
        why = f"images have an upright: they correlate by {facts.upright:.2f} more than with turned ones"
        why += f", and by {facts.sided:.2f} more than with mirrored ones"
        value = f"{TILT:.0f} degrees at most, " + ("not mirrored" if sided else "and mirrored")
        return fields, [*reasons, Reason("augment.rotate", value, why, "upright")]
    square = view.size[-1] == view.size[-2]
    why = "images have no upright" + ("" if square else ", and are not square")
    return fields, [*reasons, Reason("augment.flip", "quarter turns" if square else "half turns", why, "upright")]


def shares_of(facts: Facts, *, present: bool) -> dict[str, float]:
    """Choose each stage's share of the time, where there is enough of it for all; one of none is left out."""
    shares = dict(SHARES[_kind(facts)])
    return (
        {"presence": PRESENT, **{name: (1 - PRESENT) * share for name, share in shares.items()}} if present else shares
    )


def timed(facts: Facts, shares: Mapping[str, float], afforded: Mapping[str, float]) -> list[Reason]:
    """Say why each stage has its share of the time.

    Args:
        facts: of the set.
        shares: as chosen for the set.
        afforded: as chosen for the time too, see `atfm.plan.pace.afforded`.
    """
    kind, reasons = _kind(facts), []
    left = {"few": f"for {facts.patients} patients", "volumes": "for volumes"}.get(kind, "")
    for name, share in afforded.items():
        if share:
            rule = "presence" if name == "presence" else kind
            reasons.append(Reason(f"stages.{name}", f"{share:.0%} of the time", _WHY[name], rule))
        elif shares[name]:
            why = f"beside it GTR would make less than {ENOUGH:,} steps in this time"
            reasons.append(Reason(f"stages.{name}", "left out", why, "later"))
        else:
            reasons.append(Reason(f"stages.{name}", "left out", left, kind))
    return reasons


def stages_of(facts: Facts, shares: Mapping[str, float]) -> Fields:
    """Choose how each stage is trained, but for the steps."""
    batch = BATCH if facts.patients < FEW or facts.dims == 3 else 2 * BATCH
    plain = {"batch": batch, "lr": LR, "weight_decay": WEIGHT_DECAY}
    stages: Fields = {name: plain if share else {"steps": 0} for name, share in shares.items()}
    if shares["energy"]:
        stages["energy"] = {**plain, "lr": ENERGY_LR}
    return stages


def validation(facts: Facts) -> tuple[Fields, list[Reason]]:
    """Choose who validates; where the store has no split val, a few of the training patients."""
    if facts.validation:
        why = f"the store's split, of {facts.validation:,} patients"
        return dict(VALIDATION), [Reason("validation", "val", why, "validation")]
    held = min(facts.patients - 1, max(1, round(HELD * facts.patients)))
    if not held:
        why = "the store has no split val, and one patient: all stages make all of their steps and are kept"
        return dict(VALIDATION), [Reason("validation", "none", why, "validation")]
    why = f"the store has no split val: so many of the {facts.patients:,} training patients validate instead"
    return {**VALIDATION, "hold_out": held}, [Reason("hold_out", str(held), why, "validation")]


def _kind(facts: Facts) -> str:
    """Which of the rules for stages is the set's."""
    return "volumes" if facts.dims == 3 else "few" if facts.patients < FEW else "many"
