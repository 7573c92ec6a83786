"""What every score is given: sets of masks, as numpy arrays or torch tensors, `[N, C, *spatial]` with values 0 or 1."""

from typing import TYPE_CHECKING, TypeAlias, Union

import numpy as np

from atfm.errors import InputError

if TYPE_CHECKING:  # tensors are welcome, but whoever has arrays need not load torch
    import torch

__all__ = [
    "Array",
    "areas",
    "as_array",
    "as_masks",
    "as_pair",
    "as_probability",
    "foreground",
    "most_likely",
    "share",
    "votes",
]

Array: TypeAlias = Union[np.ndarray, "torch.Tensor"]

_BLOCK = 2**22  # numbers looked at at a time, so that a check needs little memory beside its answer


def as_array(array: Array) -> np.ndarray:
    """Give an array or a tensor, of whatever device, as numpy; without a copy where possible."""
    detach = getattr(array, "detach", None)
    if detach is None:
        return np.asarray(array)
    tensor = detach().cpu()
    # numpy has no bfloat16
    return np.asarray((tensor.float() if str(tensor.dtype) == "torch.bfloat16" else tensor).numpy())


def as_masks(masks: Array, name: str = "masks") -> np.ndarray:
    """Give masks as bool, without a copy where they are so already.

    Args:
        masks: `[N, C, *spatial]`, bool or any numbers that are 0 or 1.
        name: what an error calls them.

    Returns:
        `[N, C, *spatial]` bool.

    Raises:
        InputError: no mask at all, no spatial axis, or a value other than 0 and 1.
    """
    array = as_array(masks)
    if array.ndim < 3 or array.size == 0:
        raise InputError(f"{name}: expected [N, C, *spatial] with at least one mask, got {list(array.shape)}")
    if array.dtype == np.bool_:
        return array
    on = _ones(array)
    if on is None:
        raise InputError(f"{name}: expected values 0 or 1, got {array.dtype} with others; threshold or one-hot them")
    return on


def _ones(array: np.ndarray) -> np.ndarray | None:
    """Where the array is 1, as bool; None if a value is neither 0 nor 1."""
    if array.dtype == np.uint8:  # a byte that is 0 or 1 is a bool already
        return array.view(np.bool_) if array.max() <= 1 else None
    on = np.empty(array.shape, dtype=bool)
    step = max(1, _BLOCK * len(array) // array.size)
    for start in range(0, len(array), step):
        part, ones = array[start : start + step], on[start : start + step]
        np.equal(part, 1, out=ones)
        if not (ones | (part == 0)).all():
            return None
    return on


def as_pair(samples: Array, annotations: Array) -> tuple[np.ndarray, np.ndarray]:
    """Give samples `[S, C, *spatial]` and annotations `[K, C, *spatial]` of one image as bool.

    Raises:
        InputError: as `as_masks`, or channels and pixels that differ.
    """
    pair = as_masks(samples, "samples"), as_masks(annotations, "annotations")
    if pair[0].shape[1:] != pair[1].shape[1:]:
        shapes = [list(masks.shape) for masks in pair]
        raise InputError(f"samples and annotations: expected the same [C, *spatial], got {shapes[0]} and {shapes[1]}")
    return pair


def as_probability(probability: Array, annotations: np.ndarray) -> np.ndarray:
    """Give a probability map as numpy, checked against the annotations of its image.

    Args:
        probability: `[C, *spatial]` in [0, 1].
        annotations: `[K, C, *spatial]`.

    Raises:
        InputError: another shape, or values outside [0, 1] (NaN among them).
    """
    array = as_array(probability)
    if array.shape != annotations.shape[1:]:
        raise InputError(f"probability: expected {list(annotations.shape[1:])} as annotated, got {list(array.shape)}")
    if not (array.min() >= 0 and array.max() <= 1):
        raise InputError(f"probability: expected values in [0, 1], got {array.min():.4g} to {array.max():.4g}")
    return array


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
        probability: `[C, *spatial]` in [0, 1].

    Returns:
        `[C, *spatial]` bool; for `C = 1` a pixel of exactly one half is background, else the lower class wins a tie.
    """
    if len(probability) == 1:
        return probability > 0.5
    classes = np.arange(len(probability)).reshape(-1, *[1] * (probability.ndim - 1))
    return probability.argmax(0) == classes
