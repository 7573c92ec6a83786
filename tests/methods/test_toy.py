"""A method is one file and a line of `METHODS`: this one is written here, and everything else works with it."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from atfm.cli.main import main
from atfm.data.batch import Batch
from atfm.data.held import Held
from atfm.data.store import Store
from atfm.importers import build_store, plan_phantom
from atfm.methods import METHODS, Drawn, Entry, Frame, Method, MethodConfig, Stage, StageConfig
from atfm.metrics.scores import score_case
from atfm.models import load
from atfm.seeding import Draw, Noise
from atfm.train.validate import validate

# The method: a mixture of experts, each one mask, of which a gate says how likely it is. Here the file begins ...


class Toy(Method):
    """Experts that share features with batch norm, and a gate; four stages."""

    def __init__(self, frame: Frame, width: int, experts: int, weighted: bool) -> None:
        super().__init__(frame)
        self.experts, self.weighted = experts, weighted
        self.features = nn.Sequential(
            nn.Conv2d(frame.in_channels, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU()
        )
        self.mean = nn.Conv2d(width, 1, 1)
        self.offsets = nn.Conv2d(width, experts, 1)
        self.gate = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, experts))

    def stages(self) -> list[Stage]:
        first = nn.ModuleList([self.features, self.mean])
        return [
            Stage("mean", self, first, self.mean_loss),
            Stage("offsets", self, self.offsets, self.loss),
            Stage("gate", self, self.gate, self.loss),
            Stage("all", self, self, self.loss),
        ]

    def mean_loss(self, batch: Batch) -> dict[str, Tensor]:
        logits = self.mean(self.features(self.focus(batch.image)))
        target = self.focus(batch.annotations).mean(1)
        return {"mean": F.binary_cross_entropy_with_logits(logits, target)}

    def logits(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of each expert `[B, E, *window]`, and of the gate `[B, E]`."""
        features = self.features(image)
        return self.mean(features) + self.offsets(features), self.gate(features)

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        logits, gate = self.logits(self.focus(batch.image))
        target = self.focus(batch.annotations)  # [B, K, 1, *window]
        each = F.binary_cross_entropy_with_logits(
            logits.unsqueeze(1).expand(-1, target.shape[1], -1, -1, -1),
            target.expand(-1, -1, self.experts, -1, -1),
            reduction="none",
        ).mean((3, 4))  # [B, K, E]
        return {"mixture": -(gate.log_softmax(1).unsqueeze(1) - each).logsumexp(2).mean()}

    def needs(self, size: Sequence[int]) -> dict[str, Draw]:
        if self.weighted:
            return {"expert": Draw("categorical", categories=self.experts)}
        return {"expert": Draw("gumbel", (self.experts,))}

    def forward(self, image: Tensor, noise: Mapping[str, Tensor]) -> Drawn:
        logits, gate = self.logits(image)
        share = gate.softmax(1)
        chosen = noise["expert"] if self.weighted else (gate.unsqueeze(1) + noise["expert"]).argmax(2)  # [B, S]
        rows = torch.arange(len(image), device=image.device).unsqueeze(1)
        probabilities = logits.sigmoid()[rows, chosen].unsqueeze(2)
        if not self.weighted:
            return Drawn(probabilities)
        weights = share[rows, chosen]
        return Drawn(probabilities, weights / weights.sum(1, keepdim=True))


class ToyConfig(MethodConfig):
    name: Literal["toy"] = "toy"
    widths: tuple[int, ...] = (8,)
    experts: int = 3
    weighted: bool = False

    def build(self, frame: Frame) -> Toy:
        return Toy(frame, self.widths[0], self.experts, self.weighted)


PLAN = StageConfig(steps=4, batch=4, lr=1e-2, warmup=1, ema=0.5)
STAGES = ("mean", "offsets", "gate", "all")
ENTRY = Entry(
    config=ToyConfig,
    about="A mixture of experts.",
    reference="nobody, nowhere",
    presets={
        "toy": {
            "phantom": "grey",
            "method": ToyConfig(),
            "stages": dict.fromkeys(STAGES, PLAN),
            "save_every": 3,
            "validate_every": 8,
            "validate_cases": 2,
            "validate_samples": 4,
        }
    },
)

# ... and here it ends. The line of METHODS:


@pytest.fixture(autouse=True, scope="module")
def listed() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(METHODS, "toy", ENTRY)
        patch.setattr("atfm.train.clock._LEAST", 0.0)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, listed: None) -> Path:
    """A `store`, and a `run` that was stopped within the second stage and went on."""
    path = tmp_path_factory.mktemp("toy")
    build_store(plan_phantom(cases=40, test_annotators=4), path / "store")
    for words in (["--max-steps", "6"], []):
        assert train(path, "run", *words) == 0
    return path


def train(path: Path, out: str, *words: str) -> int:
    return main(["train", "toy", "--data", str(path / "store"), "--out", str(path / out), "--device", "cpu", *words])


def answer(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    capsys.readouterr()
    assert main([*words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_it_trains_four_stages_validates_and_resumes_bit_equal(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = answer(capsys, "train", "toy", "--data", str(folder / "store"), "--out", str(folder / "whole"))
    assert (whole["steps"], whole["total"]) == (16, 16) and whole["validation"]["ged_4"] > 0
    resumed, straight = (load(folder / name).method.state_dict() for name in ("run", "whole"))
    assert all(torch.equal(value, straight[name]) for name, value in resumed.items())
    log = [json.loads(line) for line in (folder / "whole" / "log.jsonl").read_text().splitlines()]
    assert tuple(dict.fromkeys(line["stage"] for line in log if "stage" in line)) == STAGES


def test_batch_norm_is_averaged_counted_and_at_rest_where_it_is_not_trained(folder: Path) -> None:
    method = load(folder / "run").method
    norm = method.features[1]  # type: ignore[index]
    assert int(norm.num_batches_tracked) == 8  # in the stages "mean" and "all"
    assert not torch.equal(norm.running_mean, torch.zeros_like(norm.running_mean))
    assert not method.training


def test_it_is_published_and_loaded(folder: Path) -> None:
    model = load(folder / "run")
    assert type(model.method) is Toy and model.card["config"]["method"]["name"] == "toy"
    drawn = model.method.sample(torch.rand(1, 1, 32, 32), 200, noise=Noise(0, ["a"]))
    assert len(drawn.probabilities[0].unique(dim=0)) == 3, "one for each expert"


def test_a_stage_is_taken_by_name(folder: Path) -> None:
    assert train(folder, "taken", "--seed", "1", "--take", f"mean={folder / 'run'}", "--set", "stages.all.steps=0") == 0
    taken, run = (load(folder / name).method.state_dict() for name in ("taken", "run"))
    assert all(torch.equal(taken[name], run[name]) for name in run if name.startswith(("features.", "mean.")))
    assert not torch.equal(taken["offsets.weight"], run["offsets.weight"])


def test_mistakes_name_its_own_fields_and_stages(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words, said in (
        (["--set", "method.expert=2"], "'method.experts'"),
        (["--set", "stages.gat.steps=2"], "did you mean 'gate'"),
        (["--take", "gats=lidc"], "mean, offsets, gate, all"),
    ):
        assert train(folder, "wrong", *words) == 2
        assert said in capsys.readouterr().err


def test_it_draws_files(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 255, (32, 32), np.uint8)).save(folder / "image.png")
    answer(capsys, "sample", str(folder / "run"), str(folder / "image.png"), "--n", "4", "--out", str(folder / "drawn"))
    assert list((folder / "drawn").rglob("*.png"))


def test_it_is_evaluated(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--samples", "4", "--out", str(folder / "evaluation")]
    found = answer(capsys, "evaluate", str(folder / "run"), str(folder / "store"), *words)
    assert found["method"] == "toy" and found["cases"] == 4 and 0 <= found["scores"]["ged_4"]["mean"] <= 2


def test_it_is_ablated(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--out", str(folder / "study"), "--seeds", "0", "--limit", "2", "--samples", "4", "--budget", "10"]
    rows = ["--row", "two", "method.experts=2", "--row", "no-tuning", "stages.all.steps=0"]
    found = answer(capsys, "ablate", "--preset", "toy", "--data", str(folder / "store"), *words, *rows)
    assert [(row["row"], row["steps"]) for row in found["rows"]] == [
        ("reference", None), ("two", None), ("no-tuning", None)
    ]  # fmt: skip
    (two,), (tuned,) = ((folder / "study").glob(f"{row}-*-seed-0") for row in ("two", "no-tuning"))
    assert load(two).method.experts == 2
    assert load(tuned).card["training"]["total"] == 30
    limits = answer(
        capsys, "ablate", "--preset", "toy", "--section", "limits", "--data", str(folder / "store"), *words,
        "--rows", "reference", "width-more", "patients-quarter",
    )  # fmt: skip
    assert [row["row"] for row in limits["rows"]] == ["reference", "patients-quarter", "width-more"]
    (wide,) = (folder / "study").glob("width-more-*-seed-0")
    assert load(wide).method.mean.in_channels == 16  # 12, in multiples of 8


def test_it_is_benched_and_listed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--batch", "2", "--train-steps", "1", "--repeats", "1", "--samples", "10", "--no-memory"]
    found = answer(
        capsys, "bench", "--model", str(folder / "run"), "--against", "toy", "--device", "cpu", "--threads", "1", *words
    )
    convolutions = 2 * 32 * 32 * (9 * 8 + 8 + 8 * 3) + 2 * 8 * 3
    assert found["ours"]["gflop"] == pytest.approx(convolutions / 1e9)
    assert found["ours"]["gflop_each"] == 0, "all samples come of one look at the image"
    assert tuple(found["training"]) == STAGES and [point["name"] for point in found["steps"]] == ["as it is"]
    listed = answer(capsys, "methods", "toy")["toy"]
    assert listed["stages"] == list(STAGES) and listed["reference"] == "nobody, nowhere"
    parameters = sum(value.numel() for value in load(folder / "run").method.parameters())
    assert listed["presets"]["toy"]["parameters"] == parameters


def test_samples_with_weights_are_scored_by_them(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train(folder, "weighted", "--set", "method.weighted=true") == 0
    model = load(folder / "weighted")
    drawn = model.method.sample(torch.rand(2, 1, 32, 32), 50, noise=Noise(0, ["a", "b"]))
    assert drawn.weights is not None
    torch.testing.assert_close(drawn.weights.sum(1), torch.ones(2))
    expected = (drawn.masks.float() * drawn.weights[:, :, None, None, None]).sum(1)
    torch.testing.assert_close(drawn.mean_probability, expected)
    store = Store.open(folder / "store")
    by_hand = {}
    for number in store.split("test"):
        case = store[number]
        drawn = model.method.sample(torch.from_numpy(case.image)[None], 4, noise=Noise(0, [case.case_id]))
        assert drawn.weights is not None
        masks, readers = drawn.masks[0], case.masks[:, None] > 0
        by_hand[case.case_id] = score_case(masks, readers, weights=drawn.weights[0], ns=(4,))["ged_4"]
        assert by_hand[case.case_id] != score_case(masks, readers, ns=(4,))["ged_4"]
    words = ["--samples", "4", "--out", str(folder / "evaluation-weighted")]
    found = answer(capsys, "evaluate", str(folder / "weighted"), str(folder / "store"), *words)
    mean = sum(by_hand.values()) / len(by_hand)
    assert found["scores"]["ged_4"]["mean"] == pytest.approx(mean, abs=1e-6)
    cases = Held([store[number] for number in store.split("test")], 1)
    assert validate(model.method, cases, 4, 0)["ged_4"] == pytest.approx(mean, abs=1e-4)  # images of 8 bits
