"""`Desk`: one thread that serves callers one after the other, a bounded line before it, and places that can be left.

Whoever hangs up leaves: one that waits at once, one that is served at the next word that the work says to it.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any, NamedTuple

from atfm.serve.refusal import Refusal

__all__ = ["Desk", "Event", "Tell", "Ticket"]

CLOSING = "the service is stopping; try again when it is back"
MOST_PATIENCE = 120  # seconds that a caller is asked to wait before the next try


class Event(NamedTuple):
    """What a caller hears: "queued", "progress", "samples", and at last "result" or "error"."""

    name: str
    data: Any


Tell = Callable[[str, Any], None]


class Left(Exception):
    """The caller is gone."""


class Ticket:
    """A place in the line.

    Args:
        desk: where.
        work: called with `tell(name, data)`, by which it says how far it is; `tell` raises when nobody listens any
            more, or when it takes too long.
    """

    def __init__(self, desk: "Desk", work: Callable[[Tell], Any]) -> None:
        self.work, self.gone = work, threading.Event()
        self._desk, self._loop = desk, asyncio.get_running_loop()
        self._heard: asyncio.Queue[Event] = asyncio.Queue()

    def say(self, name: str, data: Any) -> None:
        """Let the caller hear something, from any thread."""
        with suppress(RuntimeError):  # the loop is closed: nobody hears
            self._loop.call_soon_threadsafe(self._heard.put_nowait, Event(name, data))

    async def events(self, pulse: float | None = None) -> AsyncIterator[Event]:
        """All that the work says, to its end; whoever stops listening leaves the line.

        Args:
            pulse: seconds of silence after which an event "idle" is heard; None: never.
        """
        try:
            while True:
                try:
                    event = await asyncio.wait_for(self._heard.get(), pulse)
                except TimeoutError:
                    event = Event("idle", None)
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
        raise Refusal(503, CLOSING, {"Retry-After": "5"})

    def leave(self) -> None:
        """Give the place up."""
        self.gone.set()
        self._desk.left(self)


def _done(tell: Tell) -> None:
    """No work."""


class Desk:
    """One after the other.

    Args:
        name: of its thread.
        waiting: how many may wait.
        seconds: how long one may take.
        refused: turns what the work raises into a `Refusal`.
    """

    def __init__(self, name: str, waiting: int, seconds: float, refused: Callable[[BaseException], Refusal]) -> None:
        self.name, self.waiting, self.seconds, self._refused = name, waiting, seconds, refused
        self._line: deque[Ticket] = deque()
        self._served: Ticket | None = None
        self._changed = threading.Condition()
        self._closed = False
        self._usual = 1.0  # seconds that one takes, as the latest did
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._thread.start()

    def __len__(self) -> int:
        """How many wait or are served."""
        return len(self._line) + (self._served is not None)

    def enter(self, work: Callable[[Tell], Any]) -> Ticket:
        """Take the last place; to be called within the event loop that listens.

        Raises:
            Refusal: the line is full, or the service stops.
        """
        ticket = Ticket(self, work)
        with self._changed:
            if self._closed:
                raise Refusal(503, CLOSING, {"Retry-After": "5"})
            ahead = len(self)
            if ahead > self.waiting:
                soon = min(MOST_PATIENCE, max(1, round(self._usual * ahead)))
                raise Refusal(
                    503,
                    f"{ahead} callers are before you, as many as may wait; try again in {soon} s",
                    {"Retry-After": str(soon)},
                )
            self._line.append(ticket)
            ticket.say("queued", {"ahead": ahead})
            self._changed.notify_all()
        return ticket

    def left(self, ticket: Ticket) -> None:
        """Let the others move up."""
        with self._changed:
            if ticket in self._line:
                self._line.remove(ticket)
                self._tell_places()

    def close(self) -> None:
        """Send everybody away; may be called again, and from a signal's handler."""
        with self._changed:
            self._closed = True
            tickets = [*self._line, *([self._served] if self._served else [])]
            self._line.clear()
            self._changed.notify_all()
        for ticket in tickets:
            ticket.gone.set()
            ticket.say("error", Refusal(503, CLOSING, {"Retry-After": "5"}))

    def join(self, seconds: float = 5.0) -> None:
        """Wait a little for the work at hand to notice."""
        self._thread.join(seconds)

    def _tell_places(self) -> None:
        for place, ticket in enumerate(self._line, start=1 if self._served else 0):
            ticket.say("queued", {"ahead": place})

    def _serve(self) -> None:
        while True:
            with self._changed:
                while not self._line and not self._closed:
                    self._changed.wait()
                if self._closed:
                    return
                ticket = self._served = self._line.popleft()
                self._tell_places()
            began = time.monotonic()
            self._serve_one(ticket, began)
            ticket.work = _done  # what it holds, such as a body, is kept no longer
            with self._changed:
                self._usual = 0.7 * self._usual + 0.3 * (time.monotonic() - began)
                self._served = None

    def _serve_one(self, ticket: Ticket, began: float) -> None:
        def tell(name: str, data: Any) -> None:
            if ticket.gone.is_set():
                raise Left
            if time.monotonic() - began > self.seconds:
                raise Refusal(
                    504, f"this took more than {self.seconds:g} s, which is all that one caller gets; ask for less"
                )
            ticket.say(name, data)

        try:
            tell("begun", None)
            result = ticket.work(tell)
        except Left:
            return
        except BaseException as error:  # whatever it is, the next caller is to be served
            ticket.say("error", self._refused(error))
            return
        ticket.say("result", result)
