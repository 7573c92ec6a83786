"""The rules of a plan: each looks at the facts of a set and says what is chosen, why, and what the rule stands on.

"Own set" is the section "One's own set" of docs/experiments.md, where each measurement stands with its command.
"""

import math
from collections.abc import Mapping
from typing import Any

from atfm.plan.facts import Facts
from atfm.plan.reason import Reason
from atfm.plan.view import View, spoken, view_of
from atfm.train.config import FitConfig

__all__ = ["VALIDATION", "augment", "look", "method", "networks", "presence", "training"]

Chosen = tuple[dict[str, Any], list[Reason]]

OWN = "measured: docs/experiments.md, One's own set"
LIMITS = "measured: docs/experiments.md, What limits it"
NNUNET = "Isensee et al., Nature Methods 2021 (nnU-Net): the median spacing of the set"

CANVAS = 128  # pixels along the longest side of an image that is seen whole
LEAST = 8  # pixels of the longest side of a lesion, below which its outline is lost
VOXELS = 2**15  # of a volume that a step sees: what a core passes through in a fifth of a second
CONTEXT = 1.5  # crop over lesion: a quarter of a lesion on each of its sides
POSITIONS = 4  # of the coarsest level along the shortest side: it sees the object and what is beside it
FEW = 100  # patients: below them networks are narrow and images are turned, scaled and shifted far
OFTEN, SEEN = 0.02, 8  # share of empty masks, and cases of both kinds, from which presence can be learnt
UPRIGHT = 0.1  # of correlation, from which images are not turned


def look(facts: Facts) -> tuple[View, list[Reason]]:
    """What a network sees: whole images, their middle, or crops, and in which pixels."""
    if facts.dims == 3:
        return _volume(facts)
    side = max(facts.size.usual)
    spread = 1.0 if facts.spacing is None else max(facts.spacing.most) / min(facts.spacing.least)
    if spread > 1.25 and facts.unsaid < 0.1:
        return _by_millimetres(facts)
    if facts.same_size and side <= 1.25 * CANVAS and not any(round(s) % 2 for s in facts.size.usual):
        return _as_they_are(facts)
    if facts.small * CANVAS / side >= LEAST:
        return _canvas(facts)
    return _crop(facts)


def _as_they_are(facts: Facts) -> tuple[View, list[Reason]]:
    margin = 1.0 if facts.patients >= FEW else 1.2
    window = tuple(min(round(side), 16 * math.ceil(margin * side * facts.reach / 16)) for side in facts.size.usual)
    if math.prod(window) <= 0.5 * math.prod(facts.size.usual):
        why = f"in 99 of 100 cases all marks lie in the middle {spoken(window)} of {spoken(facts.size.usual)} pixels"
        view = view_of(facts, fit=None, window=window, crop=None)
        return view, [Reason("window", spoken(window), why, "as lidc: a quarter of the time, docs/experiments.md")]
    view = view_of(facts, fit=None, window=None, crop=None)
    why = f"all images have {spoken(facts.size.usual)} pixels, which a network can look at whole"
    return view, [Reason("fit", "none", why, OWN)]


def _canvas(facts: Facts) -> tuple[View, list[Reason]]:
    side = max(facts.size.usual)
    longest = min(CANVAS, 16 * math.ceil(max(facts.size.most) / 16))
    canvas = tuple(min(longest, 16 * math.ceil(longest * s / side / 16)) for s in facts.size.usual)
    canvas = (max(canvas),) * 2 if min(canvas) >= 0.75 * max(canvas) else canvas  # a square may be turned
    view = view_of(facts, fit=FitConfig(canvas=canvas), window=None, crop=None)
    lesion = view.lesion(facts)
    why = (
        f"images of {_between(facts.size.least, facts.size.most)} pixels are seen whole, {view.step[-1]:.2g} of their "
        f"pixels in one; what is marked then takes {spoken(lesion.usual)} pixels, {spoken(lesion.most)} at most"
    )
    return view, [Reason("fit.canvas", spoken(canvas), why, OWN)]


def _crop(facts: Facts) -> tuple[View, list[Reason]]:
    usual = max(facts.lesion.usual) if facts.lesion else CANVAS
    step = max(1.0, usual * 2 / CANVAS)
    fit = FitConfig(step=(round(step, 2),) * 2) if step > 1.1 else None
    crop = tuple(_even(min(CANVAS, s / step)) for s in facts.size.least)
    view = view_of(facts, fit=fit, window=None, crop=crop)
    whole = (
        f"whole images of {spoken(facts.size.usual)} pixels would leave lesions less than {LEAST} of {CANVAS} pixels"
    )
    reasons = [Reason("crop", spoken(crop), f"{whole}, so that parts are seen; they slide over an image", OWN)]
    if fit:
        why = f"a lesion of {usual:.0f} pixels takes half of a crop"
        reasons.append(Reason("fit.step", f"{step:.2f}", why, OWN))
    return view, reasons


def _by_millimetres(facts: Facts) -> tuple[View, list[Reason]]:
    spacing = facts.spacing.usual if facts.spacing else (1.0, 1.0)
    step = max(1.0, max(facts.size.usual) / CANVAS)
    if facts.small / step < LEAST:
        step = max(1.0, facts.small / LEAST)
    wanted = tuple(round(mm * step, 3) for mm in spacing)
    least = facts.size.least
    crop = tuple(_even(min(CANVAS, s / step)) for s in least)
    view = view_of(facts, fit=FitConfig(spacing=wanted), window=None, crop=crop)
    said = f"pixels of {_between(facts.spacing.least, facts.spacing.most)} mm" if facts.spacing else ""
    return view, [
        Reason("fit.spacing", spoken(wanted), f"{said}: a millimetre is the same number of pixels in all", NNUNET),
        Reason("crop", spoken(crop), "images brought to one spacing differ in size; crops slide over them", OWN),
    ]


def _volume(facts: Facts) -> tuple[View, list[Reason]]:
    """3-D, as the store has it: the whole volume where it is small, else a crop with room round the lesion."""
    sides = facts.size.usual
    reasons = [Reason("dims", "3-D", f"the cases are volumes of {spoken(sides)} voxels", "as the store has them")]
    if facts.same_size and math.prod(sides) <= VOXELS and not any(round(s) % 2 for s in sides):
        return view_of(facts, fit=None, window=None, crop=None), reasons
    lesion = facts.lesion.most if facts.lesion else sides
    wanted = [max(16.0, CONTEXT * side) for side in lesion]
    step = max(1.0, (math.prod(min(w, s) for w, s in zip(wanted, sides, strict=True)) / VOXELS) ** (1 / 3))
    fit, source = _voxels(facts, step)
    crop = tuple(_even(min(w, s) / step, 8) for w, s in zip(wanted, facts.size.least, strict=True))
    view = view_of(facts, fit=fit, window=None, crop=crop)
    why = f"what is marked takes {spoken(lesion)} voxels at most; {VOXELS:,} voxels are what a step has time for"
    if fit:
        name, pixels = ("spacing", fit.spacing) if fit.spacing else ("step", fit.step)
        reasons.append(Reason(f"fit.{name}", spoken(pixels or ()), why, source))
    return view, [*reasons, Reason("crop", spoken(crop), why + ", and crops slide over a volume", OWN)]


def _voxels(facts: Facts, step: float) -> tuple[FitConfig | None, str]:
    """The voxels of a network: by millimetres where the set knows them and they differ, else by those of the images."""
    known = facts.spacing if facts.unsaid < 0.1 else None
    differ = known and any(most > 1.1 * least for most, least in zip(known.most, known.least, strict=True))
    if known and (differ or step > 1.1):
        return FitConfig(spacing=tuple(round(mm * step, 3) for mm in known.usual)), NNUNET
    return (FitConfig(step=(round(step, 2),) * 3), OWN) if step > 1.1 else (None, OWN)


def _even(side: float, of: int = 16) -> int:
    """The multiple of 16 below a side; of sides below that the even number."""
    return max(2, int(side) // of * of if side >= of else int(side) // 2 * 2)


def _between(least: tuple[float, ...], most: tuple[float, ...]) -> str:
    return spoken(least) if least == most else f"{spoken(least)} to {spoken(most)}"


def networks(facts: Facts, view: View) -> Chosen:
    """Patch, levels and widths of the network that reads the image, from the size and the number of patients."""
    patch = 2 if all(side % 2 == 0 for side in view.size) else 1
    levels = max(1, 1 + int(math.log2(max(1.0, min(view.size[-2:]) / (POSITIONS * patch)))))
    narrow = facts.patients < FEW
    widths = ((16, 32, 48, 64, 96, 96) if narrow else (24, 40, 56, 80, 96, 96))[:levels]
    if facts.dims == 3:
        widths = tuple(width * 3 // 4 for width in widths)
    stride = patch * 2 ** (len(widths) - 1)
    fields = {"widths": widths, "patch": patch, "dropout": 0.1 if narrow else 0.0}
    return fields, [
        Reason(
            "method.patch",
            str(patch),
            "the finest level has half as many rows as the image; of 4 outlines were lost",
            OWN,
        ),
        Reason(
            "method.widths",
            ", ".join(map(str, widths)),
            f"{len(widths)} levels: a position of the coarsest stands for {stride} of {spoken(view.size)} pixels; "
            + (f"narrow, for {facts.patients} patients" if narrow else f"for {facts.patients} patients"),
            OWN if narrow else LIMITS,
        ),
    ]


def presence(facts: Facts, view: View) -> tuple[bool, Reason]:
    """Whether a network of its own says if a reader marks anything."""
    share = f"{facts.empty:.0%} of the masks are empty"
    if view.slides:
        return False, Reason("method.presence", "none", f"{share}; crops show parts of an image", "docs/methods.md")
    if facts.empty >= OFTEN and facts.denied >= SEEN:
        why = f"{share}, in {facts.denied} cases beside others that are not"
        return True, Reason("method.presence", "a hurdle", why, "measured: docs/experiments.md, The phantom")
    return False, Reason(
        "method.presence", "none", f"{share}, too few to learn when", "measured: docs/experiments.md, The phantom"
    )


def augment(facts: Facts, view: View) -> Chosen:
    """How far images are turned, scaled and shifted, and their contrast changed."""
    few = facts.patients < FEW
    square = view.size[-1] == view.size[-2]
    far = {"warp": 1.0, "scale": 0.3, "contrast": 0.3, "brightness": 0.15}
    near = {"warp": 0.5, "scale": 0.15, "contrast": 0.2, "brightness": 0.1}
    fields: dict[str, Any] = {
        **(far if few else near),
        "shift": round(min(view.size[-2:]) * (0.08 if few else 0.05), 1),
    }
    turns = "quarter turns and mirroring" if square else "half turns and mirroring, since the view is not square"
    why = f"{turns}, and any turn between; " + (f"far, for {facts.patients} patients" if few else "as lidc")
    if view.slides:
        fields["lesion"] = 0.7
    return fields, [Reason("augment", ", ".join(f"{name} {value:g}" for name, value in fields.items()), why, OWN)]


def training(
    facts: Facts, view: View, *, present: bool
) -> tuple[dict[str, dict[str, Any]], dict[str, float], list[Reason]]:
    """How each stage is trained, and its share of the time; a stage of no share is left out."""
    few, volume = facts.patients < FEW, facts.dims == 3
    batch = 8 if few or volume else 16
    shares = {"gtr": 0.65, "sfm": 0.35, "energy": 0.0} if volume else {"gtr": 0.5, "sfm": 0.15, "energy": 0.35}
    if present:
        shares = {"presence": 0.15, **{name: 0.85 * share for name, share in shares.items()}}
    stages: dict[str, dict[str, Any]] = {name: {"batch": batch, "lr": 2e-3, "weight_decay": 0.01} for name in shares}
    for name, share in shares.items():
        stages[name] |= {} if share else {"steps": 0}
    if "energy" in stages:
        stages["energy"]["lr"] = 3e-4
    reasons = [
        Reason(f"stages.{name}", f"{share:.0%} of the time", WHY[name], SOURCES[name]) for name, share in shares.items()
    ]
    return stages, shares, reasons


WHY = {
    "presence": "whether anybody marks anything is learnt first, by a network of its own",
    "gtr": "the distribution of masks, from which all else starts",
    "sfm": "a flow moves single samples to masks; kept where validation is better with it",
    "energy": "samples as they are used, tuned by the energy score; kept where validation is better with it",
}
SOURCES = {
    "presence": "measured: docs/experiments.md, The phantom",
    "gtr": OWN,
    "sfm": OWN,
    "energy": "measured: docs/experiments.md, LIDC",
}


def method(
    facts: Facts, networks: Mapping[str, Any], *, present: bool, stages: list[str]
) -> tuple[dict[str, Any], Reason]:
    """The method with its networks: ATFM, or GTR alone where nothing but it is trained."""
    gtr = {**networks, **({"presence": {"widths": (16, 32, 48), "members": 2}} if present else {})}
    if "sfm" not in stages:
        return {"name": "gtr", **gtr}, Reason("method.name", "gtr", "stage 1 alone", OWN)
    levels = max(1, len(networks["widths"]) - 1)
    sfm: dict[str, Any] = {
        "widths": (16, 32, 48, 64)[:levels],
        "context_widths": (24, 32, 48)[:levels],
        "patch": networks["patch"],
        "pairs": 1,
        "steps": 1 if "energy" in stages else 4,
        "draws": 4,
        "prior": 3e-3,
    }
    if present:
        sfm["slope"] = 2.0
    why = "a distribution first, then a flow to single masks" + (
        ", tuned by the energy score" if "energy" in stages else ""
    )
    return {"name": "atfm", "gtr": gtr, "sfm": sfm}, Reason(
        "method.name", "atfm", why, "measured: docs/experiments.md, LIDC"
    )


VALIDATION = {"validate_cases": 40, "validate_samples": 16}
