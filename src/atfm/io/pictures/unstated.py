"""Masks that say themselves what their pixels mean: every cue, value, palette, alpha and colour, tells the same.

    grey          0 is outside, the one other value, 1 or the type's white, is the region; or labels 0, 1, 2 ...
    transparency  what is visible is the region if it is of one colour that is not black
    palette       its numbers, if number 0 and nothing else is black; of black and white alone what it shows
    colours       are never guessed: `MaskRule` states them

Where two cues disagree about what is inside, or none tells, the file is refused with what would state it.
"""

import numpy as np

from atfm.errors import AmbiguousError, InputError
from atfm.io.pictures.raster import Raster
from atfm.io.pictures.stated import TOLERANCE, colours_of, some_values

__all__ = ["by_itself", "whole_numbers"]

SHOWN = "palettes that begin with white: what they show white was taken for the region, whatever its number"
SHOWN_LABELS = "palettes whose numbers are in another order than their greys: the greys shown were taken for labels"
UNSHOWN = "palettes that show everything in one colour: their numbers were taken"
SOFT = "transparent masks with several opacities: whatever is not fully transparent was taken for the region"

WHITES = (1, 255, 65535)

Told = tuple[str, ...]


def by_itself(raster: Raster, classes: int, name: object) -> tuple[np.ndarray, Told]:
    """The labels of a mask, `[*spatial]` uint8, and a sentence for whatever was guessed.

    Args:
        raster: as it is stored and shown.
        classes: 1 for a binary mask, else labels are 0 to `classes - 1`.
        name: what an error calls it.

    Raises:
        InputError: values that are no labels.
        AmbiguousError: cues that disagree, or do not tell.
    """
    if raster.alpha is not None and not uniform(raster.alpha):
        return by_alpha(raster, name) if classes == 1 else behind(raster, classes, name)
    if raster.alpha is not None and not uniform(raster.shown):
        raster = raster._replace(alpha=None)  # equally opaque everywhere, it tells nothing; colours do
    if raster.alpha is not None and classes == 1 and not opaque(raster.alpha):
        return by_alpha(raster, name)
    if raster.inverted:
        raise AmbiguousError(
            f"{name}: high values are shown dark in this TIFF, so the region may be what is stored as "
            f"{some_values(as_stored(raster))} or what is shown white; {how(classes, raster)}"
        )
    if raster.palette is not None:
        return by_palette(raster, classes, name)
    if raster.stored is None and raster.grey is None:
        raise AmbiguousError(
            f"{name}: expected a mask, got a colour picture without transparency ({colours_of(raster)}); "
            f"{how(classes, raster)}"
        )
    values = as_stored(raster)
    if classes != 1:
        return labels_of(values, classes, name, raster), ()
    white = np.iinfo(raster.shown.dtype).max if raster.shown.dtype.kind == "u" else 1
    shown = raster.grey
    if shown is not None and shown.dtype.kind == "u" and values.shape == shown.shape and values.max() != shown.max():
        values = shown if ((shown == 0) | (shown == white)).all() else values  # a PGM with a white of its own
    return binary_of(values, name, raster), ()


def how(classes: int, raster: Raster) -> str:
    """What to state."""
    if classes != 1:
        return "state which is which with --labels, such as --labels '#000000=0' '#ff0000=1'"
    if raster.lossy and raster.grey is not None:
        return "state where the region begins with --threshold, such as --threshold 127"
    if raster.palette is not None:
        return "state which is the region with --foreground, a number such as 1, or a colour such as '#ffffff'"
    example = "'#ffffff'" if raster.grey is not None else "'#ff0000'"
    return f"state which is the region with --foreground, a value or a colour, such as --foreground {example}"


def uniform(values: np.ndarray) -> bool:
    """Whether an array of bands, or of one, is the same everywhere."""
    flat = values.reshape(len(values), -1) if values.ndim > 2 else values.reshape(1, -1)
    return bool((flat == flat[:, :1]).all())


def opaque(alpha: np.ndarray) -> bool:
    """Whether everything is as visible as can be."""
    top = np.iinfo(alpha.dtype).max if alpha.dtype.kind == "u" else 1
    return bool((alpha == top).all())


def as_stored(raster: Raster) -> np.ndarray:
    """The numbers of a grey mask."""
    grey = raster.grey if raster.stored is None else raster.stored
    if grey is None:
        raise InputError("a picture in colour has no numbers")
    return grey


# ---- transparency ----


def by_alpha(raster: Raster, name: object) -> tuple[np.ndarray, Told]:
    """The region is what can be seen, if that is of one colour which is nobody's background."""
    alpha = np.zeros(raster.shown.shape[1:]) if raster.alpha is None else raster.alpha
    visible = np.asarray(alpha > 0)
    seen = raster.shown[:, visible if visible.any() else ~visible]
    state = "state the region with --foreground visible, --foreground transparent, or a colour such as '#ffffff'"
    if not (seen == seen[:, :1]).all():
        where = "visible" if visible.any() else "transparent"
        raise AmbiguousError(
            f"{name}: {int((~visible).sum())} of {visible.size} pixels are transparent, and the {where} ones are of "
            f"several colours ({colours_of(raster)}), so alpha and colours disagree about the region; {state}"
        )
    if not visible.any():
        return visible.astype(np.uint8), ()
    black = not seen[:, 0].any()
    first = raster.palette is not None and raster.stored is not None and bool((raster.stored[visible] == 0).all())
    if black or first:
        why = "black, as backgrounds are" if black else "the first of its palette, as backgrounds are"
        raise AmbiguousError(f"{name}: what is not transparent is {why}, so it may be the region or the rest; {state}")
    levels = alpha[visible]
    if visible.all() and not uniform(alpha):
        raise AmbiguousError(f"{name}: nothing is transparent, and not everything is opaque; {state}")
    return visible.astype(np.uint8), (SOFT,) if levels.min() != levels.max() else ()


def behind(raster: Raster, classes: int, name: object) -> tuple[np.ndarray, Told]:
    """Labels of a picture that is transparent in places: there has to be background."""
    clear = raster.alpha == 0
    labels, told = by_itself(raster._replace(alpha=None), classes, name)
    if labels[clear].any():
        raise AmbiguousError(
            f"{name}: some transparent pixels have labels other than 0; {how(classes, raster)} transparent=0"
        )
    return labels, told


# ---- palettes ----


def by_palette(raster: Raster, classes: int, name: object) -> tuple[np.ndarray, Told]:
    """Numbers if number 0 is the one that is black, else what is shown if that is grey, else nothing is known."""
    index, grey = as_stored(raster), raster.grey
    held = 0 if raster.palette is None else len(raster.palette)
    if uniform(raster.shown) and not uniform(index) and int(index.max()) < held:
        found = binary_of(index, name, raster) if classes == 1 else labels_of(index, classes, name, raster)
        return found, (UNSHOWN,)
    black = ~raster.shown.any(axis=0)
    agreed = bool(((index == 0) == black).all())
    if classes == 1:
        if agreed and different(index[index != 0]) <= 1 and (plain_two(index) or plain_two(grey)):
            return (index > 0).astype(np.uint8), ()
        if grey is not None and ((grey == 0) | (grey == 255)).all() and has_white(raster) and tells(index, grey):
            return (grey > 0).astype(np.uint8), (SHOWN,)
    elif grey is not None and int(grey.max()) < classes and tells(index, grey):
        return grey.astype(np.uint8), () if (grey == index).all() else (SHOWN_LABELS,)
    elif agreed and (grey is None or rising(index, grey)):
        return labels_of(index, classes, name, raster), (numbers(raster, classes),) if grey is None else ()
    raise AmbiguousError(
        f"{name}: a palette whose numbers and colours do not tell the same: numbers {some_values(index)} "
        f"are shown as {colours_of(raster)}; {how(classes, raster)}"
    )


def has_white(raster: Raster) -> bool:
    """Whether a palette could show something white."""
    return raster.palette is not None and bool((raster.palette == 255).all(axis=1).any())


def tells(index: np.ndarray, grey: np.ndarray) -> bool:
    """Whether every number in use is shown in a shade of its own."""
    return different(index) == different(grey)


def different(values: np.ndarray) -> int:
    """How many values there are; of bytes without sorting them, which takes seconds for a scanned slide."""
    if values.dtype == np.uint8:
        return int(np.count_nonzero(np.bincount(values.ravel(), minlength=256)))
    return len(np.unique(values))


def plain_two(values: np.ndarray | None) -> bool:
    """Whether there are only 0 and a white."""
    return (
        values is not None and values.max() in (0, *WHITES) and bool(((values == 0) | (values == values.max())).all())
    )


def rising(index: np.ndarray, grey: np.ndarray) -> bool:
    """Whether higher numbers are shown brighter."""
    used, first = np.unique(index, return_index=True)
    return bool((np.diff(grey.reshape(-1)[first].astype(int)) > 0).all()) or len(used) < 2


def numbers(raster: Raster, classes: int) -> str:
    """Which number was taken for which label, with its colour."""
    table = np.zeros((0, 3), np.uint8) if raster.palette is None else raster.palette[: min(classes, 8)]
    told = ", ".join(f"{k} #" + "".join(f"{part:02x}" for part in colour) for k, colour in enumerate(table.tolist()))
    return f"the numbers of a palette were taken for labels: {told}" + (" ..." if classes > 8 else "")


# ---- numbers ----


def binary_of(values: np.ndarray, name: object, raster: Raster) -> np.ndarray:
    """0 and the one other value, which is 1 or white."""
    check_finite(values, name)
    whole = whole_numbers(values)
    top = 0 if whole is None else whole.max(initial=0)
    if whole is None or top not in (0, *WHITES) or not ((whole == 0) | (whole == top)).all():
        raise AmbiguousError(
            f"{name}: expected a mask of 0 and 255 or 0 and 1, got {some_values(values)}; {how_grey(raster)}"
        )
    return (whole > 0).astype(np.uint8)


def how_grey(raster: Raster) -> str:
    """What to state of values that are neither."""
    if raster.lossy:
        return "packing with loss, as JPEG, changes values: " + how(1, raster)
    return (
        "state the region with --foreground V, or --threshold T above which it is; a map of labels takes --classes, or "
        "--labels"
    )


def labels_of(values: np.ndarray, classes: int, name: object, raster: Raster) -> np.ndarray:
    """Whole numbers below the number of classes."""
    check_finite(values, name)
    whole = whole_numbers(values)
    if whole is None or whole.min() < 0 or whole.max() >= classes:
        lossy = "packing with loss, as JPEG, changes values; save labels without loss, or " if raster.lossy else ""
        raise AmbiguousError(
            f"{name}: expected labels 0 to {classes - 1}, got {some_values(values)}; {lossy}state which value is which "
            "label with --labels, such as --labels 0=0 128=1 255=2"
        )
    return whole.astype(np.uint8)


def check_finite(values: np.ndarray, name: object) -> None:
    """Refuse NaN and infinity, which are no labels of anything."""
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise InputError(f"{name}: holds NaN or infinity; mend the file or leave it out")


def whole_numbers(values: np.ndarray) -> np.ndarray | None:
    """Numbers without what the scale of a file left of them, a thousandth at most; None where they are not whole."""
    if values.dtype.kind != "f":
        return values
    if not np.isfinite(values).all():
        return None
    near = np.rint(values)
    return near if (np.abs(values - near) <= TOLERANCE * np.maximum(1, np.abs(near))).all() else None
