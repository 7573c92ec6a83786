"""Arrays of masks as labels: which axis is which is told by the size of the image, what a value means by the values.

    [*spatial]         one mask
    [S, *spatial]      S masks: 0 and 1, 0 and 255, or the labels of classes
    [S, C, *spatial]   S masks with a channel for each class (or, of a binary mask, for the background and the object)

Any other order is refused with what it looks like: a wrong axis would be scored without a word.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from atfm.errors import AmbiguousError, InputError
from atfm.io.pictures.marking import MaskRule
from atfm.io.pictures.raster import Raster
from atfm.io.pictures.stated import by_rule
from atfm.io.pictures.unstated import by_itself

__all__ = ["Stated", "labels_of_array", "labels_of_raster"]

_ROUNDING = 2e-2  # of the sum of the probabilities of a pixel, in half precision


@dataclass(frozen=True)
class Stated:
    """What a user states of masks that do not say themselves what their values mean.

    Args:
        rule: a threshold, what is the region, or a table of labels.
        argmax: channels of classes hold probabilities, of which the largest wins.

    Raises:
        InputError: both.
    """

    rule: MaskRule = field(default_factory=MaskRule)
    argmax: bool = False

    def __post_init__(self) -> None:
        if self.argmax and self.rule.stated:
            raise InputError("--argmax: of channels of classes the largest wins; leave the other rule out")

    @property
    def words(self) -> str:
        """The rule in words; the masks' own values where none is stated."""
        rule = self.rule
        if self.argmax:
            return "the largest of the channels"
        if rule.threshold is not None:
            return f"above {rule.threshold:g}"
        if rule.foreground is not None:
            return f"where {rule.foreground}"
        return "a table of labels" if rule.labels else "none needed: masks"


def labels_of_array(
    array: np.ndarray, spatial: Sequence[int], classes: int, stated: Stated, name: object
) -> tuple[np.ndarray, str]:
    """Return labels `[S, *spatial]` uint8 and the layout that the array had, in words.

    Args:
        array: the file's own values.
        spatial: the size of the image.
        classes: 1 for binary masks, else the number of labels.
        stated: what the user states.
        name: what an error calls it.

    Raises:
        InputError: axes that do not fit the image, or values that are no labels.
        AmbiguousError: values or axes that can be understood in more ways than one.
    """
    size, dims = tuple(spatial), len(spatial)
    if array.shape == size:
        return _labels(array[None], classes, stated, name), "[*spatial]"
    if array.shape[1:] == size and len(array):
        _check_no_classes(array, classes, name)
        return _labels(array, classes, stated, name), "[S, *spatial]"
    if array.ndim == dims + 2 and array.shape[2:] == size and array.size:
        channels = array.shape[1]
        if channels == 1:
            return _labels(array[:, 0], classes, stated, name), "[S, 1, *spatial]"
        if channels == max(classes, 2):
            return _of_channels(array, stated, name), f"[S, {channels}, *spatial], a channel for each class"
        raise InputError(
            f"{name}: shape {list(array.shape)}: {channels} channels, the store has {max(classes, 2)} classes with the "
            "background; save one channel for each, or labels without the axis of channels"
        )
    raise InputError(f"{name}: shape {list(array.shape)} for an image of {list(size)}{_hint(array, size)}")


def labels_of_raster(raster: Raster, classes: int, stated: Stated, name: object) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return labels `[*spatial]` uint8 of a picture, and a sentence for whatever was guessed.

    Raises:
        InputError, AmbiguousError: as `labels_of_array`.
    """
    if not stated.rule.stated:
        return by_itself(raster, classes, name)
    labels = by_rule(raster, stated.rule, name)
    if labels.max(initial=0) >= max(classes, 2):
        raise InputError(
            f"{name}: --labels makes {labels.max()} of some pixels, the store has {max(classes, 2)} labels"
        )
    return labels, ()


def _labels(values: np.ndarray, classes: int, stated: Stated, name: object) -> np.ndarray:
    """Labels of `[S, *spatial]`: all masks of a file by one rule, so that 1 is not white in one and grey in another."""
    if stated.argmax:
        raise InputError(f"{name}: --argmax needs an axis of channels, [S, C, *spatial], got {list(values.shape)}")
    labels, _ = labels_of_raster(Raster(values[None], values), classes, stated, name)
    return labels


def _of_channels(values: np.ndarray, stated: Stated, name: object) -> np.ndarray:
    """Labels of `[S, C, *spatial]`."""
    if stated.rule.stated:
        raise InputError(f"{name}: channels of classes exclude each other; state --argmax in place of another rule")
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise InputError(f"{name}: holds NaN or infinity; mend the file or leave it out")
    top = values.max()
    if top and bool(((values == 0) | (values == top)).all()):
        if not ((values != 0).sum(1) == 1).all():
            raise InputError(f"{name}: expected each pixel in exactly one of the channels of classes; save labels")
    elif not (values.min() >= 0 and np.abs(values.sum(1, dtype=np.float64) - 1).max() <= _ROUNDING):
        raise InputError(
            f"{name}: channels of classes from {values.min():.4g} to {top:.4g} that do not sum to 1; save labels, or "
            "probabilities (softmax) with --argmax"
        )
    elif not stated.argmax:
        raise AmbiguousError(
            f"{name}: probabilities of classes, no masks: state that the largest wins with --argmax; to score what is "
            "drawn, save drawn masks"
        )
    return np.asarray(values.argmax(1), np.uint8)


def _check_no_classes(array: np.ndarray, classes: int, name: object) -> None:
    """Refuse `[C, *spatial]`, one mask with a channel for each class, where `S` masks are expected."""
    if len(array) != max(classes, 2):
        return
    on = array != 0
    if bool((on.sum(0) == 1).all()) or (array.dtype.kind == "f" and _sums_to_one(array)):
        raise AmbiguousError(
            f"{name}: shape {list(array.shape)}: each pixel is in exactly one of the first axis, so it may be one mask "
            f"with a channel for each class, or {len(array)} masks; save [S, C, *spatial], or labels [S, *spatial]"
        )


def _sums_to_one(array: np.ndarray) -> bool:
    whole = bool((array == np.rint(array)).all())
    return not whole and bool(np.abs(array.sum(0, dtype=np.float64) - 1).max() <= _ROUNDING)


def _hint(array: np.ndarray, size: tuple[int, ...]) -> str:
    """What a wrong layout looks like, and how to save it."""
    dims, shape = len(size), array.shape
    if shape[:dims] == size and len(shape) == dims + 1:
        return "; this looks like [*spatial, S], masks last: save numpy.moveaxis(masks, -1, 0)"
    if shape[1:-1] == size:
        return "; this looks like [S, *spatial, C], channels last: save numpy.moveaxis(masks, -1, 1)"
    if tuple(reversed(shape[-dims:])) == size:
        return "; rows and columns look exchanged: save numpy.swapaxes(masks, -1, -2)"
    return "; expected [S, *spatial] or [S, C, *spatial], with the pixels of the image as exported"
