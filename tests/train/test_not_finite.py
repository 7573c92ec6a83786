"""Steps that are not finite are left out, counted and told; ten in a row end the training, the good weights kept."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from atfm.cli.main import main
from atfm.data.batch import Batch
from atfm.data.held import Held
from atfm.data.phantom.kinds import phantom_cases
from atfm.errors import CheckpointError, TrainingError
from atfm.methods.config import StageConfig
from atfm.methods.method import Frame, Method, Stage
from atfm.methods.samples import Drawn
from atfm.models import load
from atfm.seeding import Draw
from atfm.train.loop import Trainer
from atfm.train.presets import resolve
from atfm.train.progress import Progress
from atfm.train.run import Run

SIZE = (32, 32)


class Toy(Method):
    """A normalisation and a weight; its loss is spoilt in the calls that are named.

    Args:
        spoilt: of a call of `loss`, from 0 on, and its loss: what becomes of it.
    """

    def __init__(self, spoilt: Callable[[int, Tensor], Tensor]) -> None:
        super().__init__(Frame(1, 1, SIZE))
        torch.manual_seed(0)
        self.norm, self.head = nn.BatchNorm2d(1), nn.Conv2d(1, 1, 1)
        self.spoilt, self.calls = spoilt, -1

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        self.calls += 1
        error = (self.head(self.norm(batch.image)) - batch.annotations.mean(1)).square().mean()
        return {"error": self.spoilt(self.calls, error)}

    def needs(self, size: object) -> dict[str, Draw]:
        return {"shift": Draw("normal")}

    def forward(self, image: Tensor, noise: Mapping[str, Tensor]) -> Drawn:
        logits = self.head(self.norm(image)).unsqueeze(1) + noise["shift"][:, :, None, None, None]
        return Drawn(torch.sigmoid(logits))

    def stages(self) -> list[Stage]:
        return [Stage("gtr", self, self, self.loss)]


def trainer(out: Path, spoilt: Callable[[int, Tensor], Tensor], *, save_every: int = 5, steps: int = 40) -> Trainer:
    config = resolve("phantom").model_copy(
        update={"stages": {"gtr": StageConfig(steps=steps, batch=4, warmup=0)}, "save_every": save_every}
    )
    cases = Held(list(phantom_cases(0, 6)), 1)
    return Trainer(Toy(spoilt), config, cases, None, Run(out, {}))


def log(out: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("kind", ["loss", "gradient"])
def test_a_step_that_is_not_finite_is_left_out_counted_and_told(tmp_path: Path, kind: str) -> None:
    def spoilt(call: int, error: Tensor) -> Tensor:
        if call not in (3, 4, 17):
            return error
        # The loss alone is infinite, by a constant; or it is 0, and the square root's gradient is not.
        return error + float("inf") if kind == "loss" else torch.sqrt(error * 0)

    told: list[Progress] = []
    training = trainer(tmp_path / "run", spoilt, save_every=10)
    weights: list[Tensor] = []
    training.train(20, lambda progress: (told.append(progress), weights.append(training.method.head.weight.clone())))
    assert [progress.skipped for progress in told if progress.losses is not None] == [0, 2, 3]
    same = [step for step in range(1, 20) if torch.equal(weights[step], weights[step - 1])]
    assert same == [3, 4, 17], "of the steps from 0 on, those that were left out change nothing"
    assert [line["skipped"] for line in log(tmp_path / "run") if "skipped" in line] == [2, 3]
    assert training.skipped == 3
    again = trainer(tmp_path / "run", lambda call, error: error)
    again.train(22)
    assert again.skipped == 3, "of the whole training, also after it was resumed"


def test_an_activation_that_is_not_finite_leaves_the_running_statistics_as_they_were(tmp_path: Path) -> None:
    training = trainer(tmp_path / "run", lambda call, error: error)
    means: list[Tensor] = []

    healthy = training.method.norm.forward

    def sick(x: Tensor) -> Tensor:
        return healthy(x * float("nan") if len(means) == 2 else x)

    training.method.norm.forward = sick  # type: ignore[method-assign]
    training.train(4, lambda progress: means.append(training.method.norm.running_mean.clone()))
    assert training.skipped == 1
    assert torch.equal(means[2], means[1]) and not torch.equal(means[3], means[2])
    assert all(bool(torch.isfinite(value).all()) for value in training.method.state_dict().values())


def test_ten_in_a_row_end_the_training_and_the_last_good_checkpoint_is_kept(tmp_path: Path) -> None:
    training = trainer(tmp_path / "run", lambda call, error: error * float("nan") if call >= 7 else error)
    published: list[int] = []
    training.publish = lambda method, state: published.append(state["step"])
    wanted = (
        "stage gtr: loss or gradient were not finite in 10 steps or more in a row; the checkpoint of step 5 is kept; "
        r"lower stages.gtr.lr \(now 0.001\)"
    )
    with pytest.raises(TrainingError, match=wanted):
        training.train()
    assert published == [5], "steps 10 and 15 were due, but what was wrong may be the weights themselves"
    restored = Run(tmp_path / "run", {}).checkpoints.restore()
    assert restored is not None and restored[1].step == 5


def test_a_checkpoint_that_was_put_off_is_written_with_the_next_good_step(tmp_path: Path) -> None:
    training = trainer(tmp_path / "run", lambda call, error: error * float("nan") if call in (3, 4, 5) else error)
    saved: list[int] = []
    training.train(12, lambda progress: saved.append(progress.step) if progress.saved else None)
    assert saved == [7, 10, 12]


def test_no_checkpoint_is_spoken_of_where_there_is_none(tmp_path: Path) -> None:
    training = trainer(tmp_path / "run", lambda call, error: error * float("nan"))
    with pytest.raises(TrainingError, match="no checkpoint was written yet"):
        training.train()
    assert not list((tmp_path / "run").glob("checkpoint*"))


def test_a_validation_of_probabilities_that_are_not_finite_ends_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = trainer(tmp_path / "run", lambda call, error: error, steps=8)
    training.validation = training.judge.validation = training.cases
    monkeypatch.setattr(Toy, "forward", lambda *_: Drawn(torch.full((1, 16, 1, *SIZE), float("nan"))))
    with pytest.raises(TrainingError, match=r"gtr: validating after step 8: probabilities: .* step 5 is kept"):
        training.train()


def test_weights_that_are_not_finite_are_neither_saved_nor_published(tmp_path: Path) -> None:
    training = trainer(tmp_path / "run", lambda call, error: error)
    published: list[int] = []
    training.publish = lambda method, state: published.append(state["step"])

    def tell(progress: Progress) -> None:
        if progress.step == 7:
            training.method.head.weight.data.fill_(float("nan"))

    with pytest.raises(TrainingError, match=r"head.weight is not finite after step 10; .* step 5 is kept"):
        training.train(10, tell)
    assert published == [5]


def test_a_training_at_an_absurd_rate_ends_with_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["train", "phantom", "--set=stages.gtr.lr=1e8", "--set=method.gtr.widths=[8]", "--out", str(tmp_path / "r")]
    assert main([*words, "--device=cpu", "--set=stages.gtr.batch=4"]) == 2
    holds, told, last = capsys.readouterr().err.splitlines()
    assert " this training holds about " in holds
    assert told.endswith("gtr step 10: 9 steps were not finite: left out")
    assert last.startswith("atfm: stage gtr: loss or gradient were not finite in 10 steps or more in a row; no ")
    assert last.endswith("lower stages.gtr.lr (now 1e+08)")
    with pytest.raises(CheckpointError, match="train it first"):
        load(tmp_path / "r")
