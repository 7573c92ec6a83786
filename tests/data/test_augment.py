"""Turns are exact, masks stay labels, and what was drawn can be replayed."""

import torch

from atfm.data.augment import Augmentation, AugmentationRange, apply, draw


def moved(matrix: list[list[float]], image: torch.Tensor, window: tuple[int, int]) -> tuple[torch.Tensor, torch.Tensor]:
    drawn = Augmentation(torch.tensor([matrix], dtype=torch.float32), torch.ones(1), torch.zeros(1))
    return apply(drawn, image, image.round(), window)


def test_identity_cuts_the_central_window() -> None:
    image = torch.rand(1, 1, 12, 10)
    cut, masks = moved([[1, 0, 0], [0, 1, 0]], image, (4, 6))
    torch.testing.assert_close(cut, image[..., 4:8, 2:8])
    assert torch.equal(masks, image.round()[..., 4:8, 2:8])


def test_a_quarter_turn_a_mirror_and_a_shift_are_exact() -> None:
    image = torch.rand(1, 1, 8, 8)
    torch.testing.assert_close(moved([[0, -1, 0], [1, 0, 0]], image, (8, 8))[0], torch.rot90(image, 1, (2, 3)))
    torch.testing.assert_close(moved([[-1, 0, 0], [0, 1, 0]], image, (8, 8))[0], image.flip(3))
    torch.testing.assert_close(moved([[1, 0, 2], [0, 1, 0]], image, (8, 8))[0][..., :6], image[..., 2:])


def test_flips_alone_permute_pixels_and_keep_labels() -> None:
    image, labels = torch.rand(16, 1, 8, 8), torch.randint(3, (16, 2, 8, 8)).float()
    drawn = draw(AugmentationRange(), 16, torch.Generator().manual_seed(0))
    out, turned = apply(drawn, image, labels, (8, 8))
    torch.testing.assert_close(out.flatten(1).sort(1)[0], image.flatten(1).sort(1)[0], atol=1e-4, rtol=0)
    assert torch.equal(turned.flatten(1).sort(1)[0], labels.flatten(1).sort(1)[0])


def test_warped_masks_stay_labels_and_images_in_range() -> None:
    limits = AugmentationRange(warp=1.0, scale=0.2, shift=3, contrast=0.5, brightness=0.3)
    drawn = draw(limits, 8, torch.Generator().manual_seed(1))
    image, labels = apply(drawn, torch.rand(8, 1, 16, 16), torch.randint(4, (8, 2, 16, 16)).float(), (8, 8))
    assert image.min() >= 0
    assert image.max() <= 1
    assert set(labels.unique().tolist()) <= {0, 1, 2, 3}
    again = draw(limits, 8, torch.Generator().manual_seed(1))
    assert torch.equal(drawn.matrix, again.matrix)
