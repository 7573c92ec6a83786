"""Which weights a training ends with: by hand on made-up scores, and in real trainings that are stopped and go on."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from atfm.errors import CheckpointError
from atfm.fit import Fitted, fit
from atfm.metrics.significance import mean_and_error
from atfm.models import load
from atfm.train import loop
from atfm.train.cases import Cases
from atfm.train.choice import Candidate, Choice, ged_of, in_words
from atfm.train.config import Config, override
from atfm.train.presets import presets

CPU = torch.device("cpu")
PATIENTS = ["a", "a", "b", "c"]


def one(scores: list[float | None], step: int = 1, stage: str = "sfm") -> Candidate:
    return Candidate(stage, step, scores, {"w": torch.tensor(float(step))})


def test_the_error_is_that_of_whole_patients() -> None:
    values = [0.1, 0.3, -0.2, 0.4]
    mean, error = mean_and_error(values, PATIENTS)
    sums, counts = {"a": 0.4, "b": -0.2, "c": 0.4}, {"a": 2, "b": 1, "c": 1}
    square = sum((sums[p] - mean * counts[p]) ** 2 for p in sums)
    assert mean == pytest.approx(0.15) and error == pytest.approx((3 / 2 * square) ** 0.5 / 4)


def test_a_stage_ends_when_none_is_better_beyond_its_noise_and_keeps_its_best() -> None:
    choice = Choice(2, "all", PATIENTS)
    choice.begin()
    assert not choice.hear(one([0.5, 0.5, 0.5, 0.5], 1))
    assert not choice.hear(one([0.4, 0.4, 0.4, 0.4], 2))  # better by .1 in each case: its error is 0
    assert not choice.hear(one([0.1, 0.1, 0.9, 0.4], 3))  # better in the mean, within the noise of three patients
    assert choice.best is not None and choice.best.step == 3
    assert choice.hear(one([0.4, 0.4, 0.5, 0.4], 4))  # the second in a row
    assert choice.best.step == 3 and float(choice.best.weights["w"]) == 3


def test_small_steps_add_up_to_one_that_counts() -> None:
    choice = Choice(2, "all", PATIENTS)
    choice.begin()
    falling = [[0.5 - 0.02 * n + wobble * (n % 2) for wobble in (0, 0, 0.09, -0.09)] for n in range(6)]
    assert [choice.hear(one(scores, n)) for n, scores in enumerate(falling)] == [False] * 6


def test_a_stage_that_does_not_pay_is_undone_or_left_behind() -> None:
    choice = Choice(None, "better", PATIENTS)
    gtr, sfm, worse = one([0.4] * 4, 1, "gtr"), one([0.6] * 4, 2), one([0.7] * 4, 3, "energy")
    assert choice.conclude(gtr, same=False) is gtr and choice.verdicts == []
    assert choice.conclude(sfm, same=False) is sfm  # of another method: the next stage builds on it all the same
    assert choice.conclude(worse, same=False) is worse
    assert [verdict["kept"] for verdict in choice.verdicts] == [False, False]
    assert choice.kept is not None and choice.kept.stage == "gtr"
    said = in_words(choice.verdicts[0])
    assert said.startswith(
        "stage sfm was left out: GED .600 [.600, .600] with it, .400 [.400, .400] without (by stage gtr)"
    )
    assert said.endswith("difference .200 [.200, .200], 4 validation cases")


def test_what_a_stage_that_pays_was_built_on_is_kept_for_its_sake() -> None:
    choice = Choice(None, "better", PATIENTS)
    choice.conclude(one([0.4] * 4, 1, "gtr"), same=False)
    choice.conclude(one([0.6] * 4, 2, "sfm"), same=False)
    choice.conclude(one([0.3] * 4, 3, "energy"), same=False)
    assert [(verdict["stage"], verdict["kept"]) for verdict in choice.verdicts] == [("sfm", True), ("energy", True)]
    assert "stage sfm was kept for the sake of stage energy" in in_words(choice.verdicts[0])
    choice.conclude(one([0.2] * 4, 4, "more"), same=True)
    back = choice.conclude(one([0.5] * 4, 5, "last"), same=True)
    assert back.stage == "more" and choice.verdicts[-1] | {"undone": True} == choice.verdicts[-1]


def test_the_score_is_one_that_all_cases_have() -> None:
    assert ged_of([{"ged": 0.1, "ged_4": 0.3}, {}, {"ged": 0.2, "ged_4": 0.4}]) == [0.1, None, 0.2]
    assert ged_of([{"ged": 0.1, "ged_4": 0.3}, {"ged_4": 0.5}]) == [0.3, 0.5]  # one annotator has no unbiased GED


# ---- trainings ----

TINY = {
    "method": {"gtr": {"widths": [8], "monte_carlo": 4, "rank": 2},
               "sfm": {"widths": [8], "context_widths": [], "starts": 4, "steps": 2}},
    "stages": {"gtr": {"steps": 8, "batch": 4, "warmup": 2}, "sfm": {"steps": 6, "batch": 4, "warmup": 2},
               "energy": {"steps": 4, "batch": 4, "warmup": 2}},
    "save_every": 3, "validate_every": 2, "validate_cases": 3, "validate_samples": 2,
}  # fmt: skip


def tiny(**fields: object) -> Config:
    return override(override(presets()["phantom"], TINY), fields)


def cases() -> Cases:
    from atfm.data.phantom.kinds import phantom_cases

    drawn = list(phantom_cases(0, 12, annotators=3))
    return Cases(drawn[:9], drawn[9:], {"name": "twelve"}, [case.patient_id for case in drawn[:9]])


def scored(monkeypatch: pytest.MonkeyPatch, geds: Callable[[str, int], float]) -> list[str]:
    """Let validations say what a test wants them to, by the name of the method and how many there were of it."""
    seen: list[str] = []

    def rows(method: torch.nn.Module, cases: object, samples: int, seed: int, *, processes: object) -> list[dict]:
        method.eval()
        kind = type(method).__name__
        seen.append(kind)
        return [{"ged": geds(kind, seen.count(kind)), "hm_iou_2": 0.5} for _ in range(3)]

    monkeypatch.setattr(loop, "case_scores", rows)
    return seen


def trained(out: Path, config: Config, max_steps: int | None = None) -> Fitted:
    return fit(config, cases(), out, device=CPU, max_steps=max_steps)


def test_stages_that_do_not_pay_are_not_in_the_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scored(monkeypatch, lambda kind, number: 0.39 if kind == "GTR" else 0.46)
    done = trained(tmp_path / "run", tiny(keep="better"))
    model = load(tmp_path / "run")
    assert type(model.method).__name__ == "GTR" and done.stage == "gtr" and done.steps == 18
    assert [verdict["kept"] for verdict in done.verdicts] == [False, False]
    assert any("stage energy was left out: GED .460" in note and ".390" in note for note in done.notes)
    assert model.card["training"]["verdicts"] == done.verdicts and model.card["training"]["stage"] == "gtr"
    alone = trained(tmp_path / "alone", tiny(), 8)
    assert alone.stage == "gtr"
    ours, theirs = model.method.state_dict(), load(tmp_path / "alone").method.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    before = (tmp_path / "run" / "weights.safetensors").read_bytes()
    again = trained(tmp_path / "run", tiny(keep="better"))
    assert again.verdicts == done.verdicts and (tmp_path / "run" / "weights.safetensors").read_bytes() == before


def test_stage_3_is_undone_where_it_does_not_pay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scored(monkeypatch, lambda kind, number: 0.5 if kind == "GTR" else 0.3 + 0.01 * number)
    done = trained(tmp_path / "run", tiny(keep="better"))
    assert [(verdict["stage"], verdict["kept"]) for verdict in done.verdicts] == [("sfm", True), ("energy", False)]
    trained(tmp_path / "sfm", tiny(), 14)
    ours, theirs = load(tmp_path / "run").method.state_dict(), load(tmp_path / "sfm").method.state_dict()
    assert done.stage == "sfm" and all(torch.equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.parametrize("stop", [3, 5, 7, 9, 13])
def test_a_training_that_ends_early_goes_on_bit_for_bit(
    tmp_path: Path, stop: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Real scores of real samples: patience of one ends stages within a few validations."""
    config = tiny(patience=1, keep="better", validate_every=1)
    straight = trained(tmp_path / "straight", config)
    assert straight.ended and straight.steps == straight.total < 18
    assert trained(tmp_path / "run", config, max_steps=stop).steps == min(stop, straight.steps)
    done = trained(tmp_path / "run", config)
    assert (done.steps, done.ended, done.verdicts, done.stage) == (
        straight.steps, straight.ended, straight.verdicts, straight.stage,
    )  # fmt: skip
    ours, theirs = load(tmp_path / "run").method.state_dict(), load(tmp_path / "straight").method.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    state = json.loads((tmp_path / "run" / "weights.json").read_text())["training"]
    assert state["ended"] == straight.ended and "choice" not in state


def test_the_best_average_of_a_stage_is_its_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scored(monkeypatch, lambda kind, number: {1: 0.5, 2: 0.3}.get(number, 0.4))
    still = {"steps": 0}
    config = tiny(patience=9, stages={"sfm": still, "energy": still})
    done = trained(tmp_path / "run", config)
    assert done.steps == 8 and not done.ended
    trained(tmp_path / "four", tiny(stages={"sfm": still, "energy": still}), 4)
    ours, theirs = load(tmp_path / "run").method.state_dict(), load(tmp_path / "four").method.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_by_default_nothing_is_chosen(tmp_path: Path) -> None:
    """The card of a named preset says what it said before there was a choice, and so does its configuration."""
    trained(tmp_path / "run", tiny())
    card = load(tmp_path / "run").card
    assert card["training"].keys() == {"step", "stage", "total", "history", "skipped", "trained_by"}
    assert not {"patience", "keep"} & card["config"].keys()
    assert not {"freeze", "freeze_steps"} & card["config"]["stages"]["gtr"].keys()


def test_without_validation_cases_that_is_said(tmp_path: Path) -> None:
    alone = Cases(cases().train, [], {"name": "nine"}, ["p"])
    done = fit(tiny(keep="better", patience=1), alone, tmp_path / "run", device=CPU)
    assert done.steps == 18 and any("no validation cases" in note for note in done.notes)


def test_a_run_whose_stages_are_chosen_is_not_extended(tmp_path: Path) -> None:
    trained(tmp_path / "run", tiny(patience=1), 2)
    with pytest.raises(CheckpointError, match="another training"):
        trained(tmp_path / "run", tiny(patience=1, stages={"energy": {"steps": 9}}))
