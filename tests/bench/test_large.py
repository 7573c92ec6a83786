"""Large stores, at a small scale: what is generated is a store, and every row of the benchmark is measured."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from atfm.bench import large
from atfm.bench.large import write_crops, write_volumes
from atfm.cli.bench import show
from atfm.data.store import Store


def test_generated_crops_are_a_store_that_takes_no_room(tmp_path: Path) -> None:
    write_crops(tmp_path / "crops", 1000)
    store = Store.open(tmp_path / "crops")
    assert (len(store), store.shape(999), store.annotators(5)) == (1000, (128, 128), 4)
    assert len(store.split("train")) == 1000 - 100 and len(store.split("val")) == 100
    assert not store[999].image.any() and not store[999].masks.any()
    file = tmp_path / "crops" / "images.npy"
    assert file.stat().st_size > 16e6 > 100 * 512 * file.stat().st_blocks


def test_generated_volumes_are_balls_that_the_annotators_see_differently(tmp_path: Path) -> None:
    write_volumes(tmp_path / "volumes", 24, 3)
    store = Store.open(tmp_path / "volumes")
    store.check()
    assert store.info.dtype == "uint8"
    areas = store[2].masks.reshape(4, -1).sum(1)
    assert (np.diff(areas.astype(int)) > 0).all()


def test_every_row_is_work_that_can_be_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def here(function: Callable[..., dict[str, Any]], *arguments: Any, limit: int) -> dict[str, Any]:
        return function(*arguments) | {"seconds": 0.0, "peak_mb": limit / 1e7}

    monkeypatch.setattr(large, "watched", here)
    monkeypatch.setattr(large, "_STEPS", 1)
    monkeypatch.setattr(large, "_BATCH", 2)
    told: list[str] = []
    result = large.large_data(crops=200, side=24, volumes=1, samples=2, limit=10**9, folder=tmp_path, tell=told.append)
    rows = list(result["rows"].values())
    assert told == list(result["rows"]) and len(rows) == 5
    assert [row.get("held") for row in rows] == [True, None, True, False, None]
    assert [row.get("steps") for row in rows] == [3, None, 2, 1, None]
    assert not any(tmp_path.iterdir())
    assert "train on 200 crops of 128x128" in show(result) and "at most 1,000 MB" in show(result)
