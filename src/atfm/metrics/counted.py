"""The masks and the probability of one image, checked, as far as their pixels count: those alone may have no class."""

import numpy as np

from atfm.metrics.ignore import without
from atfm.metrics.layout import check_exclusive
from atfm.metrics.masks import Array, as_masks, as_pair, as_probability, check_sum

__all__ = ["counted_map", "counted_masks"]


def counted_masks(
    samples: Array, annotations: Array, probability: Array | None = None, ignore: Array | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Check all that is scored of one image, and leave out the pixels that do not count.

    Args:
        samples: `[S, C, *spatial]`, values 0 or 1.
        annotations: `[K, C, *spatial]`, values 0 or 1.
        probability: `[C, *spatial]` in [0, 1].
        ignore: pixels that do not count, see `without`; None: all count.

    Returns:
        The three of them; `[..., C, P]` where pixels are left out.

    Raises:
        InputError: shapes, axes or values that do not fit, or no pixel left.
    """
    s, r = as_pair(samples, annotations, whole=ignore is None)
    p = None if probability is None else as_probability(probability, r, whole=ignore is None)
    if ignore is None:
        return s, r, p
    *maps, s, r = without(ignore, *([] if p is None else [p]), s, r)
    check_exclusive(s, "samples", whole=True)
    check_exclusive(r, "annotations", whole=True)
    for probabilities in maps:
        check_sum(probabilities)
    return s, r, maps[0] if maps else None


def counted_map(probability: Array, annotations: Array, ignore: Array | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Check a probability `[C, *spatial]` and annotations `[K, C, *spatial]`, as `counted_masks` does."""
    r = as_masks(annotations, "annotations", whole=ignore is None)
    p = as_probability(probability, r, whole=ignore is None)
    if ignore is None:
        return p, r
    p, r = without(ignore, p, r)
    check_exclusive(r, "annotations", whole=True)
    check_sum(p)
    return p, r
