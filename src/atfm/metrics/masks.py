"""What every score is given: sets of masks, as numpy arrays or torch tensors, `[N, C, *spatial]` with values 0 or 1."""

from typing import TypeAlias

import numpy as np
import torch

from atfm.errors import InputError

__all__ = [
    "Array",
    "areas",
    "as_masks",
    "as_pair",
    "as_probability",
    "empty_share",
    "foreground",
    "most_likely",
    "share",
    "votes",
]

Array: TypeAlias = np.ndarray | torch.Tensor


def _as_numpy(array: Array) -> np.ndarray:
    if not isinstance(array, torch.Tensor):
        return np.asarray(array)
    if array.dtype == torch.bfloat16:  # numpy has none
        array = array.float()
    return array.detach().cpu().numpy()


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
    array = _as_numpy(masks)
    if array.ndim < 3 or array.size == 0:
        raise InputError(f"{name}: expected [N, C, *spatial] with at least one mask, got {list(array.shape)}")
    if array.dtype == np.bool_:
        return array
    on = array == 1
    if not (on | (array == 0)).all():
        raise InputError(f"{name}: expected values 0 or 1, got {array.dtype} with others; threshold or one-hot them")
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
    array = _as_numpy(probability)
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
    return masks.sum(0, dtype=np.int32)


def share(masks: np.ndarray) -> np.ndarray:
    """Return the share of the masks in which a pixel is on: bool `[N, C, *spatial]` to `[C, *spatial]` in [0, 1]."""
    return votes(masks) / len(masks)


def empty_share(masks: Array) -> float:
    """Return the share, in [0, 1], of the masks `[N, C, *spatial]` without a single pixel of foreground."""
    return float((areas(foreground(as_masks(masks))) == 0).all(1).mean())


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
