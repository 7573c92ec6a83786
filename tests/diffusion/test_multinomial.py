"""Categorical diffusion against transition matrices multiplied out and Bayes' rule enumerated."""

import pytest
import torch
from torch import Tensor
from torch.distributions import Categorical, kl_divergence
from torch.nn import functional as F

from atfm.diffusion.multinomial import categorical_kl, marginal, pick, posterior, predicted
from atfm.diffusion.schedule import Schedule, cosine

pytestmark = pytest.mark.usefixtures("float64")


def transitions(schedule: Schedule, first: int, last: int, classes: int) -> Tensor:
    """`Q[i, m]`, the probability of `x_last = m` given `x_first = i`, step by step."""
    whole = torch.eye(classes)
    for k in range(first + 1, last + 1):
        keep = schedule.values[k] / schedule.values[k - 1]
        whole = whole @ (keep * torch.eye(classes) + (1 - keep) / classes)
    return whole


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_the_marginal_is_the_product_of_the_steps(classes: int) -> None:
    schedule = cosine(10)
    for k in range(11):
        found = marginal(torch.eye(classes), schedule.values[k])
        torch.testing.assert_close(found, transitions(schedule, 0, k, classes))


@pytest.mark.parametrize("classes", [2, 3, 5])
@pytest.mark.parametrize(("j", "k"), [(0, 1), (0, 7), (1, 2), (4, 9), (9, 10)])
def test_both_posteriors_are_bayes_rule_enumerated(classes: int, j: int, k: int) -> None:
    schedule = cosine(10)
    to_j, to_k = transitions(schedule, 0, j, classes), transitions(schedule, j, k, classes)
    p_0 = torch.rand(classes, generator=torch.Generator().manual_seed(0)).softmax(0)
    for seen in range(classes):
        x_k = F.one_hot(torch.tensor([seen]), classes).double()
        total = torch.zeros(classes)
        for c in range(classes):
            bayes = torch.stack([to_j[c, i] * to_k[i, seen] for i in range(classes)])
            bayes = bayes / bayes.sum()
            x_0 = F.one_hot(torch.tensor([c]), classes).double()
            torch.testing.assert_close(posterior(x_k, x_0, schedule.values[j], schedule.values[k])[0], bayes)
            total = total + p_0[c] * bayes
        torch.testing.assert_close(predicted(x_k, p_0[None], schedule.values[j], schedule.values[k])[0], total)


def test_levels_may_differ_from_row_to_row() -> None:
    x_k, p_0 = F.one_hot(torch.randint(3, (2, 4, 4))).movedim(-1, 1).double(), torch.rand(2, 3, 4, 4).softmax(1)
    ab_j, ab_k = torch.tensor([0.9, 0.6]), torch.tensor([0.8, 0.1])
    both = predicted(x_k, p_0, ab_j, ab_k)
    for row in range(2):
        alone = predicted(x_k[row : row + 1], p_0[row : row + 1], float(ab_j[row]), float(ab_k[row]))
        torch.testing.assert_close(both[row : row + 1], alone)
    torch.testing.assert_close(both.sum(1), torch.ones(2, 4, 4))


def test_where_nothing_is_known_noise_changes_nothing() -> None:
    torch.testing.assert_close(marginal(torch.full((1, 4), 0.25), 0.3), torch.full((1, 4), 0.25))


def test_the_divergence_is_torchs() -> None:
    p, q = torch.rand(2, 3, 4).softmax(1), torch.rand(2, 3, 4).softmax(1)
    expected = kl_divergence(Categorical(p.movedim(1, -1)), Categorical(q.movedim(1, -1)))
    torch.testing.assert_close(categorical_kl(p, q).squeeze(1), expected)
    sure = F.one_hot(torch.tensor([1]), 3).double()
    assert categorical_kl(sure, sure).item() == 0


def test_evenly_spread_numbers_pick_classes_as_often_as_they_are_probable() -> None:
    probabilities = torch.tensor([0.1, 0.0, 0.6, 0.3])
    numbers = (torch.arange(1000) + 0.5) / 1000
    drawn = pick(probabilities.repeat(1000, 1), numbers)
    assert (drawn.sum(1) == 1).all() and drawn.sum(0).tolist() == [100, 0, 600, 300]
