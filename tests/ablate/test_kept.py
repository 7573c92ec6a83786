"""What a study keeps is believed only where it was made of what is wanted, and is what was written."""

import json
import re
from pathlib import Path

import pytest

from atfm.ablate import Row, base, study
from atfm.ablate.trained import Clock
from atfm.data.store import Store
from atfm.errors import CheckpointError
from atfm.importers.phantom import plan_phantom
from atfm.importers.plan import build_store
from atfm.train.config import Config, override
from atfm.train.progress import Progress

ROW = [Row("one", steps=(1,), section="own")]


def start(budget: int = 4) -> Config:
    plan = {"batch": 4, "warmup": 0, "steps": budget}
    tiny = {"method": {"gtr": {"widths": [8], "rank": 2}, "sfm": {"widths": [8]}}}
    return override(base(10), tiny | {"stages": {"gtr": plan, "sfm": plan}})


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    out = tmp_path_factory.mktemp("store") / "phantom"
    build_store(plan_phantom(cases=20, size=32, test_annotators=4), out)
    return Store.open(out)


@pytest.fixture(scope="module")
def done(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("study")
    run(store, out)
    return out


def run(store: Store, out: Path, budget: int = 4, **options: object) -> tuple[list[float], list[str]]:
    """The GED of every case, and what was told."""
    told: list[str] = []
    scoring = {"seeds": [0], "samples": 4, "limit": 2} | options
    found = study(store, start(budget), ROW, out, tell=told.append, **scoring)  # type: ignore[arg-type]
    return [case["ged"] for outcome in found for case in outcome.cases], told


def scores_of(out: Path) -> list[Path]:
    return sorted(out.rglob("scores-*.json"))


def scored(told: list[str]) -> bool:
    return any(re.search(r"steps: GED", line) for line in told)


def test_the_same_again_is_read(store, done) -> None:
    first, told = run(store, done)
    assert not scored(told) and run(store, done)[0] == first


def test_another_budget_is_trained_and_scored_beside_the_old_one(store, done) -> None:
    old, _ = run(store, done)
    new, told = run(store, done, budget=8)
    assert scored(told) and new != old
    assert run(store, done)[0] == old and not scored(run(store, done, budget=8)[1]), "both are kept"
    assert len(scores_of(done)) == 2


def test_a_digit_that_was_changed_is_made_again_and_said(store, done) -> None:
    old, _ = run(store, done)
    file = scores_of(done)[0]
    for changed in scores_of(done):
        text = changed.read_text()
        digit = re.search(r'(?<="ged": )(-?\d*\.?)(\d)', text)
        assert digit is not None
        changed.write_text(text[: digit.start(2)] + str((int(digit[2]) + 1) % 10) + text[digit.end(2) :])
    again, told = run(store, done)
    assert again == old and any(line.endswith("is damaged: scored again") for line in told)
    file.write_text(json.dumps({"row": "one", "seed": 0, "way": "", "steps": 1, "seconds": 0.0, "cases": []}))
    assert run(store, done)[0] == old, "nor are those of earlier versions, which know nothing of their making"


def test_other_weights_in_the_run_folder_are_scored_anew(store, done) -> None:
    """As a training that went on leaves them, or somebody who copied others there."""
    run(store, done)
    run(store, done, budget=8)
    texts = [file.read_text() for file in scores_of(done)]
    for file, text in zip(scores_of(done), reversed(texts), strict=True):
        file.write_text(text)  # the scores of one training where those of the other belong
    assert len(texts) == 2
    _, told = run(store, done)
    assert scored(told) and any("was made otherwise (training" in line and "weights" in line for line in told)


def test_other_data_in_one_folder_is_another_training(done, tmp_path) -> None:
    build_store(plan_phantom(cases=20, size=32, test_annotators=4, seed=1), tmp_path / "other")
    _, told = run(Store.open(tmp_path / "other"), done)
    assert scored(told) and not any("was made otherwise" in line for line in told)


def test_a_damaged_configuration_of_a_shared_run_is_one_line(store, tmp_path) -> None:
    run(store, tmp_path)
    (shared,) = tmp_path.glob("gtr-*")
    (shared / "config.json").write_text('{"config": {}}')
    with pytest.raises(CheckpointError, match=r"config\.json: is damaged .*remove .* to train it anew"):
        run(store, tmp_path)


def progress(*, saved: bool) -> Progress:
    return Progress("sfm", 1, 2, None, 1.0, 1.0, 0, None, saved)


def test_the_time_of_a_training_adds_up_over_its_resumptions(tmp_path, monkeypatch) -> None:
    now, told = [0.0], []
    monkeypatch.setattr("atfm.train.clock.time.perf_counter", lambda: now[0])

    def clock() -> Clock:
        return Clock(tmp_path / "seconds.json", {"seed": 0}, told.append)

    first = clock()
    for moment, saved in ((10.0, True), (15.0, False)):  # killed here: what came after the checkpoint is made again
        now[0] = moment
        first(progress(saved=saved))
    now[0] = 100.0
    second = clock()
    now[0] = 107.0
    second(progress(saved=True))
    assert second.stop() and second.seconds == 17.0
    now[0] = 200.0
    third = clock()
    now[0] = 210.0
    assert not third.stop() and third.seconds == 17.0 and told == [], "a training that is over takes no more time"
    (tmp_path / "seconds.json").write_text((tmp_path / "seconds.json").read_text().replace("17.0", "71.0"))
    assert clock().seconds == 0.0 and "is damaged: the time of this training counts from here on" in told[0]
