"""What a network sees of the images of a set: whole, their middle, or crops, and in which pixels."""

import math

from atfm.plan.facts import Facts, Range
from atfm.plan.reason import Reason
from atfm.plan.rules import CANVAS, CONTEXT, FEW, LEAST, MIDDLE, MIXED, VOXELS
from atfm.plan.view import View, spoken, view_of
from atfm.train.config import FitConfig

__all__ = ["look"]

Looked = tuple[View, list[Reason]]
_UNSAID = 0.1  # share of the cases without a spacing, from which millimetres are not known


def look(facts: Facts, lesion: Range) -> Looked:
    """Choose what a network sees, with the reasons.

    Args:
        facts: of the set.
        lesion: sides of what is marked in an image, see `Facts`.
    """
    if facts.dims == 3:
        return _volume(facts, lesion)
    side = max(facts.size.usual)
    if _differ(facts, MIXED):
        return _by_millimetres(facts)
    if facts.same_size and side <= 1.25 * CANVAS and not any(round(s) % 2 for s in facts.size.usual):
        return _as_they_are(facts)
    if facts.small * CANVAS / side >= LEAST:
        return _canvas(facts)
    return _crop(facts, lesion)


def _as_they_are(facts: Facts) -> Looked:
    margin = 1.0 if facts.patients >= FEW else 1.2
    window = tuple(min(round(side), 16 * math.ceil(margin * side * facts.reach / 16)) for side in facts.size.usual)
    whole = spoken(facts.size.usual)
    if math.prod(window) <= MIDDLE * math.prod(facts.size.usual):
        why = f"in 99 of 100 cases all marks lie in the middle {spoken(window)} of {whole} pixels"
        view = view_of(facts, fit=None, window=window, crop=None)
        return view, [Reason("window", spoken(window), why, "window")]
    view = view_of(facts, fit=None, window=None, crop=None)
    return view, [Reason("fit", "none", f"all images have {whole} pixels, which a network can look at whole", "plain")]


def _canvas(facts: Facts) -> Looked:
    side = max(facts.size.usual)
    longest = min(CANVAS, 16 * math.ceil(max(facts.size.most) / 16))
    canvas = tuple(min(longest, 16 * math.ceil(longest * s / side / 16)) for s in facts.size.usual)
    canvas = (max(canvas),) * 2 if min(canvas) >= 0.75 * max(canvas) else canvas  # a square may be turned
    view = view_of(facts, fit=FitConfig(canvas=canvas), window=None, crop=None)
    lesion = view.lesion(facts)
    why = (
        f"images of {_between(facts.size)} pixels are seen whole, {view.step[-1]:.2g} of their pixels in one; what is "
        f"marked takes {spoken(lesion.usual)} of these"
    )
    return view, [Reason("fit.canvas", spoken(canvas), why, "canvas")]


def _crop(facts: Facts, lesion: Range) -> Looked:
    usual = max(lesion.usual)
    step = max(1.0, usual * 2 / CANVAS)
    fit = FitConfig(step=(round(step, 2),) * 2) if step > 1.1 else None
    crop = tuple(_even(min(CANVAS, s / step)) for s in facts.size.least)
    why = (
        f"of images of {spoken(facts.size.usual)} pixels on {CANVAS}, masks of {facts.small:.0f} pixels would keep "
        f"less than {LEAST}; parts are seen instead, and slide over an image"
    )
    reasons = [Reason("crop", spoken(crop), why, "crop")]
    if fit:
        reasons.append(
            Reason("fit.step", f"{step:.2f}", f"a lesion of {usual:.0f} pixels takes half of a crop", "crop")
        )
    return view_of(facts, fit=fit, window=None, crop=crop), reasons


def _by_millimetres(facts: Facts) -> Looked:
    spacing = facts.spacing or facts.size
    step = max(1.0, min(max(facts.size.usual) / CANVAS, facts.small / LEAST))
    wanted = tuple(round(mm * step, 3) for mm in spacing.usual)
    # an image of the least pixels, in millimetres, is the smallest that a crop has to lie in
    least = [size * mm / want for size, mm, want in zip(facts.size.least, spacing.least, wanted, strict=True)]
    crop = tuple(_even(min(CANVAS, side)) for side in least)
    why = f"pixels of {_between(spacing)} mm: a millimetre is to be as many pixels in all"
    return view_of(facts, fit=FitConfig(spacing=wanted), window=None, crop=crop), [
        Reason("fit.spacing", spoken(wanted), why, "spacing"),
        Reason("crop", spoken(crop), "images of one spacing differ in size; crops slide over them", "spacing"),
    ]


def _volume(facts: Facts, lesion: Range) -> Looked:
    """3-D, as the store has it: the whole volume where it is small, else a crop with room round the lesion."""
    sides = facts.size.usual
    reasons = [Reason("dims", "3-D", f"the cases are volumes of {spoken(sides)} voxels", "volume")]
    if facts.same_size and math.prod(sides) <= VOXELS and not any(round(s) % 2 for s in sides):
        return view_of(facts, fit=None, window=None, crop=None), reasons
    wanted = [max(16.0, CONTEXT * usual, most) for usual, most in zip(lesion.usual, lesion.most, strict=True)]
    step = max(1.0, (math.prod(min(w, s) for w, s in zip(wanted, sides, strict=True)) / VOXELS) ** (1 / 3))
    fit = _voxels(facts, step)
    crop = tuple(
        min(8 * math.ceil(w / step / 8), _even(s / step)) for w, s in zip(wanted, facts.size.least, strict=True)
    )
    why = f"what is marked takes {spoken(lesion.usual)} voxels, {spoken(lesion.most)} at most"
    if fit:
        name, voxels = ("spacing", fit.spacing) if fit.spacing else ("step", fit.step)
        why_so = f"{why}: more than the {VOXELS:,} that a step sees" if step > 1.1 else "voxels differ in millimetres"
        reasons.append(Reason(f"fit.{name}", spoken(voxels or ()), why_so, "volume" if step > 1.1 else "spacing"))
    view = view_of(facts, fit=fit, window=None, crop=crop)
    return view, [*reasons, Reason("crop", spoken(crop), f"{why}; crops slide over a volume", "volume")]


def _voxels(facts: Facts, step: float) -> FitConfig | None:
    """The voxels of a network: by millimetres where the set knows them, else by those of the images."""
    known = facts.spacing if facts.unsaid < _UNSAID else None
    if known and (_differ(facts, 1.1) or step > 1.1):
        return FitConfig(spacing=tuple(round(mm * step, 3) for mm in known.usual))
    return FitConfig(step=(round(step, 2),) * 3) if step > 1.1 else None


def _differ(facts: Facts, by: float) -> bool:
    """Whether the cases' spacings are known and differ by more than a factor along some axis."""
    known = facts.spacing if facts.unsaid < _UNSAID else None
    return known is not None and any(most > by * least for most, least in zip(known.most, known.least, strict=True))


def _even(side: float) -> int:
    """The largest multiple of 8 that a side holds; of shorter ones the largest even number."""
    return max(2, int(side) // 8 * 8 if side >= 8 else int(side) // 2 * 2)


def _between(sides: Range) -> str:
    return spoken(sides.least) if sides.least == sides.most else f"{spoken(sides.least)} to {spoken(sides.most)}"
