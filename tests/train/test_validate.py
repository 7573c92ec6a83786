"""The score along the way is that of the metrics, however many samples are drawn at a time."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from atfm.data.case import Case
from atfm.data.held import Held
from atfm.methods.method import Frame, Method
from atfm.methods.samples import Samples
from atfm.metrics.scores import score_case
from atfm.seeding import Noise
from atfm.train import validate as module
from atfm.train.processes import Processes
from atfm.train.validate import validate


class Speckle(Method):
    """Marks pixels at random, in every other sample."""

    def __init__(self, channels: int) -> None:
        super().__init__(Frame(1, channels, (12, 9)))
        self.calls = 0

    def sample(self, image: Tensor, n: int, *, noise: Noise, first: int = 0) -> Samples:
        self.calls += 1
        marked = noise.uniform("marked", n, (1, 12, 9), first=first) < 0.1
        marked[:, [s for s in range(n) if (first + s) % 2]] = False
        one_hot = marked if self.channels == 1 else torch.cat([~marked, marked, torch.zeros_like(marked)], 2)
        return Samples(one_hot, one_hot.float())


@pytest.mark.parametrize("classes", [1, 3])
@pytest.mark.parametrize("at_once", [1, 2 * 12 * 9, 2**24])
def test_the_scores_are_those_of_whole_images(classes: int, at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    cases = []
    for number in range(3):
        masks = rng.integers(0, max(classes, 2), (3, 12, 9), np.uint8) * (rng.random((3, 12, 9)) < 0.2)
        if number == 2:
            masks[:] = 0
        cases.append(Case(rng.random((1, 12, 9), np.float32), masks.astype(np.uint8), f"c{number}", "p"))
    method, rows = Speckle(classes), []
    for case in cases:
        drawn = method.sample(torch.rand(1, 1, 12, 9), 6, noise=Noise(5, [case.case_id])).masks[0].numpy()
        labels = case.masks[:, None]
        annotations = labels > 0 if classes == 1 else labels == np.arange(classes)[:, None, None]
        rows.append(score_case(drawn, annotations, ns=(6,)))
    monkeypatch.setattr(module, "_AT_ONCE", at_once)
    method.calls = 0
    scores = validate(method, Held(cases, classes), 6, 5)
    assert scores.keys() == {"ged", "ged_6", "hm_iou_6", "diversity", "annotator_diversity"}
    for name, value in scores.items():
        assert value == pytest.approx(np.mean([row[name] for row in rows]), abs=1e-12)
    assert method.calls == 3 * {1: 6, 2 * 12 * 9: 3, 2**24: 1}[at_once]


class Weighted(Speckle):
    """Its samples carry weights, which of every two have the same sum."""

    shares = torch.tensor([0.3, 0.1, 0.2, 0.2, 0.35, 0.05])

    def sample(self, image: Tensor, n: int, *, noise: Noise, first: int = 0) -> Samples:
        drawn = super().sample(image, n, noise=noise, first=first)
        weights = self.shares[first : first + n]
        return replace(drawn, weights=(weights / weights.sum()).unsqueeze(0))


@pytest.mark.parametrize("at_once", [2 * 12 * 9, 2**24])
def test_samples_count_by_their_weights(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    case = Case(rng.random((1, 12, 9), np.float32), (rng.random((3, 12, 9)) < 0.1).astype(np.uint8), "c", "p")
    method = Weighted(1)
    drawn = method.sample(torch.rand(1, 1, 12, 9), 6, noise=Noise(5, ["c"])).masks[0].numpy()
    row, plain = (score_case(drawn, case.masks[:, None] > 0, weights=w, ns=(6,)) for w in (method.shares / 1.2, None))
    monkeypatch.setattr(module, "_AT_ONCE", at_once)
    scores = validate(method, Held([case], 1), 6, 5)
    assert scores["ged_6"] == pytest.approx(row["ged_6"], rel=1e-6) and row["ged_6"] != pytest.approx(plain["ged_6"])
    assert scores["hm_iou_6"] == pytest.approx(row["hm_iou_6"], rel=1e-6)


class Half(Processes):
    """One of two processes, the other of which has found nothing to score."""

    def gather_objects(self, own: object) -> list[object]:
        return [own, [{}]]


def test_processes_share_the_cases() -> None:
    rng = np.random.default_rng(2)
    cases = [
        Case(rng.random((1, 12, 9), np.float32), (rng.random((3, 12, 9)) < 0.1).astype(np.uint8), f"c{number}", "p")
        for number in range(3)
    ]
    method = Speckle(1)
    scores = validate(method, Held(cases, 1), 6, 5, processes=Half(0, 2))
    assert method.calls == 2, "the first and the third"
    assert scores == validate(Speckle(1), Held([cases[0], cases[2]], 1), 6, 5)
