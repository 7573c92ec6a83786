"""Where the cases are kept changes nothing: held or streamed, the weights are equal, bit for bit."""

from pathlib import Path

import pytest
import torch

from atfm.data.budget import Budget
from atfm.data.phantom.kinds import phantom_cases
from atfm.data.store import Store, StoreWriter
from atfm.fit import fit
from atfm.models import load
from atfm.train.cases import from_store
from atfm.train.config import Config, override
from atfm.train.presets import resolve

SHORT = {"steps": 5, "batch": 4, "parts": 2, "warmup": 1}
STREAMED = Budget(0, workers=1)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    with StoreWriter(tmp_path / "store", name="phantoms", splits={"train": [], "val": []}) as writer:
        for number, case in enumerate(phantom_cases(0, 9, annotators=(1, 3), size=24)):
            writer.splits["train" if number < 7 else "val"] += [case.patient_id]  # type: ignore[operator]
            writer.add(case)
    return Store.open(tmp_path / "store")


def config(**fields: object) -> Config:
    small = {
        "method": {"widths": [8], "rank": 2, "monte_carlo": 4},
        "stages": {"gtr": SHORT},
        "augment": {"warp": 0.5, "scale": 0.2, "shift": 2.0},
        "validate_cases": 2,
        "validate_samples": 2,
    }
    return override(resolve("gtr-phantom"), small | fields)


def weights(
    store: Store, out: Path, budget: Budget, stops: list[int | None], **fields: object
) -> dict[str, torch.Tensor]:
    for stop in stops:
        chosen = config(**fields)
        done = fit(chosen, from_store(store, chosen), out, device=torch.device("cpu"), max_steps=stop, budget=budget)
    assert done.steps == 5
    assert done.cases["held"] is (budget != STREAMED)
    assert load(out).card["cases"] == done.cases
    return load(out).method.state_dict()


@pytest.mark.parametrize("crop", [None, [16, 16]])
def test_held_or_streamed_the_weights_are_the_same(store: Store, tmp_path: Path, crop: list[int] | None) -> None:
    held = weights(store, tmp_path / "held", Budget(), [None], crop=crop)
    streamed = weights(store, tmp_path / "streamed", STREAMED, [None], crop=crop)
    resumed = weights(store, tmp_path / "resumed", STREAMED, [3, None], crop=crop)  # in the middle of an epoch
    for name, value in held.items():
        assert torch.equal(value, streamed[name]) and torch.equal(value, resumed[name])
