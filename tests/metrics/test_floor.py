"""The floor on the phantom, whose law is known: what readers share beyond the image is a finite sum there."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from atfm.data.phantom.grey import part_probability, phantom_case, presence_probability
from atfm.data.phantom.law import Law
from atfm.metrics.floor import floor_of
from atfm.metrics.overlap import pairwise_iou
from atfm.metrics.scores import score_case

CASES, READERS, SAMPLES = 250, 4, 16


@cache
def law_of(number: int) -> Law:
    """The phantom's law by its branches: nothing there, the lesion without its part, and with it."""
    case = phantom_case(5, number, size=16)
    there, part = presence_probability(case.contrast), part_probability(case.part_contrast)
    depths = np.stack([np.full_like(case.depth, -np.inf), case.depth / case.blur, case.depth_with_part / case.blur])
    return Law(np.array([1 - there, there * (1 - part), there * part]), depths[:, None])


def diversity(law: Law) -> float:
    """The mean distance of two readers of a law, a finite sum."""
    masks, odds = law.outcomes()
    masks, odds = masks[odds > 1e-9, None] > 0, odds[odds > 1e-9]
    return float(odds @ (1 - pairwise_iou(masks, masks)) @ odds)


@cache
def shared() -> float:
    """`F` of readers who all take one branch, unseen in the image: D of the law less the mean D of a branch."""
    found = []
    for number in range(CASES):
        law = law_of(number)
        alone = [diversity(replace(law, odds=np.ones(1), depths=law.depths[[branch]])) for branch in range(3)]
        found.append(diversity(law) - law.odds @ alone)
    return float(np.mean(found))


def rows(together: bool, *, model: str = "the law") -> list[dict[str, float | str]]:
    """Scores of the model that draws the law of the readers, or of one that draws each mask of another image's law."""
    found: list[dict[str, float | str]] = []
    for number in range(CASES):
        rng = np.random.default_rng([7, number])
        law = law_of(number)
        drawn_from = law if model == "the law" else law_of((number + 1) % CASES)
        samples = drawn_from.annotate(SAMPLES, rng)
        if together:
            branch = rng.choice(len(law.odds), p=law.odds)
            readers = np.stack([law.labels(rng.standard_normal(), branch) for _ in range(READERS)])
        else:
            readers = law.annotate(READERS, rng)
        row = score_case(samples[:, None] > 0, readers[:, None] > 0, ns=(SAMPLES,))
        found.append({"patient": str(number), **row})
    return found


def test_of_independent_readers_the_floor_is_0() -> None:
    floor = floor_of(rows(together=False))
    assert floor is not None and floor.above.low < 0 < floor.above.high
    assert abs(floor.below.mean) < 0.01


def test_readers_who_share_a_branch_have_a_floor_that_no_model_can_pass() -> None:
    """The perfect model's GED is not 0 but F; D_sr - D_ss vanishes all the same, and both bounds hold."""
    truth = shared()
    drawn = rows(together=True)
    floor = floor_of(drawn)
    assert truth > 0.05 and floor is not None
    assert floor.above.low < truth < floor.above.high and floor.above.low > 0
    assert 0 < floor.below.mean < truth
    first = np.mean([float(row["d_sr"]) - float(row["diversity"]) for row in drawn])
    second = np.mean([float(row["d_sr"]) - float(row["annotator_diversity"]) for row in drawn])
    assert first == pytest.approx(0, abs=0.03) and second == pytest.approx(truth, abs=0.05)
    assert first + second == pytest.approx(floor.above.mean)


def test_a_model_of_other_images_is_far_above_the_floor() -> None:
    floor = floor_of(rows(together=True, model="another"))
    truth = shared()
    assert floor is not None and floor.above.low > truth + 0.1


def test_the_gain_is_that_of_mixed_samples() -> None:
    """A naive mixture: each draw a reader's mask with probability a, else a sample; its energy score for the others."""
    rng = np.random.default_rng(0)
    s, r = rng.random((6, 1, 4, 4)) < 0.5, rng.random((3, 1, 4, 4)) < 0.4
    row = score_case(s, r, ns=(6,))
    ss, sr, rr = (1 - pairwise_iou(*pair) for pair in ((s, s), (s, r), (r, r)))
    apart = [(i, j) for i in range(6) for j in range(6) if i != j]
    d_ss = np.mean([ss[i, j] for i, j in apart])
    for a in (0.0, 0.3, 0.8):
        scores = []
        for one in range(3):
            for other in range(3):
                if one != other:
                    across = a * rr[one, other] + (1 - a) * sr[:, other].mean()
                    within = 2 * a * (1 - a) * sr[:, one].mean() + (1 - a) ** 2 * d_ss
                    scores.append(2 * across - within)
        v = 2 * row["d_sr"] - row["diversity"]
        assert v - np.mean(scores) == pytest.approx(2 * a * row["ged"] - a**2 * v)


def test_without_a_ged_there_is_no_floor() -> None:
    assert floor_of([{"patient": "a", "d_sr": 0.5}]) is None and floor_of([]) is None
    one = floor_of([{"patient": "a", "ged": 0.1, "d_sr": 0.4, "diversity": 0.3}])
    assert one is not None and one.share == pytest.approx(0.2) and one.below.mean == pytest.approx(0.02)
