import numpy as np
import pytest
import torch

from atfm.flow.energy import cut, energy_score, harden
from atfm.metrics.ged import annotator_diversity, ged
from atfm.metrics.overlap import overlaps

torch.manual_seed(0)
PROBABILITY = torch.rand(2, 5, 1, 6, 7)
ANNOTATIONS = (torch.rand(2, 4, 1, 6, 7) > 0.4).float()
PRESENT = torch.tensor([[True, True, True, True], [True, True, False, False]])


def test_it_is_the_unbiased_ged_without_the_annotators_own_term() -> None:
    score = energy_score(PROBABILITY, ANNOTATIONS, PRESENT, smooth=0.0)
    expected = []
    for drawn, truth, present in zip(PROBABILITY > 0.5, ANNOTATIONS.bool(), PRESENT, strict=True):
        distances = overlaps(drawn, truth[present]).iou.distance
        expected.append(ged(distances) + annotator_diversity(distances))
    assert float(score) == pytest.approx(np.mean(expected), abs=1e-6)


def one_hot(shape: tuple[int, ...], classes: int) -> torch.Tensor:
    return torch.nn.functional.one_hot(torch.randint(classes, shape), classes).movedim(-1, 2).float()


def test_classes_are_scored_one_by_one_as_ged_does() -> None:
    """A rare class counts as much as a large one; in one IoU of all classes together it hardly counts at all."""
    torch.manual_seed(1)
    drawn, truth = one_hot((2, 5, 6, 7), 4), one_hot((2, 3, 6, 7), 4)
    for masks in (drawn, truth):
        masks[:, :, 0] += masks[:, :, 3]
        masks[:, :, 3] = 0
        masks[:, ::2, :, 0, 0] = torch.tensor([0.0, 0.0, 0.0, 1.0])  # class 3: a pixel, of every other mask
    score = energy_score(drawn, truth, torch.ones(2, 3, dtype=torch.bool), smooth=0.0)
    expected, pooled = [], []
    for s, r in zip(drawn[:, :, 1:].bool(), truth[:, :, 1:].bool(), strict=True):
        each = [overlaps(s[:, [c]], r[:, [c]]).iou.distance for c in range(3)]
        expected.append(np.mean([ged(one) + annotator_diversity(one) for one in each]))
        together = overlaps(s.flatten(1)[:, None, None], r.flatten(1)[:, None, None]).iou.distance
        pooled.append(ged(together) + annotator_diversity(together))
    assert float(score) != pytest.approx(np.mean(pooled), abs=0.05)
    whole = [overlaps(s, r).iou.distance for s, r in zip(drawn[:, :, 1:], truth[:, :, 1:], strict=True)]
    assert np.mean(expected) == pytest.approx(np.mean([ged(one) + annotator_diversity(one) for one in whole]))


def test_padding_changes_nothing() -> None:
    other = ANNOTATIONS.clone()
    other[~PRESENT] = 1 - other[~PRESENT]
    assert torch.equal(energy_score(PROBABILITY, ANNOTATIONS, PRESENT), energy_score(PROBABILITY, other, PRESENT))


def test_pixels_that_an_annotator_leaves_out_change_nothing() -> None:
    valid = torch.ones(2, 4, 6, 7, dtype=torch.bool)
    valid[:, 1, :2] = False
    other = PROBABILITY.clone()
    other[..., :2, :] = 1 - other[..., :2, :]
    scores = [energy_score(p, ANNOTATIONS, PRESENT, valid) for p in (PROBABILITY, other)]
    assert torch.equal(*scores)
    assert not torch.equal(*[energy_score(p, ANNOTATIONS, PRESENT) for p in (PROBABILITY, other)])


def test_all_empty_is_the_best_there_is() -> None:
    empty = torch.zeros(1, 3, 1, 4, 4)
    assert float(energy_score(empty, empty, torch.ones(1, 3, dtype=torch.bool))) == 0.0


def test_masks_forward_and_probabilities_backward() -> None:
    probability = PROBABILITY.clone().requires_grad_()
    hard = harden(probability)
    assert set(hard.detach().round(decimals=6).unique().tolist()) == {0.0, 1.0}
    hard.sum().backward()
    assert torch.equal(probability.grad, torch.ones_like(probability))


@pytest.mark.parametrize("slope", [1.0, 2.5])
def test_logits_are_cut_as_their_probabilities_are_hardened(slope: float) -> None:
    logits = torch.randn(2, 3, 1, 5, 4, generator=torch.Generator().manual_seed(1))
    logits[0, 0, 0, 0, 0] = 0.0
    along = torch.randn_like(logits)
    ours, theirs = (logits.clone().requires_grad_() for _ in range(2))
    masks = cut(ours, slope=slope), harden(theirs.sigmoid(), slope=slope)
    torch.testing.assert_close(*masks)
    for mask in masks:
        (mask * along).sum().backward()
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-4, atol=1e-6)


def test_classes_are_hardened_to_the_likeliest_and_the_background_is_left_out() -> None:
    probability = torch.rand(1, 2, 3, 4, 4).softmax(2)
    hard = harden(probability)
    assert torch.allclose(hard.sum(2), torch.ones(1, 2, 4, 4)) and torch.equal(hard.argmax(2), probability.argmax(2))
    truth = torch.nn.functional.one_hot(torch.randint(3, (1, 2, 4, 4)), 3).movedim(-1, 2).float()
    present = torch.ones(1, 2, dtype=torch.bool)
    swapped = truth.clone()
    swapped[:, :, 0] = 1 - swapped[:, :, 0]
    assert torch.equal(energy_score(probability, truth, present), energy_score(probability, swapped, present))


def test_descent_finds_the_odds_of_two_masks() -> None:
    """One image, an annotation that is the left half three times of four: so are, after descent, the samples."""
    left = torch.zeros(1, 1, 1, 4, 8)
    left[..., :4] = 1
    annotations = torch.cat([left, left, left, 1 - left], 1)
    start = torch.linspace(-1, 1, 16).reshape(1, 16, 1, 1, 1)
    weight = torch.zeros(1, 1, 1, 4, 8)
    weight[..., 4:] = 1.0
    threshold = torch.zeros(1, requires_grad=True)  # samples above it take the right half
    optimiser = torch.optim.Adam([threshold], lr=0.05)
    for _ in range(200):
        right = ((start - threshold) * 4).sigmoid()
        loss = energy_score(right * weight + (1 - right) * (1 - weight), annotations, torch.ones(1, 4) > 0)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    share = float((start > threshold).float().mean())
    assert 0.15 <= share <= 0.35


def test_a_mask_beside_an_empty_one_is_drawn_to_nothing() -> None:
    probability = torch.full((1, 2, 1, 4, 4), 0.9, requires_grad=True)
    energy_score(probability, torch.zeros(1, 1, 1, 4, 4), torch.ones(1, 1, dtype=torch.bool)).backward()
    assert (probability.grad > 0).all()


def test_an_empty_mask_is_drawn_to_what_is_there() -> None:
    probability = torch.full((1, 2, 1, 4, 4), 0.1, requires_grad=True)
    truth = torch.zeros(1, 1, 1, 4, 4)
    truth[..., :2] = 1
    energy_score(probability, truth, torch.ones(1, 1, dtype=torch.bool)).backward()
    assert (probability.grad[..., :2] < 0).all()


def test_images_weigh_as_they_are_told() -> None:
    each = torch.stack([energy_score(PROBABILITY[b, None], ANNOTATIONS[b, None], PRESENT[b, None]) for b in range(2)])
    weight = torch.tensor([0.25, 3.0])
    torch.testing.assert_close(energy_score(PROBABILITY, ANNOTATIONS, PRESENT, weight=weight), (each * weight).mean())


def test_an_image_of_weight_0_may_have_no_annotator_at_all() -> None:
    probability = PROBABILITY.clone().requires_grad_()
    nobody = PRESENT & torch.tensor([[True], [False]])
    energy_score(probability, ANNOTATIONS, nobody, weight=torch.tensor([1.0, 0.0])).backward()
    assert torch.isfinite(probability.grad).all() and (probability.grad[1] == 0).all() and probability.grad[0].any()


def test_behind_a_hurdle_only_masks_given_presence_are_left() -> None:
    """The score of a mixture with the readers' own share of empty masks, summed out by hand, up to a constant.

    Readers: y_1, y_2 mark something, y_3, y_4 do not; samples are empty with q = 1/2, else s_1, s_2 or s_3.
    """
    g = torch.Generator().manual_seed(1)
    samples = (torch.rand(3, 1, 5, 5, generator=g) > 0.5).float()
    readers = (torch.rand(2, 1, 5, 5, generator=g) > 0.4).float()

    def distance(a: torch.Tensor, b: torch.Tensor) -> float:
        union = torch.maximum(a, b).sum()
        return float(1 - torch.minimum(a, b).sum() / union) if union else 0.0

    def mixture(samples: torch.Tensor) -> float:
        """`2 E d(s, y) - E d(s, s')` where s is empty with probability 1/2, and two different masks are drawn."""
        empty, q = torch.zeros(1, 5, 5), 0.5
        everyone = [*readers, empty, empty]
        given = [sum(distance(s, y) for y in everyone) / 4 for s in samples]
        across = q * sum(distance(empty, y) for y in everyone) / 4 + (1 - q) * sum(given) / 3
        pairs = [distance(samples[i], samples[j]) for i in range(3) for j in range(3) if i != j]
        return 2 * across - 2 * q * (1 - q) - (1 - q) ** 2 * sum(pairs) / 6

    other = (torch.rand(3, 1, 5, 5, generator=g) > 0.3).float()
    present, weight = torch.ones(1, 2, dtype=torch.bool), torch.tensor([0.25])  # the share of those who mark, squared
    ours = [float(energy_score(x[None], readers[None], present, weight=weight, smooth=0.0)) for x in (samples, other)]
    assert ours[1] - ours[0] == pytest.approx(mixture(other) - mixture(samples), abs=1e-5)
