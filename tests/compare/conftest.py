"""A small store, and untrained models of it that say how long they were trained."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from atfm.cli.main import main
from atfm.data.case import Case
from atfm.data.pseudonyms import patient_hash
from atfm.data.store import Store, StoreWriter
from atfm.models import publish
from atfm.train.config import override
from atfm.train.presets import resolve

Publish = Callable[..., Path]


@pytest.fixture(scope="session")
def make_store() -> Callable[..., Store]:
    """Make a store: `make_store(path, seed)`."""
    return made


def made(path: Path, seed: int = 0) -> Store:
    """Eight test cases of four patients with three annotators each, and one training patient."""
    splits = {"train": ["a"], "test": ["b", "c", "d", "e"]}
    rng = np.random.default_rng(seed)
    with StoreWriter(path, name="dots", splits=splits) as writer:
        for number, patient in enumerate("abcdebcde"):
            masks = (rng.random((3, 16, 16)) < 0.3).astype(np.uint8)
            writer.add(Case(masks.mean(0, dtype=np.float32)[None], masks, f"case-{number}", patient))
    return Store.open(path)


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return made(tmp_path_factory.mktemp("compare") / "store")


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Publish:
    """Publish an untrained model: `published(name, seed, patients, step)` is its run folder."""
    folder = tmp_path_factory.mktemp("runs")

    def make(name: str, seed: int = 0, patients: str = "a", step: int = 100) -> Path:
        path = folder / f"{name}-{seed}-{patients}"
        part = {"widths": [4, 4]}
        fields = {"method": {"gtr": part, "sfm": part | {"context_widths": [4, 4], "steps": 1}}}
        config = override(resolve("phantom"), fields)
        torch.manual_seed(seed)
        method = config.build(in_channels=1, channels=1, size=(16, 16))
        card = {
            "config": config.model_dump(mode="json"),
            "patients": [patient_hash(patient) for patient in patients],
            "training": {"stage": "energy", "step": step},
        }
        publish(path / "weights.safetensors", method, card)
        return path

    return make


@pytest.fixture(scope="session")
def out(store: Store, published: Publish, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A comparison of two methods, one of them trained twice, beside published rows."""
    folder = tmp_path_factory.mktemp("out") / "table"
    runs = [str(published("one", 0)), f"two={published('c', 2)}", f"two={published('b', 1)}"]
    options = ["--out", str(folder), "--samples", "8", "--device", "cpu", "--store", str(store.path), "--published"]
    assert main(["compare", *runs, *options]) == 0
    return folder
