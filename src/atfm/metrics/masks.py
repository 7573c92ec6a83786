"""What every score is given: sets of masks, as numpy arrays or torch tensors, `[N, C, *spatial]` with values 0 or 1."""

from typing import TYPE_CHECKING, TypeAlias, Union

import numpy as np

from atfm.errors import InputError
from atfm.metrics.layout import check_axes, check_exclusive

if TYPE_CHECKING:  # tensors are welcome, but whoever has arrays need not load torch
    import torch

__all__ = [
    "Array",
    "areas",
    "as_array",
    "as_masks",
    "as_pair",
    "as_probability",
    "check_sum",
    "foreground",
    "most_likely",
    "share",
    "votes",
]

Array: TypeAlias = Union[np.ndarray, "torch.Tensor"]

_ROUNDING = 2e-2  # of the sum of probabilities in half precision, of many classes; far below any mistake
_BLOCK = 2**22  # numbers looked at at a time, so that a check needs little memory beside its answer


def as_array(array: Array) -> np.ndarray:
    """Give an array or a tensor, of whatever device, as numpy; without a copy where possible."""
    detach = getattr(array, "detach", None)
    if detach is None:
        return np.asarray(array)
    tensor = detach().cpu()
    # numpy has no bfloat16
    return np.asarray((tensor.float() if str(tensor.dtype) == "torch.bfloat16" else tensor).numpy())


def as_masks(masks: Array, name: str = "masks", *, whole: bool = True) -> np.ndarray:
    """Give masks as bool, without a copy where they are so already.

    Args:
        masks: `[N, C, *spatial]`, bool or any numbers that are 0 or 1; of several channels each pixel has one.
        name: what an error calls them.
        whole: the background is among several channels; else a pixel may be in none of them.

    Returns:
        `[N, C, *spatial]` bool.

    Raises:
        InputError: no mask at all, other axes, a value other than 0 and 1, or channels that are no classes. The message
            says which layout the masks look like, see `layout.guess`.
    """
    array = as_array(masks)
    check_axes(array, name)
    on = array if array.dtype == np.bool_ else _ones(array)
    if on is None:
        raise InputError(f"{name}: expected values 0 or 1, got {_others(array)}")
    check_exclusive(on, name, whole=whole)
    return on


def _others(array: np.ndarray) -> str:
    """What values there are instead of 0 and 1, and what to do."""
    if array.dtype.kind not in "iuf":
        return f"{array.dtype}; give numbers"
    low, high = array.min(), array.max()
    if not (np.isfinite(low) and np.isfinite(high)):
        return f"{array.dtype} with some that are not finite; find out where they come from"
    found = f"{array.dtype} from {low:.6g} to {high:.6g}"
    if low >= 0 and high <= 1:
        return f"{found}, which look like probabilities; threshold them"
    if ((array == low) | (array == high)).all():
        return f"{found} and nothing between; compare with the larger one"
    return f"{found}, which look like labels; one-hot them by from_labels, without the axis of channels"


def _ones(array: np.ndarray) -> np.ndarray | None:
    """Where the array is 1, as bool; None if a value is neither 0 nor 1."""
    if array.dtype == np.uint8:  # a byte that is 0 or 1 is a bool already
        return array.view(np.bool_) if array.max() <= 1 else None
    if array.dtype.kind not in "iuf":
        return None
    on = np.empty(array.shape, dtype=bool)
    step = max(1, _BLOCK * len(array) // array.size)
    for start in range(0, len(array), step):
        part, ones = array[start : start + step], on[start : start + step]
        np.equal(part, 1, out=ones)
        if not (ones | (part == 0)).all():
            return None
    return on


def as_pair(
    samples: Array,
    annotations: Array,
    *,
    whole: bool = True,
    names: tuple[str, str] = ("samples", "annotations"),
) -> tuple[np.ndarray, np.ndarray]:
    """Give samples `[S, C, *spatial]` and annotations `[K, C, *spatial]` of one image as bool.

    Args:
        samples: the masks of one side.
        annotations: those of the other.
        whole: as for `as_masks`.
        names: what an error calls them.

    Raises:
        InputError: as `as_masks`, or channels and pixels that differ.
    """
    pair = as_masks(samples, names[0], whole=whole), as_masks(annotations, names[1], whole=whole)
    one, other = (masks.shape[1:] for masks in pair)
    if one != other:
        wrong = [list(masks.shape) for masks in pair]
        hint = ""
        if one[0] != other[0] and one[1:] == other[1:]:
            hint = "; their channels differ: give both as one object, or both with all classes"
        elif one[0] == other[0] and sorted(one[1:]) == sorted(other[1:]):
            hint = "; their spatial axes look exchanged: bring both into one order"
        raise InputError(
            f"{names[0]} and {names[1]}: expected the same [C, *spatial], got {wrong[0]} and {wrong[1]}{hint}"
        )
    return pair


def as_probability(probability: Array, annotations: np.ndarray, *, whole: bool = True) -> np.ndarray:
    """Give a probability map as numpy, checked against the annotations of its image.

    Args:
        probability: `[C, *spatial]` in [0, 1], of several classes with sum 1 in each pixel.
        annotations: `[K, C, *spatial]`.
        whole: check the sum; else pixels that do not count are among them.

    Raises:
        InputError: another shape, values outside [0, 1] (NaN among them), or classes of another sum.
    """
    array = as_array(probability)
    wanted = annotations.shape[1:]
    if array.shape != wanted:
        hint = ""
        if array.shape == wanted[1:]:
            hint = "; this looks like [*spatial] without the axis of channels: give probability[None]"
        elif array.shape == (*wanted[1:], wanted[0]):
            hint = "; this looks like [*spatial, C], channels last: give numpy.moveaxis(probability, -1, 0)"
        elif array.shape[1:] == wanted:
            hint = "; this looks like [N, C, *spatial]: give the mean over the samples"
        raise InputError(f"probability: expected {list(wanted)} as annotated, got {list(array.shape)}{hint}")
    _check_range(array)
    if whole:
        check_sum(array)
    return array


def _check_range(array: np.ndarray) -> None:
    if not (array.min() >= 0 and array.max() <= 1):
        raise InputError(f"probability: expected values in [0, 1], got {array.min():.4g} to {array.max():.4g}")


def check_sum(array: np.ndarray) -> None:
    """Refuse a map `[C, *spatial]` of several classes that do not sum to 1.

    Raises:
        InputError: another sum.
    """
    if len(array) == 1:
        return
    total = array.sum(0, dtype=np.float64)
    worst = float(total.flat[np.abs(total - 1).argmax()])
    if abs(worst - 1) > _ROUNDING:
        raise InputError(
            f"probability: expected the {len(array)} classes of each pixel to sum to 1, got {worst:.4g}; give "
            "[C, *spatial] with the background first"
        )


def foreground(masks: np.ndarray) -> np.ndarray:
    """Leave out the background, channel 0 of one-hot masks, so that two classes score as one binary mask.

    Args:
        masks: `[N, C, *spatial]`; with `C = 1` the channel is the object itself.

    Returns:
        `[N, max(1, C - 1), *spatial]`, a view.
    """
    return masks[:, 1:] if masks.shape[1] > 1 else masks


def areas(masks: np.ndarray) -> np.ndarray:
    """Count the pixels of each mask and channel: `[N, C, *spatial]` to `[N, C]` int64."""
    return np.array([[np.count_nonzero(channel) for channel in mask] for mask in masks])


def votes(masks: np.ndarray) -> np.ndarray:
    """Count the masks in which a pixel is on: bool `[N, C, *spatial]` to int32 `[C, *spatial]`."""
    total = np.zeros(masks.shape[1:], dtype=np.int32)
    for start in range(0, len(masks), 255):  # so many ones fit a byte, and bytes add up several times as fast
        total += np.add.reduce(masks[start : start + 255], axis=0, dtype=np.uint8)
    return total


def share(masks: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Return the share of the masks in which a pixel is on: bool `[N, C, *spatial]` to `[C, *spatial]` in [0, 1].

    Args:
        masks: the masks.
        weights: `[N]` of sum 1; None where all weigh alike. Their sums are rounded to 12 digits, so that a pixel of one
            half is one whatever the order of the masks.
    """
    if weights is None:
        return votes(masks) / len(masks)
    total = np.zeros(masks.shape[1:])
    for mask, weight in zip(masks, weights, strict=True):
        np.add(total, weight, out=total, where=mask)
    return np.minimum(total.round(12), 1)


def most_likely(probability: np.ndarray) -> np.ndarray:
    """Turn a probability map into the mask it stands for: above one half, or the likeliest class.

    Args:
        probability: `[C, *spatial]` in [0, 1], of several classes with sum 1 in each pixel.

    Returns:
        `[C, *spatial]` bool; for `C = 1` a pixel of exactly one half is background, else the lower class wins a tie.

    Raises:
        InputError: no spatial axis, or no probabilities.
    """
    if probability.ndim < 2 or not probability.size:
        raise InputError(f"probability: expected [C, *spatial], got {list(probability.shape)}")
    _check_range(probability)
    check_sum(probability)
    if len(probability) == 1:
        return probability > 0.5
    classes = np.arange(len(probability)).reshape(-1, *[1] * (probability.ndim - 1))
    return probability.argmax(0) == classes
