"""A bounded line, places that can be left, and threads that are given up; a shelf that forgets."""

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest

from atfm.errors import InputError
from atfm.serve.desk import Desk
from atfm.serve.refusal import Refusal, refusal_of
from atfm.serve.shelf import Shelf


def refused(error: BaseException) -> Refusal:
    return error if isinstance(error, Refusal) else Refusal(500, type(error).__name__)


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk("desk", waiting=2, seconds=0.3, refused=refused)
    yield made
    made.close()
    made.join()


class Slow:
    """Work that goes on until it is let go, or nobody waits for it any more."""

    def __init__(self) -> None:
        self.began, self.go, self.ended = threading.Event(), threading.Event(), threading.Event()

    def __call__(self, tell) -> str:
        self.began.set()
        try:
            while not self.go.wait(0.005):
                tell("progress", None)
            return "done"
        finally:
            self.ended.set()


def test_one_after_the_other_in_order(desk: Desk) -> None:
    async def several() -> list[int]:
        done: list[int] = []
        tickets = [desk.enter(lambda tell, k=k: done.append(k) or k) for k in range(3)]
        assert [await ticket.result() for ticket in tickets] == [0, 1, 2]
        return done

    assert asyncio.run(several()) == [0, 1, 2]


def test_a_full_line_sends_the_next_away_with_a_time(desk: Desk) -> None:
    async def crowd() -> None:
        slow = Slow()
        first = desk.enter(slow)
        await asyncio.to_thread(slow.began.wait)
        waiting = [desk.enter(lambda tell: 1) for _ in range(2)]
        with pytest.raises(Refusal) as found:
            desk.enter(lambda tell: 1)
        assert found.value.status_code == 503 and int((found.value.headers or {})["Retry-After"]) >= 1
        waiting[0].leave()  # who hangs up frees his place
        again = desk.enter(lambda tell: 2)
        slow.go.set()
        assert [await ticket.result() for ticket in (first, waiting[1], again)] == ["done", 1, 2]

    asyncio.run(crowd())


def test_those_who_wait_hear_how_many_are_before_them(desk: Desk) -> None:
    async def listen() -> None:
        slow = Slow()
        first = desk.enter(slow)
        await asyncio.to_thread(slow.began.wait)
        second, third = desk.enter(lambda tell: 1), desk.enter(lambda tell: 1)
        second.leave()
        heard = []
        async for event in third.events(pulse=0.01):
            if event.name == "queued":
                heard.append(event.data["ahead"])
            if heard == [2, 1]:
                slow.go.set()
        assert heard == [2, 1] and await first.result() == "done"

    asyncio.run(listen())


def test_who_is_served_and_hangs_up_ends_the_work(desk: Desk) -> None:
    async def hang_up() -> None:
        slow = Slow()
        ticket = desk.enter(slow)
        await asyncio.to_thread(slow.began.wait)
        ticket.leave()
        assert await asyncio.to_thread(slow.ended.wait, 1)
        assert await desk.enter(lambda tell: 1).result() == 1

    asyncio.run(hang_up())


def test_what_takes_too_long_is_given_up(desk: Desk) -> None:
    async def wait() -> None:
        with pytest.raises(Refusal) as found:
            await desk.enter(Slow()).result()
        assert found.value.status_code == 504 and "0.3 s" in found.value.detail

    asyncio.run(wait())


def test_work_that_says_no_word_any_more_is_left_behind(desk: Desk, monkeypatch) -> None:
    """Another thread takes the place of a stuck one, twice; then the line waits."""
    monkeypatch.setattr("atfm.serve.ticket.SLACK", 0.05)
    go = threading.Event()

    async def stuck() -> None:
        for _ in range(2):
            ticket = desk.enter(lambda tell: go.wait(20))
            with pytest.raises(Refusal) as found:
                async for event in ticket.events(pulse=0.05):
                    if event.name == "error":
                        raise event.data
            assert found.value.status_code == 504
            assert await desk.enter(lambda tell: "next").result() == "next"

    began = time.monotonic()
    try:
        asyncio.run(stuck())
    finally:
        go.set()
    assert time.monotonic() - began < 10


def test_whatever_work_raises_the_next_is_served(desk: Desk) -> None:
    def broken(tell) -> None:
        raise KeyboardInterrupt

    async def both() -> None:
        with pytest.raises(Refusal, match="KeyboardInterrupt"):
            await desk.enter(broken).result()
        assert await desk.enter(lambda tell: 1).result() == 1

    asyncio.run(both())


def test_a_stop_sends_everybody_away_at_once(desk: Desk) -> None:
    async def stop() -> None:
        slow = Slow()
        tickets = [desk.enter(slow), desk.enter(lambda tell: 1)]
        await asyncio.to_thread(slow.began.wait)
        desk.close()
        for ticket in tickets:
            with pytest.raises(Refusal, match="stopping"):
                await ticket.result()
        with pytest.raises(Refusal, match="stopping"):
            desk.enter(lambda tell: 1)
        assert await asyncio.to_thread(slow.ended.wait, 1)

    asyncio.run(stop())


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_shelf_forgets_what_is_old_and_what_is_too_much() -> None:
    clock = Clock()
    shelf: Shelf[str] = Shelf("image", keep=10, held=100, clock=clock)
    a, b = shelf.put("a", 40), shelf.put("b", 40)
    clock.now = 6
    assert shelf.get(a) == "a"  # and is kept for another 10 s
    clock.now = 11
    for name, status in ((b, 410), ("x", 404)):
        with pytest.raises(Refusal) as found:
            shelf.get(name)
        assert found.value.status_code == status
    c = shelf.put("c", 40)
    assert shelf.get(a) == "a" and shelf.nbytes == 80
    d = shelf.put("d", 40)  # the longest unused goes: c
    assert (shelf.get(a), shelf.get(d), len(shelf), shelf.nbytes) == ("a", "d", 2, 80)
    with pytest.raises(Refusal, match="no longer"):
        shelf.get(c)
    with pytest.raises(Refusal, match="101 bytes"):
        shelf.put("e", 101)
    assert len({shelf.put("x", 0) for _ in range(100)} | {a, d}) == 102 and len(a) >= 20


def test_a_refusal_is_one_line_without_what_is_hidden() -> None:
    found = refusal_of(InputError("/tmp/x/image.png: is\nbad"), {"/tmp/x/image.png": "the image"})
    assert found.body == {"error": {"code": "bad-request", "message": "the image: is bad"}}
    for text, told in (
        ("/dev/shm/atfm-serve-1x_y: the disk is full", "the disk is full"),
        ("/tmp/atfm-serve-abc/image.nii: truncated", "image.nii: truncated"),
    ):
        assert refusal_of(InputError(text)).detail == told
