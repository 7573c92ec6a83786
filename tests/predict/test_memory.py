"""Drawing takes no more than was foreseen, and what cannot fit is refused before the system ends it."""

import os
import subprocess
import sys

import numpy as np
import pytest

from atfm.errors import InputError
from atfm.methods.gtr.config import GTRConfig
from atfm.methods.method import Frame
from atfm.models import Model
from atfm.predict import memory
from atfm.predict.memory import needed_bytes, samples_at_a_time

# Draws n samples of a large image, in a process of its own; prints what it took above what it had, and the estimate.
DRAW = """
import sys, numpy as np, torch
from pathlib import Path
from atfm.methods.gtr.config import GTRConfig
from atfm.methods.method import Frame
from atfm.models import Model
from atfm.predict.memory import needed_bytes, samples_at_a_time

torch.set_num_threads(1)
n, side = int(sys.argv[1]), 1024
method = GTRConfig(widths=(4,), rank=2, patch=4).build(Frame(1, 1, (256, 256), slides=True)).eval()
model = Model(method, "small", frozenset(), {})
model.sample(np.zeros((256, 256), np.uint8), 2).entropy  # whatever is made once
image = np.random.default_rng(0).integers(0, 256, (side, side), np.uint8)
prepared = model.prepare(image)
def taken(name):
    return 1024 * int(Path("/proc/self/status").read_text().split(name + ":")[1].split()[0])
before = taken("VmRSS")
Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
chunk = samples_at_a_time(method, prepared, n)
drawn = model.sample(prepared, n)
drawn.entropy, drawn.hypotheses
print(taken("VmHWM") - before, needed_bytes(method, prepared, n, chunk), drawn.bits.nbytes)
"""


def taken(n: int) -> tuple[int, int, int]:
    # What is freed goes back to the system at once, else the peak depends on where the allocator had gaps.
    own = os.environ | {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}
    done = subprocess.run([sys.executable, "-c", DRAW, str(n)], env=own, capture_output=True, text=True, check=True)
    peak, foreseen, kept = map(int, done.stdout.split())
    return peak, foreseen, kept


def test_the_peak_is_foreseen_and_grows_by_the_bits_of_the_masks_alone() -> None:
    few, foreseen, kept = taken(32)  # two chunks
    many, foreseen_of_many, kept_of_many = taken(96)
    assert few <= foreseen and many <= foreseen_of_many
    assert many - few < (kept_of_many - kept) + 24 * 2**20, "64 masks of a megapixel more would take 67 MB unpacked"


def small(size: tuple[int, ...] = (16, 16)) -> Model:
    method = GTRConfig(widths=(4,), rank=2).build(Frame(1, 1, size, slides=True)).eval()
    return Model(method, "small", frozenset(), {})


def test_less_memory_draws_fewer_at_a_time_and_too_little_is_refused_with_the_estimate(monkeypatch) -> None:
    model = small()
    prepared = model.prepare(np.zeros((512, 512), np.uint8))
    assert samples_at_a_time(model.method, prepared, 100, available=2**40) == 64
    one = needed_bytes(model.method, prepared, 100, 1)
    tight = int(1.2 * (one + 10 * 24 * 512 * 512))
    few = samples_at_a_time(model.method, prepared, 100, available=tight)
    assert 1 < few < 64 and needed_bytes(model.method, prepared, 100, few) <= 0.9 * tight
    wanted = r"image: 100 samples of 512 x 512 pixels take about 0\.1 GB of memory, and 0\.1 GB are free"
    with pytest.raises(InputError, match=wanted):
        samples_at_a_time(model.method, prepared, 100, available=one)
    monkeypatch.setattr(memory, "available_bytes", lambda device: one)
    with pytest.raises(InputError, match=wanted):
        model.sample(prepared, 100)
