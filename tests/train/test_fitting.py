"""A training on images of mixed sizes and spacings: what the network sees, what is said and what the card keeps."""

from pathlib import Path

import numpy as np
import pytest
import torch

from atfm.data.budget import Budget
from atfm.data.case import Case
from atfm.data.geometry.rule import Fit, fit_of
from atfm.data.store import Store, StoreWriter
from atfm.errors import AtfmError, ConfigError
from atfm.fit import fit
from atfm.models import load
from atfm.train.cases import from_store
from atfm.train.config import Config, override
from atfm.train.presets import resolve

SHORT = {"steps": 4, "batch": 2, "parts": 2, "warmup": 1}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Six images between 30 and 70 pixels, one of whose spacings is not known; one reader's mark is a single pixel."""
    rng = np.random.default_rng(0)
    with StoreWriter(tmp_path / "store", name="mixed", splits={"train": [], "val": []}) as writer:
        for number in range(6):
            size = tuple(rng.integers(30, 70, 2).tolist())
            image = np.rint(rng.random((1, *size)) * 255).astype(np.float32) / np.float32(255)
            masks = np.zeros((2, *size), np.uint8)
            masks[0, 8:24, 9:20] = 1
            masks[1, 11, 12] = 1
            spacing = (1.0, 1.0) if number == 2 else (0.5, 0.5)
            writer.splits["train" if number < 4 else "val"] += [f"p{number}"]  # type: ignore[operator]
            writer.add(Case(image, masks, f"c{number}", f"p{number}", spacing))
    return Store.open(tmp_path / "store")


def config(**fields: object) -> Config:
    small = {
        "method": {"widths": [8], "rank": 2, "monte_carlo": 4},
        "stages": {"gtr": SHORT},
        "validate_cases": 2,
        "validate_samples": 2,
    }
    return override(resolve("gtr-phantom"), small | fields)


def trained(store: Store, out: Path, chosen: Config, budget: Budget = Budget(), stops=(None,)):  # noqa: B008
    for stop in stops:
        done = fit(chosen, from_store(store, chosen), out, device=torch.device("cpu"), max_steps=stop, budget=budget)
    return done, load(out)


@pytest.mark.parametrize(
    ("fields", "size"),
    [
        ({"fit": {"canvas": [24, 32]}}, (24, 32)),
        ({"fit": {"spacing": [1.1, 1.1]}, "crop": [16, 16]}, (16, 16)),
    ],
)
def test_mixed_sizes_are_trained_on_held_streamed_or_resumed_alike(store, tmp_path, fields, size) -> None:
    chosen = config(**fields)
    done, model = trained(store, tmp_path / "held", chosen)
    assert model.method.size == size
    seen = [chosen.fit.rule((0.5, 0.5)).grid(store.shape(i), None if i == 2 else (0.5, 0.5)).size for i in range(4)]
    held = sum(height * (width + 2 * -(-width // 8)) for height, width in seen)  # an image, two masks in bits
    assert done.cases["bytes"] == held + (4 * 256 * 3 * 4 if chosen.crop else 0)  # and the marked pixels of crops
    assert done.memory["cases"] > done.cases["bytes"]  # of the validation too
    most = max(case.image[0].size * (2 + 1 + 12) for case in store)  # two masks and the image in bytes, one in floats
    assert 0 < done.memory["resampling"] <= most and done.memory["peak"] >= done.memory["resampling"]
    _, streamed = trained(store, tmp_path / "streamed", chosen, Budget(0, workers=1), (3, None))
    for name, value in model.method.state_dict().items():
        assert torch.equal(value, streamed.method.state_dict()[name])


def test_what_was_done_is_said_and_kept(store, tmp_path) -> None:
    chosen = config(fit={"spacing": [4.0, 4.0]}, crop=[8, 8])
    done, model = trained(store, tmp_path / "run", chosen)
    notes = [note for note in done.notes if note.startswith("fit: ")]
    assert notes[0] == "fit: a pixel of the network takes 8 x 8 pixels of the images"
    assert "1 of 4 images do not say their spacing: taken to have 0.5 x 0.5 mm, the median" in notes[1]
    assert "4 of 8 outlined parts are too small" in notes[2] and "4 are kept" in notes[2]
    assert fit_of(model.card, "run") == Fit(spacing=(4.0, 4.0), usual=(0.5, 0.5))
    assert model.card["training_images"]["spacing"] == [[4.0, 4.0], [4.0, 4.0]]


def test_without_a_fit_nothing_is_said_of_it(store, tmp_path) -> None:
    done, model = trained(store, tmp_path / "run", config(crop=[16, 16]))
    assert not [note for note in done.notes if note.startswith("fit")]
    assert done.memory["resampling"] == 0
    assert "fit" not in model.card["config"] and "usual_spacing" not in model.card


def test_what_does_not_fit_is_refused(store, tmp_path) -> None:
    with pytest.raises(AtfmError, match=r"set fit\.canvas"):
        trained(store, tmp_path / "a", config(fit={"spacing": [1.0, 1.0]}))
    with pytest.raises(AtfmError, match=r"set fit\.canvas"):
        trained(store, tmp_path / "b", config())
    with pytest.raises(ConfigError, match="expected 2 numbers"):
        trained(store, tmp_path / "c", config(fit={"step": [1.0, 2.0, 2.0]}, crop=[16, 16]))
