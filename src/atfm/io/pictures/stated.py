"""Masks by a rule that the user states: a threshold, what is the region, or a table of labels."""

import numpy as np

from atfm.errors import AmbiguousError, InputError
from atfm.io.pictures.marking import Key, MaskRule, named
from atfm.io.pictures.raster import Raster

__all__ = ["by_rule", "colours_of", "some_values"]

TOLERANCE = 1e-3  # of a value: what the scale of a file leaves of whole numbers


def by_rule(raster: Raster, rule: MaskRule, name: object) -> np.ndarray:
    """The labels of a mask, `[*spatial]` uint8.

    Args:
        raster: as it is stored and shown.
        rule: with something stated in it.
        name: what an error calls it.

    Raises:
        InputError: values or colours that stand in no table.
        AmbiguousError: a rule that this file does not make clear.
    """
    if rule.threshold is not None:
        return above(raster, rule.threshold, name)
    if rule.foreground is not None:
        return where(raster, rule.foreground, name, "--foreground").astype(np.uint8)
    size = raster.shown.shape[1:]
    labels, known = np.zeros(size, np.uint8), np.zeros(size, bool)
    for key, label in rule.labels:
        found = where(raster, key, name, "--labels")
        if (known & found & (labels != label)).any():
            raise AmbiguousError(f"{name}: --labels: some pixels are {named(key)} and another entry as well; give one")
        labels[found] = label
        known |= found
    if not known.all():
        lossy = "; packing with loss has changed its values: --threshold would do" if raster.lossy else ""
        raise InputError(f"{name}: {rest(raster, ~known)} in no entry of --labels; add an entry for each{lossy}")
    return labels


def above(raster: Raster, threshold: float, name: object) -> np.ndarray:
    """What is brighter than a value."""
    if raster.alpha is not None and (raster.alpha == 0).any():
        raise AmbiguousError(
            f"{name}: --threshold says nothing of its transparent pixels; give --foreground visible, transparent, or a "
            "colour"
        )
    grey = raster.stored if raster.stored is not None and raster.palette is None else raster.grey
    if grey is None:
        raise AmbiguousError(
            f"{name}: --threshold needs grey values, this mask is in colour ({colours_of(raster)}); give --foreground "
            "or --labels with its colours"
        )
    if raster.inverted:
        raise AmbiguousError(
            f"{name}: --threshold: 0 is shown white in this file, so above may be stored or shown; save 0 as black"
        )
    if not np.isfinite(grey).all():
        raise InputError(f"{name}: holds NaN or infinity; mend the file or leave it out")
    return (grey > threshold).astype(np.uint8)


def where(raster: Raster, key: Key, name: object, flag: str) -> np.ndarray:
    """The pixels that are of a value or a colour, `[*spatial]` bool."""
    if isinstance(key, str):
        if raster.alpha is None:
            raise InputError(f"{name}: {flag} {key}: nothing is transparent in this file; give a value or a colour")
        return np.asarray((raster.alpha > 0) == (key == "visible"))
    if isinstance(key, tuple):
        return coloured(raster, key, name, flag)
    if raster.stored is None:
        if raster.grey is None:
            raise InputError(
                f"{name}: {flag} {key:g}: a picture in colour has no values; give its colours ({colours_of(raster)})"
            )
        return np.asarray(close(raster.grey, key))
    found = close(raster.stored, key)
    if raster.palette is not None and not key < len(raster.palette) and not found.any():
        raise AmbiguousError(
            f"{name}: {flag} {key:g}: its values are those of a palette of {len(raster.palette)} colours, which has no "
            f"{key:g}; give the colour that is shown ({colours_of(raster)})"
        )
    return found


def close(values: np.ndarray, wanted: float) -> np.ndarray:
    """Where values are a number, but for what a scale leaves of it."""
    if values.dtype.kind != "f":
        return np.asarray(values == wanted)
    return np.asarray(np.abs(values - wanted) <= TOLERANCE * max(1.0, abs(wanted)))


def coloured(raster: Raster, colour: tuple[int, int, int], name: object, flag: str) -> np.ndarray:
    """Where a colour is shown; nothing is where a pixel is transparent."""
    shown = raster.shown
    top = 1 if shown.dtype == bool else np.iinfo(shown.dtype).max if shown.dtype in (np.uint8, np.uint16) else None
    if top is None or len(shown) not in (1, 3):
        raise InputError(f"{name}: {flag} {named(colour)}: {shown.dtype} numbers have no colours; give a value")
    if len(shown) == 1 and len(set(colour)) > 1:
        return np.zeros(shown.shape[1:], bool)
    wanted = [round(part * top / 255) for part in colour]
    found = np.all([band == part for band, part in zip(shown, wanted, strict=False)], axis=0)
    return found if raster.alpha is None else found & (raster.alpha > 0)


def rest(raster: Raster, left: np.ndarray) -> str:
    """What pixels hold that no entry names, in words."""
    count = f"{int(left.sum())} of {left.size} pixels are"
    if raster.stored is not None and raster.palette is None:
        return f"{count} {some_values(raster.stored[left])},"
    part = raster._replace(shown=raster.shown[:, left], alpha=None if raster.alpha is None else raster.alpha[left])
    return f"{count} {colours_of(part)},"


def some_values(mask: np.ndarray) -> str:
    """A few of the values in a mask, for an error; to so many digits that no two of them look alike."""
    values = np.unique(mask)
    return ", ".join(f"{value:.9g}" for value in values[:6].astype(float)) + (" ..." if len(values) > 6 else "")


def colours_of(raster: Raster) -> str:
    """A few of the colours that are shown, for an error."""
    flat = raster.shown.reshape(len(raster.shown), -1)
    told = []
    if raster.alpha is not None:
        visible = raster.alpha.reshape(-1) > 0
        told = [] if visible.all() else ["transparent"]
        flat = flat[:, visible]
    flat = flat[:, :: max(1, flat.shape[1] // 2**20)]  # of a large picture enough for an example
    if flat.dtype not in (bool, np.uint8, np.uint16) or len(flat) not in (1, 3):
        return some_values(flat)
    bytes_ = (flat >> 8 if flat.dtype == np.uint16 else flat * np.uint8(255) if flat.dtype == bool else flat).T
    colours, counts = np.unique(bytes_, axis=0, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    told += ["#" + "".join(f"{part:02x}" for part in np.resize(colours[k], 3)) for k in order[:4].tolist()]
    return ", ".join(told) + (" ..." if len(colours) > 4 else "")
