"""`atfm data import` and `unpack` on full and failing disks, paused and raced: nothing that was safe is lost."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from atfm.cli.main import main
from atfm.data.packed import pack
from atfm.data.store import Store

PACKAGE = Path(__file__).resolve().parents[2] / "src"
WORDS = ["data", "import", "phantom", "--cases", "300", "--size", "64", "--test-annotators", "4"]


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(PACKAGE), "OMP_NUM_THREADS": "1"}


def atfm(*words: object, **options: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "atfm", *map(str, words)]
    return subprocess.run(command, env=environment(), capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload]


def the_line(done: "subprocess.CompletedProcess[str]") -> str:
    """The one line of an error, below the bar."""
    assert done.returncode == 2 and "Traceback" not in done.stderr, done.stderr
    return done.stderr.splitlines()[-1]


def contents(store: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in store.iterdir()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("whole") / "store"
    assert main([*WORDS, "--out", str(out)]) == 0
    return out


def test_a_file_larger_than_the_system_allows_takes_nothing(tmp_path, whole) -> None:
    """RLIMIT_FSIZE, which every system has, ends a write as a full disk does."""
    words = [*WORDS, "--out", tmp_path / "store", "--json"]
    limit = (700_000, 700_000)
    line = the_line(atfm(*words, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit)))
    assert line.startswith(f"atfm: {tmp_path / 'store'}: the file would be larger than this system allows")
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(".store.partial-") and (left / "images.npy").stat().st_size > 500_000
    done = json.loads(atfm(*words).stdout)
    assert done["resumed_after"] >= 64 and contents(tmp_path / "store") == contents(whole)
    assert [file.name for file in tmp_path.iterdir()] == ["store"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Mount a disk of a size, or change that of the one that is mounted."""
    place = tmp_path / "disk"

    def mounted(size: str) -> Path:
        again = "remount," if place.exists() else ""
        place.mkdir(exist_ok=True)
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"{again}size={size}", "tmpfs", str(place)], capture_output=True, check=False
        )
        if done.returncode:
            pytest.skip("no small disk can be mounted here")
        return place

    yield mounted
    subprocess.run(["umount", str(place)], capture_output=True, check=False)


def test_a_full_disk_takes_nothing_and_the_same_command_goes_on(small_disk, whole) -> None:
    disk = small_disk("1m")
    words = [*WORDS, "--out", disk / "store", "--json"]
    kept = 0
    for _ in range(2):  # still full the second time
        assert the_line(atfm(*words)) == (
            f"atfm: {disk / 'store'}: the disk is full; free some space and run the command again"
        )
        (left,) = disk.glob(".store.partial-*")
        journal = (left / "journal").read_bytes().count(b"\n") - 1
        assert journal >= max(64, kept), "what was safe is safe still"
        kept = journal
    small_disk("8m")
    done = json.loads(atfm(*words).stdout)
    assert done["resumed_after"] >= kept and contents(disk / "store") == contents(whole)
    assert [file.name for file in disk.iterdir()] == ["store"]


def test_unpacking_goes_on_after_a_full_disk(tmp_path, small_disk, whole) -> None:
    pack(Store.open(whole), tmp_path / "store.pack")
    disk = small_disk("1m")
    words = ["data", "unpack", tmp_path / "store.pack", "--out", disk / "back"]
    assert the_line(atfm(*words)).endswith("back: the disk is full; free some space and run the command again")
    (left,) = disk.glob(".back.partial-*")
    before = (left / "images.npy").stat().st_ino
    small_disk("8m")
    assert atfm(*words).returncode == 0
    assert (disk / "back" / "images.npy").stat().st_ino == before, "the file that was begun"
    assert (disk / "back" / "masks.npy").read_bytes() == (whole / "masks.npy").read_bytes()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_one_line(tmp_path) -> None:
    tmp_path.chmod(0o500)
    assert the_line(atfm(*WORDS, "--out", tmp_path / "store")).endswith(
        "no permission to write there; choose another folder"
    )


def test_a_read_only_disk_is_one_line(small_disk) -> None:
    disk = small_disk("1m")
    small_disk("1m,ro")
    line = the_line(atfm(*WORDS, "--out", disk / "store"))
    assert line == f"atfm: {disk / 'store'}: the file system is read-only; choose another folder"


FAILING = Path("/proc/self/mem")  # reads of its first byte fail with EIO, as those of a broken disk do


@pytest.mark.skipif(not FAILING.exists(), reason="needs a file that cannot be read")
@pytest.mark.parametrize("what", ["splits", "table", "pickle", "pack", "store", "image"])
def test_a_disk_that_fails_is_not_a_damaged_file(tmp_path, what) -> None:
    bad = tmp_path / {"store": "store/store.json", "image": "images/a.png"}.get(what, what)
    for folder in (bad.parent, tmp_path / "masks"):
        folder.mkdir(exist_ok=True)
    (tmp_path / "masks" / "a_x.png").write_bytes(b"")
    bad.symlink_to(FAILING)
    files = [tmp_path, "--images", "images/{case}.png", "--masks", "masks/{case}_{annotator}.png"]
    words = {
        "splits": ["data", "import", "folder", *files, "--splits", bad],
        "table": ["data", "import", "isic", tmp_path, "--patients", bad],
        "pickle": ["data", "import", "lidc-pickle", bad],
        "pack": ["data", "unpack", bad],
        "store": ["data", "check", bad.parent],
        "image": ["data", "import", "folder", *files],
    }[what]
    line = the_line(atfm(*words, *([] if what == "store" else ["--out", tmp_path / "out"])))
    assert "the disk or the connection to it has failed (input/output error)" in line and "damaged" not in line, line


@contextmanager
def paused(words: list[object], until: Callable[[], bool]) -> "Iterator[subprocess.Popen[str]]":
    """The program, stopped (SIGSTOP) once something is so; it is killed at the end if it is still there."""
    command = [sys.executable, "-m", "atfm", *map(str, words)]
    with subprocess.Popen(command, env=environment(), stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        try:
            while not until():
                assert process.poll() is None, "it ended before it could be paused"
                time.sleep(0.005)
            process.send_signal(signal.SIGSTOP)
            yield process
        finally:
            process.kill()
            process.send_signal(signal.SIGCONT)


def test_a_paused_import_whose_files_look_old_is_still_at_work(tmp_path, whole) -> None:
    out = tmp_path / "store"

    def begun() -> bool:
        return any(file.stat().st_size > 1000 for file in tmp_path.glob(".store.partial-*/journal"))

    with paused([*WORDS, "--out", out], begun) as first:
        (partial,) = tmp_path.glob(".store.partial-*")
        for file in [*partial.iterdir(), partial]:
            os.utime(file, (1, 1))
        before = contents(partial)
        other = [word if word != "300" else "40" for word in WORDS]
        for words in (WORDS, other):  # the same import, and another one of this name
            line = the_line(atfm(*words, "--out", out))
            assert line.startswith(f"atfm: {out}: process {first.pid} (") and "is writing there; wait until" in line
        assert contents(partial) == before
        first.send_signal(signal.SIGCONT)
        assert first.wait() == 0
    assert contents(out) == contents(whole)
    assert [file.name for file in tmp_path.iterdir()] == ["store"]
