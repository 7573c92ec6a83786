"""`Shelf`: what is kept for callers under names that nobody can guess, for a while and within a number of bytes."""

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from atfm.serve.refusal import Refusal

__all__ = ["Shelf"]

REMEMBERED = 10_000  # names of what is gone, so that a caller hears that it was there

Thing = TypeVar("Thing")


@dataclass
class _Kept(Generic[Thing]):
    thing: Thing
    nbytes: int
    until: float


class Shelf(Generic[Thing]):
    """Things by name, for any number of threads.

    Args:
        what: what it holds, in words.
        keep: seconds after the last use.
        held: bytes of all of them; the longest unused go first.
        clock: seconds, of any origin.
    """

    def __init__(self, what: str, keep: float, held: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.what, self.keep, self.held, self._clock = what, keep, held, clock
        self._kept: OrderedDict[str, _Kept[Thing]] = OrderedDict()  # the longest unused first
        self._gone: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.Lock()
        self.nbytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    def put(self, thing: Thing, nbytes: int) -> str:
        """Keep a thing and return its name.

        Raises:
            Refusal: larger than all that may be kept.
        """
        if nbytes > self.held:
            raise Refusal(
                413, f"{self.what}: {nbytes} bytes, more than the {self.held} that are kept; give a smaller one"
            )
        name = secrets.token_urlsafe(16)
        with self._lock:
            self._sweep(nbytes)
            self._kept[name] = _Kept(thing, nbytes, self._clock() + self.keep)
            self.nbytes += nbytes
        return name

    def get(self, name: str) -> Thing:
        """The thing of a name, which is kept for another while.

        Raises:
            Refusal: there is none (404), or no more (410).
        """
        with self._lock:
            self._sweep()
            kept = self._kept.get(name)
            if kept is None:
                raise self._missing(name)
            kept.until = self._clock() + self.keep
            self._kept.move_to_end(name)
            return kept.thing

    def drop(self, name: str) -> Thing:
        """Keep a thing no longer.

        Raises:
            Refusal: as `get`.
        """
        with self._lock:
            self._sweep()
            if name not in self._kept:
                raise self._missing(name)
            return self._remove(name)

    def drop_all(self, of: Callable[[Thing], bool] = lambda thing: True) -> None:
        """Keep those things no longer."""
        with self._lock:
            for name in [name for name, kept in self._kept.items() if of(kept.thing)]:
                self._remove(name)

    def sweep(self) -> None:
        """Let go of what nobody has used for long."""
        with self._lock:
            self._sweep()

    def _sweep(self, room: int = 0) -> None:
        now = self._clock()
        for name in [name for name, kept in self._kept.items() if kept.until <= now]:
            self._remove(name)
        while self._kept and self.nbytes + room > self.held:
            self._remove(next(iter(self._kept)))

    def _remove(self, name: str) -> Thing:
        kept = self._kept.pop(name)
        self.nbytes -= kept.nbytes
        self._gone[name] = None
        while len(self._gone) > REMEMBERED:
            self._gone.popitem(last=False)
        return kept.thing

    def _missing(self, name: str) -> Refusal:
        if name in self._gone:
            return Refusal(410, f"{self.what}: no longer kept; send it again")
        return Refusal(404, f"{self.what}: nothing of this id; send it first")
