"""A plan for each kind of phantom is a training that runs, says why, and comes back from its file."""

import tomllib
from pathlib import Path

import numpy as np
import pytest
import torch

from atfm.data.case import Case
from atfm.data.store import Store, StoreWriter
from atfm.errors import InputError, StoreError
from atfm.fit import Fitted, fit
from atfm.plan import checked, facts_of, plan
from atfm.plan.pace import Pace
from atfm.train.cases import from_store
from atfm.train.config import Config, override, whole
from atfm.train.presets import presets, resolve

CPU = torch.device("cpu")


def trained_once(config: Config, store: Store, out: Path) -> Fitted:
    """Train as configured, but a step of each stage."""
    stages = {
        name: one.model_copy(update={"steps": min(1, one.steps), "batch": 2}) for name, one in config.stages.items()
    }
    config = config.model_copy(update={"stages": stages, "validate_samples": 2, "validate_cases": 1})
    return fit(config, from_store(store, config), out, device=CPU)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every step take a hundredth of a second and every validated case a tenth."""

    def paced(config: Config, *given: object, **more: object) -> Pace:
        names = [name for name, one in config.stages.items() if one.steps]
        return Pace(dict.fromkeys(names, 0.01), dict.fromkeys(names, 0.1), spent=1.0)

    monkeypatch.setattr("atfm.plan.planning.measured", paced)


@pytest.mark.parametrize("kind", ["grey", "colour", "classes", "volume"])
def test_every_phantom_is_planned_and_the_plan_trains(stores, tmp_path, kind: str) -> None:
    store = stores(kind)
    planned = plan(store, minutes=2.0)
    (tmp_path / "plan.toml").write_text(planned.toml(), encoding="utf-8")
    assert resolve(str(tmp_path / "plan.toml")) == planned.config
    told = {reason["field"]: reason for reason in planned.as_json()["reasons"]}
    assert {"method.gtr.widths", "augment", "steps", "validation"} <= told.keys()
    assert all(reason["why"] and reason["source"] for reason in told.values())
    assert planned.warnings == []
    fitted = trained_once(planned.config, store, tmp_path / "run")
    assert fitted.steps == fitted.total > 0


def mixed(path, sides: tuple[int, int], lesion: int, spacings: tuple[float, float]) -> Store:
    """Ten cases of two sizes and spacings in turn, a square lesion somewhere in each, of which readers differ."""
    rng, names = np.random.default_rng(0), [str(number) for number in range(10)]
    with StoreWriter(path, name="mixed", splits={"train": names[:8], "val": names[8:]}) as writer:
        for number, name in enumerate(names):
            side, mm = sides[number % 2], spacings[number % 2]
            masks, corner = np.zeros((2, side, side), np.uint8), int(rng.integers(0, side - lesion - 2))
            for reader in range(2):
                masks[reader, corner : corner + lesion, corner + reader : corner + reader + lesion] = 1
            image = (np.rint(rng.random((1, side, side)) * 255) / 255).astype(np.float32)
            writer.add(Case(image, masks, name, name, spacing=(mm, mm)))
    return Store.open(path)


@pytest.mark.parametrize(
    ("sides", "lesion", "spacings", "fields"),
    [
        ((46, 58), 20, (1.0, 1.0), {"fit"}),
        ((60, 70), 5, (1.0, 1.0), {"crop"}),
        ((50, 40), 15, (0.5, 0.8), {"fit", "crop"}),
    ],
)
def test_images_of_mixed_sizes_are_planned_and_trained(tmp_path, monkeypatch, sides, lesion, spacings, fields) -> None:
    monkeypatch.setattr("atfm.plan.look.CANVAS", 32)  # a sixteenth of the time
    store = mixed(tmp_path / "store", sides, lesion, spacings)
    planned = plan(store, minutes=1.0)
    assert fields == {"fit", "crop", "window"} & planned.fields.keys()
    assert not any("lesions" in warning for warning in planned.warnings)
    assert trained_once(planned.config, store, tmp_path / "run").steps > 0


def test_it_stays_the_same(stores) -> None:
    assert plan(stores(), minutes=1.0).config == plan(stores(), minutes=1.0).config


def test_a_store_without_val_trains_on_fewer_and_validates_on_the_rest(stores) -> None:
    planned = plan(stores(val=False), minutes=1.0)
    cases = from_store(stores(val=False), planned.config)
    assert len(cases.validation) == planned.config.hold_out == 3
    assert len(cases.train) == 13 and cases.description["hold_out"] == 3
    trained, held = set(cases.patients), set(cases.validation.case_ids)
    assert not trained & held and len(trained | held) == 16
    assert cases.train.case_ids == from_store(stores(val=False), planned.config).train.case_ids


def test_whoever_is_held_out_leaves_somebody_to_train_on(stores) -> None:
    config = override(presets()["phantom"], {"hold_out": 1000})
    assert len(from_store(stores(val=False), config).train) == 1
    assert len(from_store(stores(), config).train) == 16, "a split val is what validates where there is one"


def test_an_empty_split_val_is_none(tmp_path) -> None:
    with StoreWriter(tmp_path / "store", name="few", splits={"train": ["a", "b"], "val": []}) as writer:
        for name in "ab":
            writer.add(Case(np.zeros((1, 32, 32), np.float32), np.ones((2, 32, 32), np.uint8), name, name))
    store = Store.open(tmp_path / "store")
    assert facts_of(store).validation == 0
    cases = from_store(store, override(presets()["phantom"], {"hold_out": 1}))
    assert (len(cases.train), len(cases.validation)) == (1, 1)


def test_one_reader_is_told_and_trains_all_the_same(stores, tmp_path) -> None:
    store = stores(readers=1)
    planned = plan(store, minutes=1.0)
    assert any(warning.startswith("one reader only") for warning in planned.warnings)
    fitted = trained_once(planned.config, store, tmp_path / "run")
    assert "ged" not in fitted.validation and "ged_2" in fitted.validation


def test_a_set_in_which_nothing_is_marked_has_no_plan(tmp_path) -> None:
    with StoreWriter(tmp_path / "store", name="none", splits={"train": ["a"]}) as writer:
        writer.add(Case(np.zeros((1, 8, 8), np.float32), np.zeros((2, 8, 8), np.uint8), "a", "a"))
    with pytest.raises(InputError, match="nobody marked anything"):
        plan(Store.open(tmp_path / "store"))


def test_a_store_without_training_cases_has_no_plan(tmp_path) -> None:
    with StoreWriter(tmp_path / "store", name="none", splits={"test": ["a"]}) as writer:
        writer.add(Case(np.zeros((1, 8, 8), np.float32), np.ones((2, 8, 8), np.uint8), "a", "a"))
    with pytest.raises(StoreError, match="no split 'train'"):
        plan(Store.open(tmp_path / "store"))


def test_a_preset_is_held_against_the_store(stores) -> None:
    config = presets()["phantom"]
    assert checked(stores(), config) == []
    cropped = config.model_copy(update={"crop": (8, 8)})
    (told,) = checked(stores(), cropped)
    assert told.startswith("lesions larger than the crop of 8x8")
    assert checked(stores(), config.model_copy(update={"crop": (8, 8, 8)})) == []  # refused when it is built


def test_the_file_holds_all_that_departs_from_the_defaults(stores) -> None:
    planned = plan(stores("volume"), minutes=1.0)
    fields = tomllib.loads(planned.toml())
    assert fields["stages"]["energy"] == {"steps": 0}
    assert whole(fields) == planned.config
    assert isinstance(planned.config, Config)
