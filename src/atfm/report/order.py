"""Which cases a page shows where not all of them fit: the worst and the best, then others by a draw that is fixed."""

import hashlib
from collections.abc import Sequence

__all__ = ["ENDS", "in_order"]

ENDS = 50  # of the worst, and as many of the best, come first


def in_order(ranks: Sequence[float], names: Sequence[str]) -> list[int]:
    """All cases, by their place, in the order in which they are let in.

    Args:
        ranks: by which they are the best (least) or the worst.
        names: their own, which decide the draw: whatever stands beside a case, it comes at the same turn.
    """
    best = sorted(range(len(ranks)), key=lambda place: (ranks[place], place))
    ends = [place for pair in zip(reversed(best), best, strict=True) for place in pair][: 2 * ENDS]
    drawn = sorted(range(len(names)), key=lambda place: hashlib.sha256(names[place].encode()).digest())
    return list(dict.fromkeys([*ends, *drawn]))
