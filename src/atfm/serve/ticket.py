"""`Ticket`: a caller's place at a desk, and what is heard of the work from another thread."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any, NamedTuple, Protocol

from atfm.serve.refusal import Refusal

__all__ = ["Event", "Left", "Tell", "Ticket", "Work"]

SLACK = 2.0  # seconds after its time in which work may still say that it was too long


class Event(NamedTuple):
    """What a caller hears: "queued", "progress", "samples", "idle", and at last "result" or "error"."""

    name: str
    data: Any


Tell = Callable[[str, Any], None]
Work = Callable[[Tell], Any]


class Left(Exception):
    """The caller is gone."""


class Place(Protocol):
    """What a ticket asks of its desk."""

    def left(self, ticket: "Ticket") -> None:
        """The caller is gone."""

    def give_up(self, ticket: "Ticket") -> None:
        """The work says no word any more."""


class Ticket:
    """A place in the line.

    Args:
        desk: where.
        work: called with `tell(name, data)`, by which it says how far it is; `tell` raises when nobody listens any
            more, or when it takes too long.
        seconds: how long it may take.
    """

    def __init__(self, desk: Place, work: Work, seconds: float) -> None:
        self.seconds, self.gone = seconds, threading.Event()
        self._work: Work | None = work
        self._desk, self._loop = desk, asyncio.get_running_loop()
        self._heard: asyncio.Queue[Event] = asyncio.Queue()
        self._began: float | None = None

    def serve(self) -> Any:
        """Do the work, in the thread of the desk.

        Raises:
            Left: nobody waits for it any more.
            Refusal: it took too long.
        """
        work, self._work = self._work, None  # what it holds, such as a body, is kept no longer
        self._began = time.monotonic()
        self._tell("begun", None)
        return None if work is None else work(self._tell)

    def say(self, name: str, data: Any) -> None:
        """Let the caller hear something, from any thread."""
        with suppress(RuntimeError):  # the loop is closed: nobody hears
            self._loop.call_soon_threadsafe(self._heard.put_nowait, Event(name, data))

    async def events(self, pulse: float = 1.0) -> AsyncIterator[Event]:
        """All that the work says, to its end; whoever stops listening leaves the line.

        Args:
            pulse: seconds of silence after which an event "idle" is heard.
        """
        try:
            while True:
                try:
                    event = await asyncio.wait_for(self._heard.get(), pulse)
                except TimeoutError:
                    event = Event("idle", None)
                    if self._overdue(SLACK):
                        self._desk.give_up(self)
                        event = Event("error", self._too_long())
                yield event
                if event.name in ("result", "error"):
                    return
        finally:
            self.leave()

    async def result(self) -> Any:
        """What the work returned.

        Raises:
            Refusal: what it raised.
        """
        async for event in self.events():
            if event.name == "result":
                return event.data
            if event.name == "error":
                raise event.data
        return None

    def leave(self) -> None:
        """Give the place up."""
        self.gone.set()
        self._desk.left(self)

    def _tell(self, name: str, data: Any) -> None:
        if self.gone.is_set():
            raise Left
        if self._overdue(0):
            raise self._too_long()
        self.say(name, data)

    def _overdue(self, slack: float) -> bool:
        return self._began is not None and time.monotonic() - self._began > self.seconds + slack

    def _too_long(self) -> Refusal:
        line = f"this took more than {self.seconds:g} s, which is all that one caller gets; ask for less"
        return Refusal(504, line)
