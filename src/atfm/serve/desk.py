"""`Desk`: one thread that serves callers one after the other, a bounded line before it, and places that can be left.

Whoever hangs up leaves: one that waits at once, one that is served at the next word that the work says to it. Work that
takes longer than it may is given up, and where it does not even say a word any more, another thread takes its place.
"""

import threading
import time
from collections import deque
from collections.abc import Callable

from atfm.serve.refusal import Refusal
from atfm.serve.ticket import Left, Ticket, Work

__all__ = ["Desk"]

CLOSING = "the service is stopping; try again when it is back"
MOST_PATIENCE = 120  # seconds that a caller is asked to wait before the next try
MOST_STUCK = 2  # threads that were given up and still run


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
        self._stuck: list[threading.Thread] = []
        self._thread = self._begun()

    def __len__(self) -> int:
        """How many wait or are served."""
        return len(self._line) + (self._served is not None)

    def enter(self, work: Work) -> Ticket:
        """Take the last place; to be called within the event loop that listens.

        Raises:
            Refusal: the line is full, or the service stops.
        """
        ticket = Ticket(self, work, self.seconds)
        with self._changed:
            if self._closed:
                raise closing()
            ahead = len(self)
            if ahead > self.waiting:
                soon = min(MOST_PATIENCE, max(1, round(self._usual * ahead)))
                line = f"{ahead} callers are before you, as many as may be; try again in {soon} s"
                raise Refusal(503, line, {"Retry-After": str(soon)})
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

    def give_up(self, ticket: Ticket) -> None:
        """Let another thread serve the next, where the one at work took too long and said no word."""
        with self._changed:
            self._stuck = [thread for thread in self._stuck if thread.is_alive()]
            if self._served is ticket and len(self._stuck) < MOST_STUCK and not self._closed:
                self._stuck.append(self._thread)
                self._served = None
                self._thread = self._begun()

    def close(self) -> None:
        """Send everybody away; may be called again, and from a signal's handler."""
        with self._changed:
            self._closed = True
            tickets = [*self._line, *([self._served] if self._served else [])]
            self._line.clear()
            self._changed.notify_all()
        for ticket in tickets:
            ticket.gone.set()
            ticket.say("error", closing())

    def join(self, seconds: float = 5.0) -> None:
        """Wait a little for the work at hand to notice."""
        self._thread.join(seconds)

    def _begun(self) -> threading.Thread:
        thread = threading.Thread(target=self._serve, name=self.name, daemon=True)
        thread.start()
        return thread

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
            self._serve_one(ticket)
            with self._changed:
                if self._served is not ticket:
                    return  # given up meanwhile: another thread is at the desk
                self._usual = 0.7 * self._usual + 0.3 * (time.monotonic() - began)
                self._served = None

    def _serve_one(self, ticket: Ticket) -> None:
        try:
            ticket.say("result", ticket.serve())
        except Left:
            return
        except BaseException as error:  # whatever it is, the next caller is to be served
            ticket.say("error", self._refused(error))


def closing() -> Refusal:
    """What everybody hears when the service stops."""
    return Refusal(503, CLOSING, {"Retry-After": "5"})
