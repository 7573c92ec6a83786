"""From integer labels to the channels that losses and metrics compare, and which of their pixels count."""

import numpy as np

from atfm.errors import InputError

__all__ = ["counted", "highest", "one_hot"]


def one_hot(masks: np.ndarray, classes: int, spatial_dims: int = 2, ignore_label: int | None = None) -> np.ndarray:
    """Give labels a channel axis before their spatial axes.

    Args:
        masks: `[..., *spatial]` integer labels.
        classes: `C`; 1 for binary masks, where every label above 0 is the object.
        spatial_dims: how many of the last axes are spatial.
        ignore_label: a label that says nothing: all its channels are False.

    Returns:
        `[..., C, *spatial]` bool: for `C = 1` the object, else one channel for each label, background included.

    Raises:
        InputError: a label that is not among the classes.
    """
    if classes == 1:
        return np.expand_dims(masks > 0, -1 - spatial_dims)
    top = highest(masks, ignore_label)
    if top >= classes:
        raise InputError(f"masks: expected labels 0 to {classes - 1}, got {top}; set the number of classes")
    labels = np.arange(classes).reshape(classes, *[1] * spatial_dims)
    return np.expand_dims(masks, -1 - spatial_dims) == labels


def counted(masks: np.ndarray, ignore_label: int | None) -> np.ndarray:
    """Which pixels of an image are scored: those that no annotator ignores.

    Every score compares masks pixel by pixel, so `samples[..., counted]` against `annotations[..., counted]` is the
    score without the others.

    Args:
        masks: `[K, *spatial]` labels.
        ignore_label: the label that says nothing; None for none.

    Returns:
        `[*spatial]` bool.
    """
    if ignore_label is None:
        return np.ones(masks.shape[1:], dtype=bool)
    return np.asarray((masks != ignore_label).all(0))


def highest(masks: np.ndarray, ignore_label: int | None = None) -> int:
    """The highest label that says something, 0 if there is none."""
    said = True if ignore_label is None else masks != ignore_label
    return int(masks.max(initial=0, where=said))
