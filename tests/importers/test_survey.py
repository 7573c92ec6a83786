"""A dry run: it counts what the import would write, lists everything that is wrong, and writes nothing."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from atfm.data.case import Case
from atfm.data.digest import describe
from atfm.data.store import Store
from atfm.errors import InputError
from atfm.importers.plan import Plan, Planned, build_store
from atfm.importers.survey import survey


def read(number: int, *, name: str | None = None, channels: int = 1, top: int = 2) -> Case:
    rng = np.random.default_rng(number)
    size = (8 + number % 2, 6)
    masks = rng.integers(0, top, (1 + number % 3, *size), np.uint8)
    masks[0] = 0
    return Case(rng.random((channels, *size), np.float32), masks, name or f"c{number}", f"p{number // 2}")


def plan_of(count: int = 12) -> Plan:
    cases = [Planned(f"c{i}", f"p{i // 2}", partial(read, i)) for i in range(count)]
    splits = {"train": ["p0", "p3"], "val": ["p1", "absent"], "test": ["p2"]}
    return Plan("test", {"name": "x", "modality": "CT"}, cases, splits, sources=(), skipped=["a.png: no mask"])


def test_it_says_what_the_store_will_hold(tmp_path) -> None:
    seen: list[tuple[int, int]] = []
    facts = survey(plan_of(), lambda *at: seen.append(at))
    assert list(tmp_path.iterdir()) == [] and seen == [(i, 12) for i in range(1, 13)]
    build_store(plan_of(), tmp_path / "store")
    store = Store.open(tmp_path / "store")
    described = describe(store)
    for name in ("annotators", "filled_masks", "sizes", "cases", "patients", "unassigned_patients", "classes", "name"):
        assert facts[name] == described[name], name
    assert facts["splits"] == described["splits"] and facts["channels"] == {"1": 12}
    assert facts["skipped"] == ["a.png: no mask"] and facts["refused"] == [] and facts["modality"] == "CT"


def test_it_lists_everything_that_is_wrong_and_counts_the_rest() -> None:
    def broken() -> Case:
        raise InputError("scan.png: cannot be read")

    cases = list(plan_of().cases)
    for number, wrong in ((0, broken), (3, partial(read, 3, name="c1")), (5, partial(read, 5, channels=3))):
        cases[number] = replace(cases[number], read=wrong)
    cases[7] = replace(cases[7], read=partial(read, 7, top=9))
    facts = survey(replace(plan_of(), cases=cases))
    assert facts["cases"] == 8 and sum(facts["annotators"].values()) == 8
    assert [reason.split(":")[0] for reason in facts["refused"]] == ["scan.png", "case c1", "case c5", "case c7"]
    assert facts["splits"]["train"] == {"patients": 2, "cases": 2} and facts["channels"] == {"1": 8}


def test_nothing_at_all_and_splits_that_share_a_patient() -> None:
    assert survey(replace(plan_of(), cases=[]))["cases"] == 0
    with pytest.raises(InputError, match="patient p0 is in"):
        survey(replace(plan_of(), splits={"a": ["p0"], "b": ["p0"]}))


def test_no_folder_is_touched(tmp_path: Path, monkeypatch) -> None:
    def refuse(self: Path, *args: object, **kwargs: object) -> None:
        raise PermissionError(13, "no", str(self))

    for verb in ("mkdir", "open", "write_bytes", "write_text"):
        monkeypatch.setattr(Path, verb, refuse)
    assert survey(plan_of())["cases"] == 12


def test_warnings_of_the_plan_and_of_cases_reach_the_dry_run_and_the_store(tmp_path) -> None:
    def read(name: str) -> Case:
        return Case(
            np.zeros((1, 4, 4), np.float32), np.zeros((2, 4, 4), np.uint8), name, name, warnings=("odd palette",)
        )

    cases = [Planned(name, name, lambda name=name: read(name)) for name in ("a", "b")]
    plan = Plan("test", {"name": "x"}, cases, {}, sources=(), skipped=["c: no mask"], warnings=["patient unknown"])
    told = ["patient unknown", "odd palette (2 cases, as a)"]
    assert survey(plan)["warnings"] == told
    info = build_store(plan, tmp_path / "store")
    assert list(info.warnings or ()) == told and list(info.skipped or ()) == ["c: no mask"]
    assert Store.open(tmp_path / "store").info == info
