"""The two references that stand under every table: masks that say nothing, and the annotators' own majority."""

import numpy as np

from atfm.metrics.masks import Array, as_masks, most_likely, share

__all__ = ["always_empty", "majority"]


def always_empty(annotations: Array, n: int) -> np.ndarray:
    """Return the reference that says nothing: `n` masks without foreground, bool `[n, C, *spatial]`."""
    masks = as_masks(annotations, "annotations")
    nothing = np.zeros((n, *masks.shape[1:]), dtype=bool)
    if nothing.shape[1] > 1:
        nothing[:, 0] = True  # one-hot: every pixel is background
    return nothing


def majority(annotations: Array, n: int) -> np.ndarray:
    """Return the reference without diversity: the annotators' majority `n` times, bool `[n, C, *spatial]`.

    It knows the annotations, so that it is an oracle and no model. Two of four do not make a majority.
    """
    masks = as_masks(annotations, "annotations")
    return most_likely(share(masks))[None].repeat(n, 0)
