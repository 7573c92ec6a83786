"""What fits is held, the rest streamed, and the run can say which."""

from pathlib import Path

import numpy as np
import pytest
import torch

from atfm.data.budget import Budget
from atfm.data.case import Case
from atfm.data.held import Held, held_bytes
from atfm.data.source import Selection
from atfm.data.store import Store, StoreWriter
from atfm.data.streamed import Streamed
from atfm.errors import InputError


@pytest.fixture
def chosen(tmp_path: Path) -> Selection:
    with StoreWriter(tmp_path / "store", name="test") as writer:
        for number in range(6):
            writer.add(Case(np.zeros((1, 8, 8), np.float32), np.zeros((2, 8, 8), np.uint8), f"c{number}", "p"))
    return Selection(Store.open(tmp_path / "store"), range(6))


def test_a_byte_decides(chosen: Selection) -> None:
    size = held_bytes(chosen, 1, crop=False)
    assert size == 6 * (64 + 2 * 8)
    fits, small = Budget(size), Budget(size - 1, workers=3)
    held, streamed = fits.open(chosen, 1), small.open(chosen, 1)
    assert isinstance(held, Held) and isinstance(streamed, Streamed)
    assert fits.told(held) == {"held": True, "bytes": size, "budget": size}
    assert small.told(streamed) == {"held": False, "bytes": size, "budget": size - 1, "workers": 3}
    assert torch.equal(held.batch([3, 1]).image, streamed.batch([3, 1]).image)


def test_what_is_in_memory_already_is_held(chosen: Selection) -> None:
    assert isinstance(Budget(0).open(list(chosen), 1), Held)


def test_without_a_number_it_is_4_gb_on_a_cpu(chosen: Selection) -> None:
    assert Budget().limit(torch.device("cpu")) == 4 * 10**9
    assert isinstance(Budget().open(chosen, 1), Held)


def test_no_cases_are_refused(chosen: Selection) -> None:
    for none in ([], Selection(chosen.store, [])):
        with pytest.raises(InputError, match="no case to train on"):
            Budget().open(none, 1)
