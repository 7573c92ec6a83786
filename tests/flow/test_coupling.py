"""Optimal assignment against all permutations; equal shares by counting."""

import itertools

import torch

from atfm.flow.coupling import equal_shares, independent, optimal


def test_optimal_is_the_best_of_all_permutations() -> None:
    g = torch.Generator().manual_seed(0)
    x_0, x_1 = torch.rand(3, 4, 1, 2, 3, generator=g), torch.rand(3, 4, 1, 2, 3, generator=g).round()
    index = optimal(x_0, x_1, torch.ones(3, 4, dtype=torch.bool), g)
    for b in range(3):
        cost = lambda order: sum((x_0[b, s] - x_1[b, k]).square().sum().item() for s, k in enumerate(order))  # noqa: B023, E731
        best = min(cost(order) for order in itertools.permutations(range(4)))
        assert abs(cost(index[b].tolist()) - best) < 1e-5
        assert sorted(index[b].tolist()) == [0, 1, 2, 3]


def test_annotations_serve_equally_often_whatever_their_number() -> None:
    present = torch.tensor([[True, True, True, True], [True, False, True, False], [False, False, True, False]])
    for couple in (independent, optimal):
        index = couple(torch.rand(3, 8, 1, 2, 2), torch.rand(3, 4, 1, 2, 2), present)
        valid = [torch.bincount(row, minlength=4).tolist() for row in index]
        assert valid == [[2, 2, 2, 2], [4, 0, 4, 0], [0, 0, 8, 0]]


def test_who_serves_once_more_is_left_to_chance() -> None:
    g = torch.Generator().manual_seed(0)
    valid = torch.stack(
        [torch.bincount(equal_shares(torch.ones(1, 3, dtype=torch.bool), 4, g)[0], minlength=3) for _ in range(300)]
    )
    assert set(valid.unique().tolist()) == {1, 2}
    torch.testing.assert_close(valid.float().mean(0), torch.full((3,), 4 / 3), atol=0.12, rtol=0)


def test_pixels_that_an_annotator_says_nothing_of_cost_nothing() -> None:
    """Two starts and two annotations that agree where they count: the others alone would pair them the other way."""
    x_0 = torch.tensor([[1.0, 0, 0, 0], [0, 1, 1, 1]]).reshape(1, 2, 1, 1, 4)
    x_1 = torch.tensor([[1.0, 0, 0, 0], [0, 1, 0, 0]]).reshape(1, 2, 1, 1, 4)
    valid = torch.tensor([[True, True, False, False], [True, True, False, False]]).reshape(1, 2, 1, 4)
    for filling, order in ((x_1, [0, 1]), (torch.where(valid.unsqueeze(2), x_1.flip(1), 0.0), [1, 0])):
        index = optimal(x_0, filling, torch.ones(1, 2, dtype=torch.bool), valid=valid)
        assert index[0].tolist() == order


def test_padding_is_never_chosen_whatever_it_holds() -> None:
    x_0 = torch.rand(3, 6, 1, 2, 2)
    present = torch.arange(5) < torch.tensor([1, 2, 5])[:, None]
    annotations = torch.where(present[:, :, None, None, None], torch.rand(3, 5, 1, 2, 2).round(), x_0.mean())
    for couple in (independent, optimal):
        index = couple(x_0, annotations, present)
        assert (index.max(1)[0] < torch.tensor([1, 2, 5])).all()
