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
    seen = {round(one_annotator(logits, annotations, present, g)[0].item(), 9) for _ in range(40)}
    assert seen == {round(single[0][0].item(), 9), round(single[2][0].item(), 9)}
    torch.testing.assert_close(one_annotator(logits, annotations, present, g)[1], single[1][1])
