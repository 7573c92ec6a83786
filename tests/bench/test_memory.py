"""Peaks in a process of their own, not touched by what this one holds."""

from pathlib import Path

import torch

from atfm.bench.memory import MemoryRequest, peak_memory


def test_the_peak_is_that_of_the_batch_and_not_of_the_parent(small: Path) -> None:
    held = torch.ones(150_000_000)  # 600 MB that the process under watch must not see
    found = peak_memory(MemoryRequest(str(small / "run"), "cpu", samples=500, images=16, steps=1, threads=1))
    # 16 x 500 samples of 16x16: starts and probabilities of 4 bytes a pixel, masks of 1.
    assert found["peak_mb"] - found["before_mb"] > 9 * 16 * 500 * 256 / 1e6
    assert 0 < found["before_mb"] < held.nbytes / 1e6
