"""Points that cover a set, and how far from them is too far."""

import base64

import numpy as np
import pytest
from pydantic import ValidationError

from atfm.data.ood.coreset import Coreset, halves, nearest, spread


def ring(count: int, seed: int) -> np.ndarray:
    """Points on a circle: a shape that no single mean and covariance describe."""
    g = np.random.default_rng(seed)
    angle = g.uniform(0, 2 * np.pi, count)
    return 0.5 + 0.35 * np.stack([np.cos(angle), np.sin(angle)], 1) + g.normal(0, 0.01, (count, 2))


def test_what_is_like_the_training_is_seldom_far_and_the_middle_of_a_ring_is() -> None:
    coreset = Coreset.of(ring(3000, 0), [str(i) for i in range(3000)])
    assert (coreset.excess(ring(5000, 1)) > 1).mean() < 0.02
    assert coreset.excess(np.array([[0.5, 0.5], [0.0, 0.0]])).min() > 2


def test_few_images_give_a_wider_limit() -> None:
    limits = [Coreset.of(ring(count, 0), [str(i) for i in range(count)]).limit for count in (20, 200, 2000)]
    assert limits[0] > limits[1] > limits[2]


def test_the_limit_comes_from_other_patients_than_the_points() -> None:
    patients = [f"p{i // 5}" for i in range(100)]
    first = halves(patients)
    assert {p for p, known in zip(patients, first, strict=True) if known}.isdisjoint(
        p for p, known in zip(patients, first, strict=True) if not known
    )
    assert 40 <= first.sum() <= 60
    assert halves(["one"] * 4).tolist() == [True, False, True, False]


def test_each_point_is_the_farthest_from_those_before() -> None:
    line = np.array([[0.0], [0.1], [1.0], [0.55], [0.1]])
    assert spread(line, 3).ravel().tolist() == [0.0, 1.0, 0.55]
    assert len(spread(line, 10)) == 4  # the same point twice covers nothing more
    np.testing.assert_allclose(nearest(np.array([[0.2], [0.9]]), line), [0.1, 0.1])


def test_json_keeps_it(tmp_path) -> None:
    coreset = Coreset.of(ring(100, 0), [str(i) for i in range(100)])
    again = Coreset.model_validate_json(coreset.model_dump_json())
    np.testing.assert_array_equal(again.excess(ring(10, 2)), coreset.excess(ring(10, 2)))


@pytest.mark.parametrize("points", ["?", "", base64.b64encode(bytes(3)).decode()])
def test_points_that_are_none(points: str) -> None:
    with pytest.raises(ValidationError, match="points"):
        Coreset(points=points, width=2, limit=0.1, low=(0, 0), high=(1, 1))
