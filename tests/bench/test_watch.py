"""Work under watch: its peak is seen, that of the processes it starts too, and what exceeds the limit is refused."""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from atfm.bench.watch import watched
from atfm.errors import InputError

pytestmark = pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="Linux alone tells")


WORK = """
import multiprocessing, time
import numpy as np

def hold(megabytes, ready, done):
    held = np.ones(megabytes * 10**6, np.uint8)
    ready.set()
    done.wait()
    return held

def work(megabytes, beside=0):
    context = multiprocessing.get_context("fork")
    ready, done = context.Event(), context.Event()
    child = context.Process(target=hold, args=(beside, ready, done))
    child.start()
    ready.wait()
    try:
        held = np.ones(megabytes * 10**6, np.uint8)
        time.sleep(1)
        return {"done": len(held) // 10**6}
    finally:
        done.set()
        child.join()
"""


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """Allocate megabytes for a while, and others in a process beside: a function that another process can import."""
    (tmp_path / "work_under_watch.py").write_text(WORK)
    monkeypatch.syspath_prepend(tmp_path)
    return importlib.import_module("work_under_watch").work


def test_the_peak_is_that_of_all_its_processes(work: Callable[..., dict[str, Any]]) -> None:
    small, large, two = (watched(work, *sizes, limit=10**9) for sizes in ((1,), (200,), (100, 150)))
    assert small["done"] == 1 and large["done"] == 200
    assert large["peak_mb"] - small["peak_mb"] == pytest.approx(199, abs=15)
    assert two["peak_mb"] - small["peak_mb"] == pytest.approx(249, abs=25)


def test_more_than_the_limit_is_refused_in_one_line(work: Callable[..., dict[str, Any]]) -> None:
    with pytest.raises(InputError, match=r"bench data: does not fit within 0\.4 GB") as error:
        watched(work, 500, limit=4 * 10**8)
    assert len(str(error.value).splitlines()) == 1
