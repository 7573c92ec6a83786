"""Pixels that nobody is asked about: labels that say nothing, and masks of pixels that do not count.

Every score compares masks pixel by pixel, so a pixel is ignored by taking it out of the samples, the annotations and
the probability alike: the scores are those of an image that never had it.
"""

import numpy as np

from atfm.errors import InputError
from atfm.metrics.masks import Array, as_array

__all__ = ["from_labels", "without"]


def from_labels(labels: Array, classes: int, *, ignore_label: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Turn label maps into the masks that every score takes, and find the pixels to ignore.

    Args:
        labels: `[N, *spatial]` whole numbers, one map for each sample or annotator.
        classes: `C`, the background (label 0) among them; 1 for binary masks, where every label above 0 is the object.
        ignore_label: the label that says nothing, 255 in many sets; None where there is none.

    Returns:
        Masks, bool `[N, C, *spatial]`, one-hot for `C > 1`, and the pixels to ignore, bool `[*spatial]`: those where
        *any* of the maps has the ignore label, so that all annotators are compared on the same pixels.

    Raises:
        InputError: no spatial axis, numbers that are not whole, or a label that is none of the classes.
    """
    maps = as_array(labels)
    if maps.ndim < 2 or maps.size == 0 or classes < 1:
        raise InputError(f"labels: expected [N, *spatial] and at least 1 class, got {list(maps.shape)} and {classes}")
    if maps.ndim > 3 and maps.shape[1] > 1 and maps.max() <= 1 and bool((maps.sum(1) == 1).all()):
        raise InputError(
            f"labels: expected [N, *spatial] label maps, got {list(maps.shape)}; this looks like one-hot masks "
            "[N, C, *spatial], which every score takes as they are"
        )
    if maps.dtype.kind not in "biu":
        raise InputError(f"labels: expected whole numbers, got {maps.dtype}; round or threshold them")
    unsaid = np.zeros(maps.shape, bool) if ignore_label is None else maps == ignore_label
    said, ignored = ~unsaid, np.asarray(unsaid.any(0))
    top = int(maps.max(initial=0, where=said))
    bottom = int(maps.min(initial=0, where=said))
    if bottom < 0 or (classes > 1 and top >= classes):
        wrong = bottom if bottom < 0 else top
        raise InputError(f"labels: expected 0 to {classes - 1}, got {wrong}; set classes, or ignore_label={wrong}")
    if classes == 1:
        return ((maps > 0) & said)[:, None], ignored  # [N, *spatial] -> [N, 1, *spatial]
    masks = np.stack([maps == label for label in range(classes)], axis=1)  # [N, C, *spatial]
    masks &= said[:, None]  # an ignore label may be the number of a class
    return masks, ignored


def without(ignore: Array, *arrays: np.ndarray) -> tuple[np.ndarray, ...]:
    """Take pixels out of masks and maps of one image.

    Args:
        ignore: the pixels that do not count, bool or 0 and 1: `[*spatial]`, or `[K, *spatial]` with one map for each
            annotator, where a pixel that any of them ignores is out.
        arrays: `[..., C, *spatial]`, all of one image, the annotations `[K, C, *spatial]` last; the first of them may
            be a map without mask axis.

    Returns:
        The same arrays, `[..., C, P]` with the `P` pixels that count.

    Raises:
        InputError: pixels that do not fit, values other than 0 and 1, or no pixel left.
    """
    out = _where(ignore, arrays[-1].shape[2:], len(arrays[-1]))
    kept = np.flatnonzero(~out)
    if len(kept) == 0:
        raise InputError("ignore: expected a pixel that counts, got none; leave this case out")
    # [..., C, *spatial] -> [..., C, P]
    return tuple(array.reshape(*array.shape[: array.ndim - out.ndim], -1).take(kept, axis=-1) for array in arrays)


def _where(ignore: Array, spatial: tuple[int, ...], annotators: int) -> np.ndarray:
    """The ignored pixels `[*spatial]`, checked."""
    array = as_array(ignore)
    out = array == 1
    if not (out | (array == 0)).all():
        raise InputError(f"ignore: expected values 0 or 1, got {array.dtype} with others; compare with the label first")
    if out.ndim == len(spatial) + 1 and len(out) == annotators:
        out = out.any(0)
    if out.shape != spatial:
        each = [annotators, *spatial]
        raise InputError(
            f"ignore: expected the pixels {list(spatial)} of the masks, or {each} of each annotator, got "
            f"{list(array.shape)}"
        )
    return np.asarray(out)
