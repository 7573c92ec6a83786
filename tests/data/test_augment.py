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


def test_mirroring_alone_never_turns() -> None:
    image = torch.rand(1, 1, 6, 8).expand(32, -1, -1, -1)
    drawn = draw(AugmentationRange(flip=False, mirror=True), 32, torch.Generator().manual_seed(0), (6, 8))
    out, _ = apply(drawn, image, image, (6, 8))
    same, other = ((out - one).abs().amax((1, 2, 3)) < 1e-4 for one in (image, image.flip(3)))
    assert bool((same ^ other).all()) and 8 < int(other.sum()) < 24


def test_warped_masks_stay_labels_and_images_in_range() -> None:
    limits = AugmentationRange(warp=1.0, scale=0.2, shift=3, contrast=0.5, brightness=0.3)
    drawn = draw(limits, 8, torch.Generator().manual_seed(1))
    image, labels = apply(drawn, torch.rand(8, 1, 16, 16), torch.randint(4, (8, 2, 16, 16)).float(), (8, 8))
    assert image.min() >= 0
    assert image.max() <= 1
    assert set(labels.unique().tolist()) <= {0, 1, 2, 3}
    again = draw(limits, 8, torch.Generator().manual_seed(1))
    assert torch.equal(drawn.matrix, again.matrix)


def test_in_a_volume_slices_are_turned_and_the_stack_is_mirrored() -> None:
    """All that may come of a volume are the 16 moves that keep slices slices; with `cube` the 48 of a cube."""
    volume = torch.rand(1, 1, 6, 6, 6)
    for cube, expected in ((False, 16), (True, 48)):
        drawn = draw(AugmentationRange(cube=cube), 400, torch.Generator().manual_seed(0), (6, 6, 6))
        out, labels = apply(drawn, volume.expand(400, -1, -1, -1, -1), volume.expand(400, -1, -1, -1, -1), (6, 6, 6))
        torch.testing.assert_close(out, labels, atol=1e-4, rtol=0)  # whole pixels: no mixing of neighbours
        kinds = {tuple((one * 1000).round().int().flatten().tolist()) for one in labels}
        assert len(kinds) == expected
    turned = {
        tuple((move * 1000).round().int().flatten().tolist())
        for k in range(4)
        for mirror in (False, True)
        for flipped in (False, True)
        for move in [_moved(volume, k, mirror, flipped)]
    }
    drawn = draw(AugmentationRange(), 400, torch.Generator().manual_seed(0), (6, 6, 6))
    labels = apply(drawn, volume.expand(400, -1, -1, -1, -1), volume.expand(400, -1, -1, -1, -1), (6, 6, 6))[1]
    assert {tuple((one * 1000).round().int().flatten().tolist()) for one in labels} == turned


def _moved(volume: torch.Tensor, quarters: int, mirror: bool, flipped: bool) -> torch.Tensor:
    volume = torch.rot90(volume, quarters, (3, 4))
    volume = volume.flip(4) if mirror else volume
    return volume.flip(2) if flipped else volume


def test_a_window_that_is_not_square_is_turned_by_halves_only() -> None:
    image = torch.rand(1, 1, 4, 8)
    drawn = draw(AugmentationRange(), 60, torch.Generator().manual_seed(0), (4, 8))
    labels = apply(drawn, image.expand(60, -1, -1, -1), image.expand(60, -1, -1, -1), (4, 8))[1]
    torch.testing.assert_close(labels.flatten(1).sort(1)[0], image.flatten(1).sort(1)[0].expand(60, -1))
    assert len({tuple(one.flatten().tolist()) for one in labels}) == 4
