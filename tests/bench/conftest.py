"""Networks of a moment, as a preset file, as weights and as methods."""

from pathlib import Path

import numpy as np
import pytest

from atfm.data.case import Case
from atfm.data.store import Store, StoreWriter
from atfm.models import publish
from atfm.train.config import override
from atfm.train.presets import resolve

FIELDS = {
    "method": {
        "gtr": {"widths": [8, 8], "monte_carlo": 2, "rank": 3},
        "sfm": {"widths": [8, 8], "context_widths": [8], "starts": 2, "pairs": 1, "steps": 3, "temperature": 1.2},
    },
    "stages": {name: {"batch": 2, "parts": 1} for name in ("gtr", "sfm", "energy")},
}
OTHER = 'preset = "paper"\nmethod = {gtr = {widths = [8, 8]}, sfm = {widths = [8, 16], blocks = 1, steps = 5}}\n'
SIZE = (16, 16)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `run` (a model of 16x16 images), `gtr` (its stage 1 alone), `other.toml` and a `store`."""
    path = tmp_path_factory.mktemp("bench")
    config = override(resolve("phantom"), FIELDS)
    method = config.build(in_channels=1, channels=1, size=SIZE)
    for name, stage in (("run", method.stages()[-1]), ("gtr", method.stages()[0])):
        card = {"config": config.model_dump(mode="json"), "patients": [], "training": {"stage": stage.name}}
        publish(path / name / "weights.safetensors", stage.method, card)
    (path / "other.toml").write_text(OTHER)
    rng = np.random.default_rng(0)
    with StoreWriter(path / "store", name="dots", splits={"train": ["a"], "val": ["b", "c"]}) as writer:
        for number, patient in enumerate("abcbc"):
            masks = (rng.random((3, *SIZE)) < 0.3).astype(np.uint8)
            writer.add(Case(masks.mean(0, dtype=np.float32)[None], masks, f"case-{number}", patient))
    return path


@pytest.fixture(scope="session")
def small_store(small: Path) -> Store:
    return Store.open(small / "store")
