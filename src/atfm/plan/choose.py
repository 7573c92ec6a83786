"""Networks, augmentation, stages and validation of a plan, from the facts of a set and what is seen of it."""

import math
from collections.abc import Mapping
from typing import Any

from atfm.plan.facts import Facts
from atfm.plan.reason import Reason
from atfm.plan.rules import (
    BATCH,
    ENERGY_LR,
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

__all__ = ["augment", "method", "presence", "shares_of", "stages_of", "validation"]

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


def method(facts: Facts, view: View, shares: Mapping[str, float]) -> tuple[Fields, list[Reason]]:
    """Choose the method and its networks, from the size of what is seen and the number of patients."""
    gtr, reasons = _gtr(facts, view)
    if "presence" in shares:
        gtr["presence"] = dict(PRESENCE)
    levels = max(1, len(gtr["widths"]) - 1)
    flow = {name: widths[:levels] for name, widths in SFM.items() if name.endswith("widths")}
    steps = 1 if shares["energy"] else 2  # the energy score tunes a single step
    sfm = {**SFM, **flow, "patch": gtr["patch"], "steps": steps, **({"slope": 2.0} if "presence" in shares else {})}
    tuned = ", tuned by the energy score" if shares["energy"] else ""
    why = f"a distribution of masks first, then a flow to single ones{tuned}"
    return {"name": "atfm", "gtr": gtr, "sfm": sfm}, [Reason("method.name", "atfm", why, _kind(facts)), *reasons]


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
        fields |= {"flip": False, "mirror": True, "rotate": TILT}
        why = f"images have an upright: they correlate by {facts.upright:.2f} more than with turned ones"
        return fields, [*reasons, Reason("augment.rotate", f"{TILT:.0f} degrees, and mirrored", why, "upright")]
    square = view.size[-1] == view.size[-2]
    why = "images have no upright" + ("" if square else ", and are not square")
    return fields, [*reasons, Reason("augment.flip", "quarter turns" if square else "half turns", why, "upright")]


def shares_of(facts: Facts, *, present: bool) -> tuple[dict[str, float], list[Reason]]:
    """Choose each stage's share of the time; one of none is left out."""
    kind = _kind(facts)
    shares = dict(SHARES[kind])
    if present:
        shares = {"presence": PRESENT, **{name: (1 - PRESENT) * share for name, share in shares.items()}}
    reasons = []
    for name, share in shares.items():
        left = {"few": f"for {facts.patients} patients", "volumes": "for volumes"}.get(kind, "")
        said = ("presence" if name == "presence" else kind) if share else kind
        value, why = (f"{share:.0%} of the time", _WHY[name]) if share else ("left out", left)
        reasons.append(Reason(f"stages.{name}", value, why, said))
    return shares, reasons


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
