"""How many values an image may have, where fewer are wanted than a format's reader takes: in a service, say.

with at_most(2**27):
    read_pixels(path)
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["at_most", "most"]

_MOST: ContextVar[int | None] = ContextVar("most", default=None)


@contextmanager
def at_most(values: int) -> Iterator[None]:
    """Let readers refuse images of more values, before they reserve memory for them, while the block lasts."""
    token = _MOST.set(values)
    try:
        yield
    finally:
        _MOST.reset(token)


def most(usual: int) -> int:
    """The limit of a reader, or the lower one that holds at this moment."""
    wanted = _MOST.get()
    return usual if wanted is None else min(usual, wanted)
