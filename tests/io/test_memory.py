"""How much memory is left, as the system and its limits tell."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from atfm.io import memory
from atfm.io.memory import available_bytes


def test_it_is_no_more_than_the_machine_has() -> None:
    free = available_bytes()
    total = int(Path("/proc/meminfo").read_text().split()[1]) * 1024
    assert free is not None and 0 < free <= total


def test_a_limit_of_the_shell_counts() -> None:
    code = f"""if True:
        import resource
        from atfm.io.memory import available_bytes
        taken = int(open("/proc/self/statm").read().split()[0]) * {resource.getpagesize()}
        resource.setrlimit(resource.RLIMIT_AS, (taken + 300_000_000, -1))
        print(available_bytes())
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 200_000_000 < int(done.stdout) <= 300_000_000


def test_a_control_group_counts_and_its_cached_files_do_not(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("1000000\n")
    (tmp_path / "memory.current").write_text("700000\n")
    (tmp_path / "memory.stat").write_text("anon 1\ninactive_file 200000\n")
    assert list(memory._left(tmp_path, "memory.max", "memory.current")) == [500_000]
    (tmp_path / "memory.max").write_text("max\n")
    assert list(memory._left(tmp_path, "memory.max", "memory.current")) == []
    assert list(memory._left(tmp_path / "none", "memory.max", "memory.current")) == []


def test_where_nothing_is_told_nothing_is_claimed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_machine", "_groups", "_limits"):
        monkeypatch.setattr(memory, name, lambda: iter(()))
    assert available_bytes() is None
