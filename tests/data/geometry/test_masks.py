import numpy as np
import pytest
import torch
from torch.nn import functional as F

from atfm.data.geometry.grid import Grid
from atfm.data.geometry.masks import masks_back, thresholded

TWICE = Grid((24, 36), (12, 18), (2.0, 2.0))


@pytest.mark.parametrize("channels", [1, 3])
def test_samples_come_back_linearly_and_are_thresholded_there(channels: int) -> None:
    soft = np.random.default_rng(0).random((4, channels, 12, 18), np.float32)
    larger = F.interpolate(torch.from_numpy(soft), (24, 36), mode="bilinear")
    wanted = larger > 0.5 if channels == 1 else larger == larger.amax(1, keepdim=True)
    found = np.stack(list(masks_back(TWICE, soft)))
    assert found.dtype == bool
    assert (found != wanted.numpy()).mean() < 1e-3  # but for ties of rounding
    assert channels == 1 or (found.sum(1) == 1).all()


def test_slices_between_the_channels_and_the_image_stay() -> None:
    soft = np.random.default_rng(1).random((2, 1, 5, 12, 18), np.float32)
    (first, second) = masks_back(TWICE, soft)
    assert first.shape == (1, 5, 24, 36)
    assert np.array_equal(second[:, 3], next(masks_back(TWICE, soft[1:, :, 3])))


def test_without_resampling_they_are_the_threshold() -> None:
    soft = np.random.default_rng(2).random((2, 1, 6, 6), np.float32)
    (first, _) = masks_back(Grid((6, 6), (6, 6), (1.0, 1.0)), soft)
    assert np.array_equal(first, soft[0] > 0.5)


def test_a_sample_that_marks_something_still_does() -> None:
    finer = Grid((6, 6), (24, 24), (0.25, 0.25))  # coming back shrinks: one pixel is a sixteenth
    soft = np.zeros((3, 3, 24, 24), np.float32)
    soft[:, 0] = 0.6
    soft[0, 2, 9, 14] = 0.9
    padded = Grid((6, 6), (10, 10), (1.0, 1.0))
    first, nothing, _ = masks_back(finer, soft)
    assert np.argwhere(first[2]).tolist() == [[2, 3]] and not first[0, 2, 3]
    assert first.sum() == 36 and nothing[0].all()
    beyond = np.zeros((1, 1, 10, 10), np.float32)
    beyond[..., 0, 0] = 1  # in the padding alone
    assert not next(masks_back(padded, beyond)).any()


def test_a_mask_that_goes_in_and_comes_back_by_what_is_covered_is_nearly_itself() -> None:
    y, x = np.mgrid[:300, :300]
    mask = ((y - 160) ** 2 / 2 + (x - 140) ** 2 < 70**2)[None]
    grid = Grid((300, 300), (48, 48), (6.25, 6.25))
    cells = [grid.cells(axis) for axis in range(2)]

    def iou(other: np.ndarray) -> float:
        return float((mask & other).sum() / (mask | other).sum())

    cover = grid.cover(mask)
    soft, hard = (
        iou(next(masks_back(grid, sample[None]))) for sample in (cover, thresholded(cover).astype(np.float32))
    )
    nearest = iou(thresholded(cover)[:, cells[0]][:, :, cells[1]])
    assert soft > 0.99 > hard > nearest > 0.9
