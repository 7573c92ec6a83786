"""`atfm data fit`: a store measured as it is, and what a fit costs."""

import json
from pathlib import Path

import numpy as np
import pytest

from atfm.cli.main import build_parser
from atfm.data.case import Case
from atfm.data.store import StoreWriter
from atfm.errors import ConfigError, InputError


@pytest.fixture
def store(tmp_path: Path) -> Path:
    with StoreWriter(tmp_path / "s", name="mixed", splits={"train": ["p0"], "test": ["p1"]}) as writer:
        for number, side in enumerate((40, 64)):
            masks = np.zeros((2, side, side), np.uint8)
            masks[:, 6:30, 5:27] = 1
            masks[1, 30:33, 5:27] = 1
            writer.add(Case(np.zeros((1, side, side), np.float32), masks, f"c{number}", f"p{number}", (0.5, 0.5)))
    return tmp_path / "s"


def call(*words: object) -> tuple[dict, str]:
    args = build_parser().parse_args(["data", "fit", *map(str, words)])
    result = args.run(args)
    json.dumps(result, allow_nan=False)
    return result, args.show(result)


def test_a_store_as_it_is(store) -> None:
    result, text = call(store)
    assert result["cases"] == 2 and "cost" not in result
    assert "40 x 40 to 64 x 64 pixels, median 52 x 52" in text
    assert "25.5 x 22 pixels in the median, 27 x 22 at most" in text
    assert "12.75 x 11 mm in the median" in text
    assert "IoU of two readers: 0.889" in text


@pytest.mark.parametrize("way", [("--canvas", 16, 16), ("--step", 3, 3), ("--spacing", 1.5, 1.5)])
def test_what_a_fit_costs(store, way) -> None:
    result, text = call(store, *way, "--crop", 8, 8)
    assert 0.8 < result["cost"]["iou"] < 1
    assert "what comes back of the readers' own masks: IoU 0." in text
    assert "larger than the crop: " in text or way[0] == "--canvas"
    _, of_one = call(store, "--split", "test", *way)
    assert "1 cases of 1 patients" in of_one


def test_what_cannot_be_measured_is_refused(store) -> None:
    with pytest.raises(InputError, match="--crop: belongs to"):
        call(store, "--crop", 8, 8)
    with pytest.raises(InputError, match="expected 2 numbers"):
        call(store, "--canvas", 8, 8, "--crop", 8, 8, 8)
    with pytest.raises(ConfigError, match="two or three numbers"):
        call(store, "--step", 3)
    with pytest.raises(InputError, match="spatial axes"):
        call(store, "--canvas", 8, 8, 8)
