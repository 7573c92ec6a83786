"""The cases of a split that are scored: all of them, or a fixed subset for a quick look."""

from collections.abc import Sequence

import numpy as np

from atfm.errors import InputError

__all__ = ["choose"]

# The subset is the same for every seed of the noise, so that runs with several seeds score the same cases.
ORDER_SEED = 2511_06857


def choose(indices: Sequence[int], limit: int | None = None) -> list[int]:
    """The first `limit` cases of a fixed random order, sorted; a smaller subset lies within a larger one.

    Args:
        indices: the cases of a split.
        limit: how many of them, at least 1; None, or more than there are, takes all.

    Raises:
        InputError: a limit below 1.
    """
    if limit is not None and limit < 1:
        raise InputError(f"limit: expected at least 1 case, got {limit}; leave it out to score the whole split")
    ordered = sorted(indices)
    if limit is None or limit >= len(ordered):
        return ordered
    order = np.random.default_rng(ORDER_SEED).permutation(len(ordered))
    return sorted(ordered[position] for position in order[:limit])
