"""The curves that TensorBoard shows: each step once, and no training ends for them."""

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from atfm.cli.curves import Curves

accumulators = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")


def read(folder: Path) -> dict[str, list[tuple[int, float]]]:
    shown = accumulators.EventAccumulator(str(folder))
    shown.Reload()
    return {tag: [(event.step, event.value) for event in shown.Scalars(tag)] for tag in shown.Tags()["scalars"]}


def test_steps_that_are_made_again_are_shown_once(tmp_path: Path) -> None:
    said: list[str] = []
    first = Curves(tmp_path, 1, said.append)
    for step in range(1, 15):
        first.add({"gtr/loss": float(step)}, step)
    # Killed; the run goes on from the checkpoint of step 10.
    second = Curves(tmp_path, 11, said.append)
    for step in range(11, 17):
        second.add({"gtr/loss": 100.0 + step}, step)
    second.close()
    assert read(tmp_path)["gtr/loss"] == [(step, float(step if step < 11 else 100 + step)) for step in range(1, 17)]
    assert said == []


class Full:
    """A stream of a full disk."""

    def write(self, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    def close(self) -> None:
        """Nothing is left to be written."""


def test_a_full_disk_is_said_once_and_ends_the_curves_alone(tmp_path: Path) -> None:
    said: list[str] = []
    curves = Curves(tmp_path, 1, said.append)
    curves._stream.close()
    curves._stream = Full()
    for step in range(3):
        curves.add({"loss": 1.0}, step)
    curves.close()
    assert len(said) == 1 and "the disk is full" in said[0] and "the training goes on" in said[0]


def test_a_folder_that_cannot_be_made_or_leads_elsewhere(tmp_path: Path) -> None:
    said: list[str] = []
    (tmp_path / "file").write_text("mine")
    Curves(tmp_path / "file", 1, said.append).add({"loss": 1.0}, 1)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    Curves(tmp_path / "link", 1, said.append).add({"loss": 1.0}, 1)
    assert len(said) == 2 and not list((tmp_path / "elsewhere").iterdir())


def test_a_training_outlives_the_disk_of_its_curves(tmp_path: Path) -> None:
    """The real programme, whose every writing of events fails from the fourth on."""
    code = f"""if True:
        import errno, sys
        from tensorboard.summary.writer.record_writer import RecordWriter
        from atfm.cli.main import main
        write, calls = RecordWriter.write, []
        def full(self, data):
            calls.append(1)
            if len(calls) > 3:
                raise OSError(errno.ENOSPC, "No space left on device")
            write(self, data)
        RecordWriter.write = full
        sys.exit(main(["train", "gtr-phantom", "--device=cpu", "--threads=1", "--set=method.widths=[4]",
            "--set=stages.gtr.steps=30", "--set=stages.gtr.batch=2", "--set=validate_cases=2",
            "--set=validate_samples=2", "--out", {str(tmp_path / "run")!r}]))
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0 and "30 of 30 steps" in done.stdout, done.stderr
    assert done.stderr.count("TensorBoard") == 1 and "Traceback" not in done.stderr and "Exception" not in done.stderr
