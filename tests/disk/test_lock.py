"""One writer a folder: told by name, gone with its owner, however it ends."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from atfm.disk.lock import LOCK, file_lock, folder_lock, is_held
from atfm.errors import BusyError, DiskError

HOLD = """
import sys, time
from pathlib import Path
from atfm.disk.lock import folder_lock
with folder_lock(Path(sys.argv[1]), OPTIONS):
    print("held", flush=True)
    time.sleep(60)
"""


def holder(folder: Path, options: str = "") -> "subprocess.Popen[str]":
    code = HOLD.replace("OPTIONS", options)
    process = subprocess.Popen([sys.executable, "-c", code, str(folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    return process


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_the_second_is_told_who_writes_and_the_lock_dies_with_its_owner(tmp_path, end) -> None:
    first = holder(tmp_path / "run")
    try:
        assert is_held(tmp_path / "run")
        with (
            pytest.raises(BusyError, match=f"run: process {first.pid} .*is writing there"),
            folder_lock(tmp_path / "run"),
        ):
            pass
        first.send_signal(signal.SIGSTOP)  # paused is not gone, however old its files look
        with pytest.raises(BusyError), folder_lock(tmp_path / "run"):
            pass
    finally:
        first.send_signal(signal.SIGCONT)
        first.send_signal(end)
        first.wait()
    assert not is_held(tmp_path / "run")
    with folder_lock(tmp_path / "run"):
        assert (tmp_path / "run" / LOCK).exists()
    assert list((tmp_path / "run").iterdir()) == [], "nothing is left behind"


def test_those_that_share_a_folder_keep_others_out_until_the_last_has_gone(tmp_path) -> None:
    first = holder(tmp_path / "run", "shared=True")
    second = holder(tmp_path / "run", "shared=True")
    try:
        with folder_lock(tmp_path / "run", shared=True):
            pass
        for process in (first, second):
            with pytest.raises(BusyError, match=r"run: process \d+ .*is writing there"), folder_lock(tmp_path / "run"):
                pass
            if process is first:
                first.kill()
                first.wait()
        with pytest.raises(BusyError, match=f"run: process {second.pid} "), folder_lock(tmp_path / "run"):
            pass
    finally:
        for process in (first, second):
            process.kill()
            process.wait()
    with folder_lock(tmp_path / "run"):
        refused = pytest.raises(BusyError, match="is writing there")
        with refused, folder_lock(tmp_path / "run", shared=True):
            pass
    assert list((tmp_path / "run").iterdir()) == []


def test_a_folder_that_was_made_for_nothing_goes_and_one_that_was_there_stays(tmp_path) -> None:
    with folder_lock(tmp_path / "a" / "run"):
        assert (tmp_path / "a" / "run").is_dir()
    assert not (tmp_path / "a" / "run").exists()
    (tmp_path / "empty").mkdir()
    with folder_lock(tmp_path / "empty"):
        pass
    assert (tmp_path / "empty").is_dir()


def test_a_file_is_locked_beside_itself_and_a_planted_link_is_not_followed(tmp_path) -> None:
    with file_lock(tmp_path / "a.pack"), file_lock(tmp_path / "b.pack"):
        refused = pytest.raises(BusyError, match=r"a\.pack: process")
        with refused, file_lock(tmp_path / "a.pack"):
            pass
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "run").mkdir()
    (tmp_path / "elsewhere").write_text("precious")
    (tmp_path / "run" / LOCK).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Exception, match="run"), folder_lock(tmp_path / "run"):
        pass
    assert (tmp_path / "elsewhere").read_text() == "precious"


def test_a_folder_that_is_a_link_is_no_place_to_write(tmp_path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "run").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DiskError, match="which is not followed"), folder_lock(tmp_path / "run"):
        pass
    assert list((tmp_path / "elsewhere").iterdir()) == []
