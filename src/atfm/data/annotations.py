"""From integer labels to the channels that losses and metrics compare."""

import numpy as np

from atfm.errors import InputError

__all__ = ["one_hot"]


def one_hot(masks: np.ndarray, classes: int, spatial_dims: int = 2) -> np.ndarray:
    """Give labels a channel axis before their spatial axes.

    Args:
        masks: `[..., *spatial]` integer labels.
        classes: `C`; 1 for binary masks, where every label above 0 is the object.
        spatial_dims: how many of the last axes are spatial.

    Returns:
        `[..., C, *spatial]` bool: for `C = 1` the object, else one channel for each label, background included.

    Raises:
        InputError: a label that is not among the classes.
    """
    if classes == 1:
        return np.expand_dims(masks > 0, -1 - spatial_dims)
    if masks.size and masks.max() >= classes:
        raise InputError(f"masks: expected labels 0 to {classes - 1}, got {masks.max()}; set the number of classes")
    labels = np.arange(classes).reshape(classes, *[1] * spatial_dims)
    return np.expand_dims(masks, -1 - spatial_dims) == labels
