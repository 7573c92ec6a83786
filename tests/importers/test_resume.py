"""An import that was killed goes on where it stopped, and its store is the same byte for byte."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from atfm.data import writer as writer_module
from atfm.data.case import Case
from atfm.data.store import Store
from atfm.errors import BusyError, DiskError, InputError
from atfm.importers.lidc.png import plan_lidc_png
from atfm.importers.phantom import plan_phantom
from atfm.importers.plan import Plan, Planned, build_store

PACKAGE = Path(writer_module.__file__).parents[2]
COUNT = 40


def read(number: int, off_the_grid: int | None) -> Case:
    rng = np.random.default_rng(number)
    image = rng.integers(0, 256, (1, 9 + number % 3, 7)).astype(np.float32) / np.float32(255)
    if number == off_the_grid:
        image = rng.random(image.shape, np.float32)
    masks = rng.integers(0, 2, (1 + number % 4, *image.shape[1:]), np.uint8)
    return Case(image, masks, f"c{number}", f"p{number // 3}", (0.1 + number, 1 / 3))


def plan_of(off_the_grid: int | None = None, *, count: int = COUNT, name: str = "x") -> Plan:
    cases = [Planned(f"c{i}", f"p{i // 3}", partial(read, i, off_the_grid)) for i in range(count)]
    return Plan("test", {"name": name}, cases, {"train": ["p0", "p1"], "test": ["p5"]}, sources=())


class Stop(BaseException):
    """Not an error of the user's: what an interrupt or a fault of the machine looks like to the writer."""


def stopped(plan: Plan, at: int) -> Plan:
    """The same plan, whose case `at` is never read."""

    def stop() -> Case:
        raise Stop

    cases = list(plan.cases)
    cases[at] = replace(cases[at], read=stop)
    return replace(plan, cases=cases)


def contents(store: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in store.iterdir()}


@pytest.fixture(autouse=True)
def often(monkeypatch) -> None:
    monkeypatch.setattr(writer_module, "COMMIT_CASES", 4)


@pytest.mark.parametrize("off_the_grid", [None, 0, 9, 11, 12, 39])
@pytest.mark.parametrize("at", [0, 3, 4, 10, 13, 39])
def test_it_goes_on_and_the_store_is_the_same(tmp_path, off_the_grid, at) -> None:
    plan = plan_of(off_the_grid)
    build_store(plan, tmp_path / "whole")
    with pytest.raises(Stop):
        build_store(stopped(plan, at), tmp_path / "store")
    assert not (tmp_path / "store").exists()
    seen: list[tuple[int, int]] = []
    build_store(plan, tmp_path / "store", lambda *progress: seen.append(progress))
    # A commit comes after every four cases, and a widening, which is a commit of its own, puts it off.
    assert at - 4 < seen[0][0] - 1 <= at and seen[-1] == (COUNT, COUNT)
    assert contents(tmp_path / "store") == contents(tmp_path / "whole")
    assert {file.name for file in tmp_path.iterdir()} == {"whole", "store"}
    Store.open(tmp_path / "store").check()


def test_it_may_be_stopped_again_and_again(tmp_path) -> None:
    plan = plan_of(21)
    build_store(plan, tmp_path / "whole")
    for at in (5, 5, 9, 22, 27, 38):
        with pytest.raises(Stop):
            build_store(stopped(plan, at), tmp_path / "store")
    build_store(plan, tmp_path / "store")
    assert contents(tmp_path / "store") == contents(tmp_path / "whole")


def left_over(parent: Path) -> Path:
    (folder,) = parent.glob(".store.partial-*")
    return folder


@pytest.mark.parametrize("name", ["images.npy", "masks.npy", "journal"])
@pytest.mark.parametrize("damage", ["flip", "cut", "gone", "longer"])
def test_what_the_crash_damaged_is_made_again(tmp_path, name, damage) -> None:
    plan = plan_of()
    build_store(plan, tmp_path / "whole")
    with pytest.raises(Stop):
        build_store(stopped(plan, 30), tmp_path / "store")
    file = left_over(tmp_path) / name
    content = bytearray(file.read_bytes())
    if damage == "flip":
        content[len(content) // 2] ^= 1
    file.write_bytes(
        content + b"rest" if damage == "longer" else content[: len(content) // 2] if damage == "cut" else content
    )
    if damage == "gone":
        file.unlink()
    seen: list[int] = []
    build_store(plan, tmp_path / "store", lambda done, total: seen.append(done))
    assert (seen[0] == 29) == (damage == "longer") and (seen[0] == 1) == (damage == "gone")
    assert contents(tmp_path / "store") == contents(tmp_path / "whole")


@pytest.mark.parametrize(
    "other",
    [
        plan_of(name="y"),
        plan_of(count=39),
        plan_of(9),
        replace(plan_of(), arguments={"size": 3}),
        replace(plan_of(), splits={}),
    ],
)
def test_another_import_does_not_touch_it(tmp_path, other) -> None:
    plan = replace(plan_of(), arguments={"size": None})
    if other.cases[9].read().image.shape == plan.cases[9].read().image.shape and other == plan:
        pytest.fail("the other import is the same one")
    other = replace(other, arguments={"other": True, **other.arguments})
    with pytest.raises(Stop):
        build_store(stopped(plan, 30), tmp_path / "store")
    before = contents(left_over(tmp_path))
    left, seen = left_over(tmp_path), []

    def noted(done: int, total: int) -> None:
        seen.append(done)
        assert contents(left) == before, "until the name is taken"

    build_store(other, tmp_path / "store", noted)
    assert seen[0] == 1 and not left.exists(), "it cannot become the store any more"
    build_store(other, tmp_path / "fresh")
    assert contents(tmp_path / "store") == contents(tmp_path / "fresh")


def test_every_fact_is_in_the_fingerprint(tmp_path) -> None:
    source = tmp_path / "scan"
    source.write_bytes(b"1")
    plan = replace(plan_of(), sources=[source])
    prints = [plan.fingerprint()]
    assert replace(plan).fingerprint() == prints[0]
    for change in (
        {"importer": "other"},
        {"about": {"name": "y"}},
        {"cases": plan.cases[:-1]},
        {"splits": {"train": ["p0"]}},
        {"sources": []},
        {"arguments": {"window": (0, 1)}},
        {"classes": 3},
        {"ignore_label": 255},
    ):
        prints.append(replace(plan, **change).fingerprint())
    source.write_bytes(b"22")
    prints.append(plan.fingerprint())
    os.utime(source, (1, 1))
    prints.append(plan.fingerprint())
    assert len(set(prints)) == len(prints)


def test_a_mistake_of_the_user_s_leaves_nothing(tmp_path) -> None:
    plan = plan_of()
    cases = [*plan.cases[:20], replace(plan.cases[20], read=plan.cases[0].read)]
    with pytest.raises(InputError, match="case c0: there are two"):
        build_store(replace(plan, cases=cases), tmp_path / "store")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["x", "y"])
def test_two_at_once_are_refused_also_of_other_data(tmp_path, name) -> None:
    plan = plan_of()
    with plan.writer(tmp_path / "store") as writer:
        writer.add(plan.cases[0].read())
        with pytest.raises(BusyError, match=rf"store: process {os.getpid()} \(.*\) is writing there; wait"):
            build_store(plan_of(name=name), tmp_path / "store")
        for planned in plan.cases[1:]:
            writer.add(planned.read())
    assert Store.open(tmp_path / "store").check().cases == COUNT


def test_left_overs_of_others_go_when_the_store_is_there_however_new_they_are(tmp_path) -> None:
    plan, other = plan_of(), plan_of(name="y")
    for one in (plan, other):
        with pytest.raises(Stop):
            build_store(stopped(one, 30), tmp_path / "store")
    seen: list[int] = []
    build_store(plan, tmp_path / "store", lambda done, total: seen.append(done))
    assert seen[0] == 29 and [file.name for file in tmp_path.iterdir()] == ["store"]


MACHINE = {
    errno.ENOSPC: "store: the disk is full; free some space and run the command again",
    errno.EDQUOT: "store: the disk quota is used up",
    errno.EIO: "store: the disk or the connection to it has failed",
    errno.EROFS: "store: the file system is read-only",
}


@pytest.mark.parametrize(("number", "off_the_grid"), [*((number, None) for number in MACHINE), (errno.ENOSPC, 21)])
def test_what_the_machine_refuses_takes_nothing_whenever_it_does(tmp_path, monkeypatch, number, off_the_grid) -> None:
    """At every fsync of a whole import in turn: the commits, the journal, the widening, the files of the end."""
    plan = plan_of(off_the_grid)
    build_store(plan, tmp_path / "whole")
    settle, calls, at = os.fsync, 0, 0

    def failing(descriptor: int) -> None:
        nonlocal calls
        calls += 1
        if calls == at:
            raise OSError(number, os.strerror(number))
        settle(descriptor)

    monkeypatch.setattr(os, "fsync", failing)
    kept: list[int] = []
    for nth in range(1, 1000):
        calls, at = 0, nth
        try:
            build_store(plan, tmp_path / "store")
            break
        except DiskError as error:
            assert str(error).startswith(str(tmp_path)) and MACHINE[number] in str(error)
        seen, at = [COUNT + 1], 0
        build_store(plan, tmp_path / "store", lambda done, total, seen=seen: seen.append(done))
        kept.append(min(seen) - 1)
        assert contents(tmp_path / "store") == contents(tmp_path / "whole")
        assert {file.name for file in tmp_path.iterdir()} == {"whole", "store"}
        shutil.rmtree(tmp_path / "store")
    assert kept == sorted(kept) and kept[0] == 0 and kept[-1] >= COUNT - 4, "the later it fails, the more is there"


def test_a_journal_of_another_version_is_begun_anew(tmp_path) -> None:
    plan = plan_of()
    with pytest.raises(Stop):
        build_store(stopped(plan, 30), tmp_path / "store")
    journal = left_over(tmp_path) / "journal"
    first, *lines = journal.read_bytes().splitlines()
    texts = [json.dumps(json.loads(line.partition(b" ")[2])[:5]).encode() for line in lines]
    journal.write_bytes(b"\n".join([first, *(b"%08x %s" % (zlib.crc32(text), text) for text in texts), b""]))
    build_store(plan, tmp_path / "store")
    assert Store.open(tmp_path / "store").check().cases == COUNT


KILLED_AT = """
import os, signal, sys
from pathlib import Path
calls, at = 0, int(sys.argv[2])


def deadly(call):
    def counted(*arguments, **options):
        global calls
        calls += 1
        if calls == at:
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*arguments, **options)

    return counted


for name in ("replace", "rename", "unlink", "rmdir", "fsync"):
    setattr(os, name, deadly(getattr(os, name)))
from atfm.data import writer
from atfm.importers.phantom import plan_phantom
from atfm.importers.plan import build_store
writer.COMMIT_CASES = 8
build_store(plan_phantom(cases=20, size=16, test_annotators=4), Path(sys.argv[1]))
"""


@pytest.mark.parametrize("at", (1, 2, 4, 7, 10, 13, 15, 17, 18, 19))
def test_killed_at_the_nth_rename_removal_or_fsync_the_same_import_goes_on(tmp_path, at) -> None:
    environment = os.environ | {"PYTHONPATH": str(PACKAGE), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", KILLED_AT, str(tmp_path / "store"), str(at)]
    ended = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert ended.returncode in (0, -signal.SIGKILL), ended.stderr
    if not (tmp_path / "store").exists():
        build_store(plan_phantom(cases=20, size=16, test_annotators=4), tmp_path / "store")
    build_store(plan_phantom(cases=20, size=16, test_annotators=4), tmp_path / "whole")
    assert contents(tmp_path / "store") == contents(tmp_path / "whole")
    with pytest.raises(InputError, match="exists already"):  # the next one that would write there tidies up
        build_store(plan_phantom(cases=20, size=16, test_annotators=4), tmp_path / "store")
    assert {file.name for file in tmp_path.iterdir()} == {"whole", "store"}


def test_phantoms_out_of_range(tmp_path) -> None:
    for wrong, message in (({"cases": 9}, "expected at least 10"), ({"size": 8}, "size"), ({"kind": "gray"}, "grey")):
        with pytest.raises(InputError, match=message), plan_phantom(**wrong) as plan:
            build_store(plan, tmp_path / "store")
        assert list(tmp_path.iterdir()) == []


KILLED = """
import sys
from pathlib import Path
from atfm.data import writer
from atfm.importers.plan import build_store
from atfm.importers.lidc.png import plan_lidc_png
writer.COMMIT_CASES = 8
with plan_lidc_png([Path(sys.argv[1])]) as plan:
    build_store(plan, Path(sys.argv[2]), lambda done, total: print(done, flush=True))
"""


@contextmanager
def importing(source: Path, out: Path) -> Iterator[subprocess.Popen[bytes]]:
    environment = os.environ | {"PYTHONPATH": str(PACKAGE), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", KILLED, str(source), str(out)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
        yield process


@pytest.fixture
def slices(tmp_path: Path) -> Path:
    from PIL import Image

    rng = np.random.default_rng(0)
    for number in range(150):
        for kind in ("images", "mask-0", "mask-1"):
            file = tmp_path / f"in/P-{number % 7}/nodule-0/{kind}/slice-{number}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            top = 256 if kind == "images" else 2
            Image.fromarray(rng.integers(0, top, (8, 8), np.uint8)).save(file)
    return tmp_path / "in"


def test_a_process_that_is_killed(tmp_path, slices) -> None:
    out = tmp_path / "store"
    firsts = []
    for until in (30, 100):
        with importing(slices, out) as process:
            assert process.stdout is not None
            numbers = [int(process.stdout.readline())]
            while numbers[-1] < until:
                numbers.append(int(process.stdout.readline()))
            process.send_signal(signal.SIGKILL)
            process.wait()
        assert not out.exists()
        firsts.append(numbers[0])
    assert firsts[0] == 1 and firsts[1] > 22
    seen: list[int] = []
    with plan_lidc_png([slices]) as plan:
        build_store(plan, out, lambda done, total: seen.append(done))
        build_store(plan, tmp_path / "whole")
    assert seen[0] > 92 and seen[-1] == 150
    assert contents(out) == contents(tmp_path / "whole")
    assert Store.open(out).digest == Store.open(tmp_path / "whole").digest
    assert {file.name for file in tmp_path.iterdir()} == {"in", "store", "whole"}
