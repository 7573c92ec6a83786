import numpy as np
import pytest

from atfm.hypotheses.grouping import group, silhouette


def test_silhouette_is_that_of_a_loop() -> None:
    rng = np.random.default_rng(0)
    points, labels = rng.random((12, 2)), np.array([0] * 5 + [1] * 6 + [2])
    distance = np.linalg.norm(points[:, None] - points, axis=-1)
    scores = []
    for i in range(11):
        mine = [distance[i, j] for j in range(12) if labels[j] == labels[i] and j != i]
        others = [distance[i, labels == label].mean() for label in range(3) if label != labels[i]]
        scores.append((min(others) - np.mean(mine)) / max(min(others), np.mean(mine)))
    scores.append(0.0)  # alone in its group
    assert silhouette(distance, labels) == pytest.approx(np.mean(scores), abs=1e-12)


def test_the_rest_join_the_makers_that_are_nearest_on_average() -> None:
    """A naive loop over the groups of the even samples."""
    rng = np.random.default_rng(1)
    points = np.concatenate([rng.normal(0, 1, 15), rng.normal(8, 1, 15), rng.normal(20, 1, 10)])
    points = rng.permutation(points)
    distance = np.abs(points[:, None] - points)
    numbers = np.sort(rng.choice(100, 40, replace=False))
    label = group(distance, numbers, 5, 0.5)
    assert len(set(label)) == 3
    for i in range(40):
        makers = {one: [j for j in range(40) if numbers[j] % 2 == 0 and label[j] == one] for one in set(label)}
        mean = {one: np.mean([distance[i, j] for j in made]) for one, made in makers.items()}
        assert numbers[i] % 2 == 0 or mean[label[i]] == pytest.approx(min(mean.values()))
    moved = points.copy()
    moved[numbers % 2 == 1] = 20.5  # whatever the rest are, they make no group
    again = group(np.abs(moved[:, None] - moved), numbers, 5, 0.5)
    np.testing.assert_array_equal(again[numbers % 2 == 0], label[numbers % 2 == 0])
    assert len(set(again[numbers % 2 == 1])) == 1


def test_without_makers_all_are_one() -> None:
    np.testing.assert_array_equal(group(np.ones((2, 2)) - np.eye(2), np.array([3, 7]), 5, -1), [1, 1])
