"""A real study of two rows, tiny, and what is made of it."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from atfm.ablate import LIMITS, ROWS, Outcome, Row, base, figures, shortened, study, summary, table
from atfm.data.store import Store
from atfm.errors import ConfigError
from atfm.importers.phantom import plan_phantom
from atfm.importers.plan import build_store
from atfm.models import load
from atfm.train.config import Config, override
from atfm.train.presets import resolve

BASE = override(base(10), {"method": {"gtr": {"widths": [8], "rank": 2}, "sfm": {"widths": [8]}}})


def rows(*names: str) -> list:
    return [row for row in ROWS if row.name in names]


def run_of(out: Path, name: str) -> Path:
    """The only run folder of a row."""
    (folder,) = (run for run in out.glob(f"{name}-*-seed-0") if len(run.name) == len(f"{name}-01234567-seed-0"))
    return folder


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    out = tmp_path_factory.mktemp("store") / "phantom"
    build_store(plan_phantom(cases=40, test_annotators=4), out)
    return Store.open(out)


@pytest.fixture(scope="module")
def outcomes(store: Store, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Outcome]]:
    out = tmp_path_factory.mktemp("study")
    chosen = rows("act-gtr", "atfm-sf")
    return out, study(store, BASE, chosen, out, seeds=[0, 1], samples=4, limit=3)


def test_every_row_seed_and_number_of_steps_is_scored(outcomes: tuple[Path, list[Outcome]]) -> None:
    found = {(outcome.row, outcome.seed, outcome.steps) for outcome in outcomes[1]}
    assert found == {("act-gtr", s, 0) for s in (0, 1)} | {
        ("atfm-sf", s, n) for s in (0, 1) for n in (1, 2, 4, 5, 8, 10, 25, 50)
    }
    assert all(len(outcome.cases) == 3 and outcome.cases[0]["ged"] is not None for outcome in outcomes[1])


def test_rows_share_stage_1(outcomes: tuple[Path, list[Outcome]]) -> None:
    assert len(list(outcomes[0].glob("gtr-*"))) == 2  # one for each seed


def test_a_tuned_row_shares_stage_1_with_the_one_it_departs_from(store: Store, tmp_path: Path) -> None:
    chosen = [replace(row, steps=(1,)) for row in rows("together", "energy-1")]
    found = study(store, BASE, chosen, tmp_path, seeds=[0], samples=4, limit=2)
    ways = ["", "sfm.solver=heun", "sfm.solver=ralston"]
    assert [(outcome.row, outcome.way) for outcome in found] == [*(("together", way) for way in ways), ("energy-1", "")]
    assert len(list(tmp_path.glob("gtr-*"))) == 1


def test_again_trains_and_scores_nothing(store: Store, outcomes: tuple[Path, list[Outcome]]) -> None:
    out, first = outcomes
    before = {file: file.stat().st_mtime_ns for file in out.rglob("scores*.json")}
    assert study(store, BASE, rows("act-gtr", "atfm-sf"), out, seeds=[0, 1], samples=4, limit=3) == first
    assert {file: file.stat().st_mtime_ns for file in out.rglob("scores*.json")} == before


def test_the_table_has_a_line_for_each_way(outcomes: tuple[Path, list[Outcome]]) -> None:
    lines = summary(outcomes[1], ROWS)
    assert len(lines) == 9 and all(line.seeds == 2 for line in lines)
    mean = [case["ged"] for o in outcomes[1] if o.row == "act-gtr" for case in o.cases]
    assert lines[0].scores["ged"].mean == pytest.approx(sum(mean) / 6)
    assert lines[0].gain is None
    pairs = {
        (o.row, o.steps): [
            case["ged"] for o2 in outcomes[1] if (o2.row, o2.steps) == (o.row, o.steps) for case in o2.cases
        ]
        for o in outcomes[1]
    }
    last = lines[-1]
    differences = [a - b for a, b in zip(pairs[last.row, last.steps], pairs["act-gtr", 0], strict=True)]
    assert last.gain is not None and last.gain.mean == pytest.approx(sum(differences) / 6)
    text = table(lines)
    assert text.partition("\n\n")[0].count("\n") == 10 and "`atfm-sf`" in text
    assert "<svg" in figures(lines)["steps"]


def test_nothing_to_do_is_said(store: Store, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="at least one"):
        study(store, BASE, [], tmp_path)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_row_is_a_valid_configuration(row) -> None:
    config = row.config(base(400))
    assert isinstance(config, Config)
    steps = {name: plan.steps for name, plan in config.stages.items()}
    assert steps == {"gtr": 400, **({"sfm": 240, "energy": 40} if row.shares else {"sfm": 400, "energy": 0})}


def test_limits_change_what_they_name(tmp_path: Path) -> None:
    start = shortened(resolve("atfm-flow-lidc"), 500)
    assert {name: plan.steps for name, plan in start.stages.items()} == {"gtr": 500, "sfm": 260, "energy": 270}
    by_name = {row.name: row for row in LIMITS}
    assert by_name["width-half"].config(start).method.gtr.widths == (16, 24, 32, 48)
    assert by_name["width-half"].config(start).method.sfm.context_widths == (
        16,
        16,
        24,
    )  # multiples of 8, rounded to even
    assert by_name["time-twice"].config(start).stages["energy"].steps == 540
    assert by_name["patients-quarter"].config(start) == start == by_name["reference"].config(start)
    for row in LIMITS:
        config = row.config(start)
        config.build(in_channels=1, channels=1, size=(128, 128))


def test_a_learning_curve_over_patients(store: Store, tmp_path: Path) -> None:
    chosen = [row for row in LIMITS if row.patients in (1, 1 / 4) and row.width == row.time == 1]
    tiny = {"method": {"gtr": {"widths": [8], "rank": 2}, "sfm": {"widths": [8], "context_widths": [], "steps": 2}}}
    start = override(shortened(resolve("phantom"), 10), tiny)
    found = study(store, start, chosen, tmp_path, seeds=[0], samples=4, limit=2)
    assert [(outcome.row, outcome.steps) for outcome in found] == [
        (name, steps) for name in ("reference", "patients-quarter") for steps in (0, 2)
    ]
    seen = {name: load(run_of(tmp_path, name)).patients for name in ("reference", "patients-quarter")}
    assert seen["patients-quarter"] < seen["reference"]
    assert len(seen["patients-quarter"]) == round(len(seen["reference"]) / 4)
    svg = figures(summary(found, LIMITS))["limits"]
    assert "unbiased: patients" in svg and "unbiased: width" not in svg, "one row is no curve"


def test_without_later_stages_stage_1_is_scored(store: Store, tmp_path: Path) -> None:
    none = {"steps": 0}
    alone = {"method": {"gtr": {"widths": [8], "rank": 2}}, "stages": {"sfm": none, "energy": none}}
    start = override(shortened(resolve("phantom"), 10), alone)
    found = study(
        store, start, [row for row in LIMITS if row.name == "reference"], tmp_path, samples=4, limit=2, seeds=[0]
    )
    assert [(outcome.row, outcome.steps, outcome.seconds) for outcome in found] == [("reference", 0, 0.0)]
    assert figures(summary(found, LIMITS)) == {}, "one row is no curve"


def test_a_hurdle_and_gtr_are_shared_by_rows_that_differ_in_the_flow_alone(store: Store, tmp_path: Path) -> None:
    hurdle = {"gtr": {"presence": {"widths": [4, 4]}}}
    plan = {"steps": 2, "batch": 4, "warmup": 0}
    start = override(BASE, {"method": hurdle, "stages": {name: plan for name in ("presence", "gtr", "sfm")}})
    chosen = [
        Row("plain", steps=(0, 1)),
        Row("optimal", fields={"method": {"sfm": {"coupling": "optimal"}}}, steps=(1,)),
    ]
    chosen += [
        Row("wider", width=2, steps=(1,)),
        Row("longer", fields={"stages": {"presence": {"steps": 3}}}, steps=(1,)),
    ]
    study(store, start, chosen, tmp_path, seeds=[0], samples=4, limit=2)
    assert len(list(tmp_path.glob("presence-gtr-*"))) == 3, "plain and optimal share theirs"
    plain, optimal = (load(run_of(tmp_path, name)).method for name in ("plain", "optimal"))
    theirs = zip(plain.truncation.parameters(), optimal.truncation.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in theirs) and plain.truncation.presence is not None
    wide = load(run_of(tmp_path, "wider")).card["config"]["method"]
    assert (wide["gtr"]["widths"], wide["gtr"]["presence"]["widths"], wide["sfm"]["widths"]) == ([16], [8, 8], [16])


def test_two_rows_of_one_name_and_rows_that_do_not_fit_are_refused_before_anything_is_trained(
    store: Store, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="different names, got a, a"):
        study(store, BASE, [Row("a"), Row("a")], tmp_path)
    wrong = Row("b", fields={"method": {"sfm": {"patch": 4}}})
    with pytest.raises(ConfigError, match=r"expected method.gtr.patch = 2"):
        study(store, override(BASE, {"method": {"sfm": {"condition": "features"}}}), [Row("a"), wrong], tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_preset_is_shortened_by_the_first_stage_that_it_trains() -> None:
    none = {"gtr": {"steps": 0}}
    tuned = shortened(override(resolve("atfm-flow-lidc"), {"stages": none}), 260)
    assert {name: plan.steps for name, plan in tuned.stages.items()} == {"gtr": 0, "sfm": 260, "energy": 270}
    nothing = override(resolve("gtr-lidc"), {"stages": none})
    with pytest.raises(ConfigError, match="all of its stages have 0 steps"):
        shortened(nothing, 10)
