"""How well the probabilities of groups are known: intervals of counts among samples that did not make the groups.

Groups that are found in the same samples that are counted fit these samples, and the interval of such a count holds the
group's probability far too seldom. Of `n` samples that had no part in the groups the count is binomial, which gives
(Wilson, 1927)

    [ p + z^2 / 2n  -+  z sqrt( p (1 - p) / n + z^2 / 4n^2 ) ] / (1 + z^2 / n),    z = 1.96 for 95 %

with `p` their share. What is empty is known before any sample is seen, so "no lesion", and a single outline, its
opposite, are counted among all.
"""

import math
from collections.abc import Sequence

import numpy as np

from atfm.errors import InputError
from atfm.hypotheses.grouping import makes

__all__ = ["intervals", "wilson_interval"]

_Z = 1.959964  # 97.5 % of the normal distribution


def intervals(
    outlines: Sequence[np.ndarray], empty: np.ndarray, share: np.ndarray, *, exact_empty: bool
) -> tuple[list[tuple[float, float]], tuple[float, float]]:
    """Return the 95 % intervals of some outlines, and that of an empty mask.

    Each holds the share of all samples: where the count among the others does not, it is widened to.

    Args:
        outlines: the numbers of the samples of each.
        empty: the numbers of those that are empty.
        share: `[S]`, of all samples, with sum 1; a sample of share 0 was not drawn.
        exact_empty: the share of the empty ones is known without sampling; what is counted are the others then.
    """
    known = _part(share[empty])
    drawn = share > 0
    if exact_empty:
        nothing = (known, known)
        marked = drawn.copy()
        marked[empty] = False
        among, scale = marked, 1 - known
    else:
        nothing = _count(empty, drawn, share)
        among, scale = drawn, 1.0
    if len(outlines) == 1:
        return [(1 - known, 1 - known) if exact_empty else _count(outlines[0], among, share)], nothing
    asked = among & ~makes(np.arange(len(share)))
    found = []
    for numbers in outlines:
        low, high = (scale * end for end in _count(numbers, asked, share))
        whole = _part(share[numbers])
        found.append((min(low, whole), max(high, whole)))
    return found, nothing


def wilson_interval(count: float, total: float) -> tuple[float, float]:
    """The 95 % interval of a probability of which `count` of `total` draws are known (Wilson, 1927; see the top).

    Args:
        count: draws that showed it, 0 to `total`; weighted draws make no whole number.
        total: draws, >= 1.

    Returns:
        Both ends, in [0, 1].

    Raises:
        InputError: a count out of its range.
    """
    if not 0 <= count <= total or total < 1:
        raise InputError(f"count: expected 0 to a total of at least 1, got {count} of {total}")
    share, square = count / total, _Z**2 / total
    middle = share + square / 2
    half = _Z * math.sqrt(share * (1 - share) / total + square / (4 * total))
    return max(0.0, (middle - half) / (1 + square)), min(1.0, (middle + half) / (1 + square))


def _count(part: np.ndarray, among: np.ndarray, share: np.ndarray) -> tuple[float, float]:
    """The interval of a part, counted among some of the samples by their shares; anything where nobody was asked."""
    asked = share[among]
    total = math.fsum(asked)
    if not total:
        return 0.0, 1.0
    inside = np.zeros(len(share), bool)
    inside[part] = True
    # the number of equal samples that would know as much (Kish 1965)
    size = max(1.0, round(total**2 / math.fsum(np.square(asked)), 9))
    return wilson_interval(_part(share[among & inside] / total) * size, size)


def _part(share: np.ndarray) -> float:
    """A sum of shares, which rounding leaves neither above 1 nor at .6000000000000003."""
    return min(1.0, round(math.fsum(share), 12))
