"""MoSE's transport against the linear programme itself, solved by scipy."""

import numpy as np
import pytest
import torch
from scipy.optimize import linprog

from atfm.methods.mose.transport import Solver, exact, greedy, nearest


def solved(cost: np.ndarray, gamma: float) -> float:
    """The least `<P, C>`: every annotation gives all of its `1 / K`, no sample takes more than `gamma`."""
    samples, annotations = cost.shape
    gives = np.kron(np.ones((1, samples)), np.eye(annotations))
    takes = np.kron(np.eye(samples), np.ones((1, annotations)))
    found = linprog(
        cost.ravel(), A_ub=takes, b_ub=np.full(samples, gamma), A_eq=gives, b_eq=np.full(annotations, 1 / annotations)
    )
    assert found.success
    return float(found.fun)


def costs(samples: int, annotations: int) -> list[np.ndarray]:
    rng = np.random.default_rng(3)
    return [rng.random((samples, annotations)) for _ in range(12)]


SHAPES = [(16, 4, 0.5), (4, 4, 0.25), (5, 3, 0.5), (3, 4, 1 / 3), (6, 1, 0.5), (2, 5, 0.5), (3, 2, 1.0)]


@pytest.mark.parametrize(("samples", "annotations", "gamma"), SHAPES)
@pytest.mark.parametrize("solver", [exact, greedy])
def test_all_mass_moves_and_no_sample_takes_too_much(
    solver: Solver, samples: int, annotations: int, gamma: float
) -> None:
    for cost in costs(samples, annotations):
        plan = solver(cost, gamma)
        assert plan.shape == cost.shape and plan.min() >= 0
        np.testing.assert_allclose(plan.sum(0), 1 / annotations, atol=1e-12)
        assert plan.sum(1).max() <= gamma + 1e-12


@pytest.mark.parametrize(("samples", "annotations", "gamma"), SHAPES)
def test_the_exact_one_costs_what_the_programme_costs(samples: int, annotations: int, gamma: float) -> None:
    for cost in costs(samples, annotations):
        assert (exact(cost, gamma) * cost).sum() == pytest.approx(solved(cost, gamma), abs=1e-9)
        assert (greedy(cost, gamma) * cost).sum() >= solved(cost, gamma) - 1e-9


def test_the_published_one_is_not_optimal_where_two_annotations_want_one_sample() -> None:
    cost = np.array([[0.0, 0.1], [0.2, 0.9]])  # the first annotation takes the sample that the second needs more
    assert (greedy(cost, 0.5) * cost).sum() == pytest.approx(0.45)
    assert (exact(cost, 0.5) * cost).sum() == pytest.approx(solved(cost, 0.5)) == pytest.approx(0.15)


def test_without_a_bound_each_annotation_goes_to_its_nearest_sample() -> None:
    for cost in costs(6, 4):
        shares = torch.tensor([[0.25, 0.25, 0.25, 0.25]], dtype=torch.float64)
        plan = nearest(torch.from_numpy(cost)[None], shares)[0].numpy()
        assert (plan * cost).sum() == pytest.approx(solved(cost, 1.0), abs=1e-9)
    padded = nearest(torch.rand(1, 3, 3), torch.tensor([[0.5, 0.5, 0.0]]))
    torch.testing.assert_close(padded.sum(1), torch.tensor([[0.5, 0.5, 0.0]]))


def test_a_bound_that_is_no_plain_fraction_is_refused() -> None:
    with pytest.raises(ValueError, match="fraction with a denominator up to 64"):
        exact(np.ones((4, 4)), 0.123456789)
