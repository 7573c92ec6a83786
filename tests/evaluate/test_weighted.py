"""Samples with weights, from a method to the rows, the summary and the report."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch

from atfm.data.labels import one_hot
from atfm.evaluate.parts import Parts
from atfm.evaluate.plan import prepare
from atfm.evaluate.published import save
from atfm.evaluate.score import evaluate, join, score_part
from atfm.methods.method import Method
from atfm.methods.samples import Samples
from atfm.metrics.scores import score_case
from atfm.seeding import Noise


class Experts(Method):
    """Another method's samples, of which the second half counts three times as much as the first."""

    def __init__(self, inner: Method) -> None:
        super().__init__(inner.frame)
        self.inner = inner

    def sample(self, image, n, *, noise, first=0):
        masks = self.inner.sample(image, n, noise=noise, first=first).masks
        return Samples(masks, masks.float(), share(n).expand(len(image), n))


def share(n: int) -> torch.Tensor:
    raw = torch.where(torch.arange(n) < n // 2, 1.0, 3.0)
    return raw / raw.sum()


@pytest.fixture(scope="module")
def experts(discs) -> Method:
    return Experts(discs)


def test_every_score_respects_the_weights(store, discs, experts, model) -> None:
    plan = prepare(model(experts), store, samples=6, limit=4, references=False)
    found = evaluate(model(experts), store, samples=6, limit=4, references=False)
    for row, i in zip(found.result.rows, plan.chosen, strict=True):
        case = store[i]
        masks = discs.sample(torch.from_numpy(case.image)[None], 6, noise=Noise(0, [case.case_id])).masks[0]
        mean = torch.einsum("s,s...->...", share(6), masks.float())
        wanted = score_case(masks, one_hot(case.masks, 1), mean, weights=share(6), ns=(1, 2, 4, 6))
        assert row.scores == pytest.approx(wanted)
        assert row.scores["effective_samples"] == pytest.approx(1 / float((share(6) ** 2).sum()))
        assert row.scores["ged"] != pytest.approx(score_case(masks, one_hot(case.masks, 1), ns=(6,))["ged"])


def test_the_file_has_their_effective_number_and_of_others_a_blank(
    store, discs, experts, model, tmp_path: Path
) -> None:
    found = evaluate(model(experts), store, samples=6, limit=2, beside=[model(discs, "equal")])
    save(found, tmp_path, "")
    with (tmp_path / "rows.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["effective_samples"] for row in rows[:4]] == ["4.8", "", "", ""]
    page = (tmp_path / "report.html").read_text()
    assert "effective samples" in page and "Samples carry weights" in page


def test_parts_keep_them(store, experts, model, tmp_path: Path) -> None:
    plan = prepare(model(experts), store, samples=6, limit=5, batch=2)
    parts = Parts(tmp_path / "parts", plan.identity())
    score_part(plan, parts, plan.batches[1:], "2")
    score_part(plan, parts, plan.batches[:1], "1")
    whole = evaluate(model(experts), store, samples=6, limit=5, batch=2)
    assert [result.scores for result in join(plan, parts).results] == [result.scores for result in whole.results]


def test_the_bound_of_equal_samples_is_not_theirs(store, discs, model) -> None:
    """The first 32 of 100 samples hold nearly no weight but one's: GED falls far from 32 to 100, and rightly so."""

    class Late(type(discs)):
        def sample(self, image, n, *, noise, first=0):
            masks = super().sample(image, n, noise=noise, first=first).masks
            weights = torch.full((n,), 1.0)
            weights[1:32] = 1e-6
            return Samples(masks, masks.float(), (weights / weights.sum()).expand(len(image), n))

    found = evaluate(model(Late()), store, samples=100, limit=12, references=False)
    fall = np.mean([row.scores["ged_32"] - row.scores["ged_100"] for row in found.result.rows])
    assert fall > 0.1 and not [warning for warning in found.warnings if "patients are few" not in warning]
