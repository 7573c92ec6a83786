"""Against a naive loop over samples, annotators and pixels."""

import math

import torch
from torch.nn import functional as F

from atfm.truncation.likelihood import all_annotators, log_likelihood, one_annotator


def case(channels: int) -> tuple[torch.Tensor, torch.Tensor]:
    g = torch.Generator().manual_seed(channels)
    logits = torch.randn(2, 6, channels, 3, 4, generator=g, dtype=torch.float64)
    if channels == 1:
        return logits, (torch.rand(2, 3, 1, 3, 4, generator=g) > 0.5).double()
    labels = torch.randint(channels, (2, 3, 3, 4), generator=g)
    return logits, F.one_hot(labels, channels).movedim(-1, 2).double()


def naive(logits: torch.Tensor, annotation: torch.Tensor) -> torch.Tensor:
    p = logits.sigmoid() if len(logits) == 1 else logits.softmax(0)
    pixels = torch.where(annotation > 0, p, 1 - p) if len(logits) == 1 else (p * annotation).sum(0)
    return pixels.log().sum()


def test_every_pair_for_binary_and_classes() -> None:
    for channels in (1, 4):
        logits, annotations = case(channels)
        pairs = log_likelihood(logits, annotations)
        for b, m, k in ((0, 0, 0), (1, 5, 2), (0, 3, 1)):
            torch.testing.assert_close(pairs[b, m, k], naive(logits[b, m], annotations[b, k]))


def test_all_annotators_is_equation_5_averaged_over_those_present() -> None:
    logits, annotations = case(1)
    present = torch.tensor([[True, True, False], [True, False, False]])
    for b, count in ((0, 2), (1, 1)):
        terms = [math.log(sum(naive(x, annotations[b, k]).exp() for x in logits[b]) / 6) for k in range(count)]
        torch.testing.assert_close(all_annotators(logits, annotations, present)[b].item(), -sum(terms) / count)


def test_one_annotator_takes_each_present_one_and_no_other() -> None:
    logits, annotations = case(1)
    present = torch.tensor([[True, False, True], [False, True, False]])
    single = [all_annotators(logits, annotations, F.one_hot(torch.tensor([k, k]), 3).bool()) for k in range(3)]
    g = torch.Generator().manual_seed(0)
    seen = {round(one_annotator(logits, annotations, present, generator=g)[0].item(), 9) for _ in range(40)}
    assert seen == {round(single[0][0].item(), 9), round(single[2][0].item(), 9)}
    torch.testing.assert_close(one_annotator(logits, annotations, present, generator=g)[1], single[1][1])


def test_padding_has_no_influence_on_value_or_gradient() -> None:
    """K of 1, 2 and 5 in one batch: rows of padding may hold anything, and the loss is that of each image alone."""
    g = torch.Generator().manual_seed(3)
    logits = torch.randn(3, 4, 1, 3, 4, generator=g, dtype=torch.float64, requires_grad=True)
    annotations = (torch.rand(3, 5, 1, 3, 4, generator=g) > 0.5).double()
    present = torch.arange(5) < torch.tensor([1, 2, 5])[:, None]
    losses, gradients = [], []
    for filling in (0.0, 1.0, 1e6):
        filled = torch.where(present[:, :, None, None, None], annotations, filling)
        loss = all_annotators(logits, filled, present)
        losses.append(loss)
        gradients.append(torch.autograd.grad(loss.sum(), logits)[0])
    for loss, gradient in zip(losses[1:], gradients[1:], strict=True):
        assert torch.equal(loss, losses[0])
        assert torch.equal(gradient, gradients[0])
    for b, count in enumerate((1, 2, 5)):
        alone = all_annotators(logits[b : b + 1], annotations[b : b + 1, :count], present[b : b + 1, :count])
        torch.testing.assert_close(losses[0][b], alone[0])


def test_what_an_annotator_says_nothing_of_is_left_out_of_his_product() -> None:
    for channels in (1, 3):
        logits, annotations = case(channels)
        valid = torch.rand(2, 3, 3, 4, generator=torch.Generator().manual_seed(9)) > 0.4
        pairs = log_likelihood(logits, annotations * valid.unsqueeze(2), valid)
        for b, m, k in ((0, 0, 0), (1, 5, 2), (0, 3, 1)):
            said = valid[b, k]
            expected = naive(logits[b, m][:, said], annotations[b, k][:, said])
            torch.testing.assert_close(pairs[b, m, k], expected)
        present = torch.ones(2, 3, dtype=torch.bool)
        whole = torch.ones_like(valid)
        torch.testing.assert_close(
            all_annotators(logits, annotations, present, whole), all_annotators(logits, annotations, present)
        )
        only = F.one_hot(torch.tensor([1, 1]), 3).bool()
        masked = annotations * valid.unsqueeze(2)
        torch.testing.assert_close(
            one_annotator(logits, masked, only, valid=valid), all_annotators(logits, masked, only, valid)
        )


def test_annotators_who_marked_nothing_add_nothing_and_are_counted() -> None:
    logits, annotations = case(1)
    present = torch.tensor([[True, True, True], [True, True, False]])
    marked = torch.tensor([[True, False, True], [False, False, False]])
    each = [all_annotators(logits, annotations, F.one_hot(torch.tensor([k, k]), 3).bool()) for k in range(3)]
    shared = all_annotators(logits, annotations, present, marked=marked)
    torch.testing.assert_close(shared, torch.stack([(each[0][0] + each[2][0]) / 3, torch.zeros(()).double()]))
    g = torch.Generator().manual_seed(0)
    drawn = torch.stack([one_annotator(logits, annotations, present, marked=marked, generator=g) for _ in range(300)])
    assert {round(float(x), 9) for x in drawn[:, 0]} == {0.0, *(round(float(each[k][0]), 9) for k in (0, 2))}
    assert (drawn[:, 1] == 0).all()
    assert abs(float((drawn[:, 0] == 0).float().mean()) - 1 / 3) < 0.1
