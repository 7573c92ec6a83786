"""Which slices of a volume a 2-D model is asked about: "all", or numbers and ranges such as `3,10-14`."""

from collections.abc import Sequence
from typing import Literal

from atfm.errors import InputError

__all__ = ["Slices", "chosen_slices", "parse_slices"]

Slices = Sequence[int] | Literal["all"]


def parse_slices(text: str) -> Slices:
    """Read `all`, or numbers and ranges with both ends: `3,10-14`.

    Raises:
        InputError: anything else.
    """
    if text == "all":
        return "all"
    numbers: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()) or (dash and int(last) < int(first)):
            raise InputError(f"slices: expected all, or numbers and ranges such as 3,10-14, got {text!r}")
        numbers += range(int(first), int(last or first) + 1)
    return sorted(set(numbers))


def chosen_slices(slices: Slices | None, depth: int, name: object) -> tuple[int, ...]:
    """The numbers of the chosen slices, ascending; the only slice where there is but one.

    Args:
        slices: what the user said; None: nothing.
        depth: how many slices there are.
        name: of the image, as an error calls it.

    Raises:
        InputError: nothing chosen of several, or a number beyond the last.
    """
    if slices is None and depth > 1:
        raise InputError(
            f"{name}: a volume of {depth} slices, and a model of single ones; choose some with --slice K "
            f"(0 to {depth - 1}), --slices all, or a point with --at X Y Z"
        )
    if slices is None or slices == "all":
        return tuple(range(depth))
    beyond = [k for k in slices if not 0 <= k < depth]
    if beyond or not slices:
        raise InputError(f"{name}: slice {beyond[0] if beyond else None}: expected 0 to {depth - 1}")
    return tuple(sorted({int(k) for k in slices}))
