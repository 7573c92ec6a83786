import numpy as np
import pytest
import torch
from torch.nn import functional as F

from atfm.data.geometry.grid import Grid


def exact(whole: tuple[int, ...], size: tuple[int, ...]) -> Grid:
    """The grid whose pixels fill the image."""
    return Grid(whole, size, tuple(a / b for a, b in zip(whole, size, strict=True)))


@pytest.mark.parametrize(("whole", "size"), [((40, 57), (13, 20)), ((12, 9), (30, 31)), ((50, 8), (7, 23))])
def test_images_come_in_as_torch_resizes_them(whole: tuple[int, int], size: tuple[int, int]) -> None:
    image = np.random.default_rng(0).random((2, *whole), np.float32)
    wanted = F.interpolate(torch.from_numpy(image)[None], size, mode="bilinear", antialias=True)[0].numpy()
    np.testing.assert_allclose(exact(whole, size).bring(image), wanted, atol=2e-5)  # torch rounds its weights


def test_maps_of_larger_images_come_back_as_torch_enlarges_them() -> None:
    values = np.random.default_rng(1).random((3, 6, 5, 7), np.float32)
    wanted = F.interpolate(torch.from_numpy(values)[None], (18, 20, 14), mode="trilinear")[0].numpy()
    np.testing.assert_allclose(exact((18, 20, 14), (6, 5, 7)).back(values), wanted, atol=1e-5)


def test_maps_of_smaller_images_come_back_antialiased() -> None:
    values = np.random.default_rng(2).random((1, 24, 30), np.float32)
    wanted = F.interpolate(torch.from_numpy(values)[None], (8, 9), mode="bilinear", antialias=True)[0].numpy()
    np.testing.assert_allclose(exact((8, 9), (24, 30)).back(values), wanted, atol=2e-5)


def test_cover_is_the_share_of_a_cell_that_a_mask_has() -> None:
    mask = np.random.default_rng(3).integers(0, 2, (10, 7))
    grid = exact((10, 7), (4, 3))
    fine = np.kron(mask, np.ones((12, 12)))  # 30 rows and 28 columns of it make a cell
    np.testing.assert_allclose(grid.cover(mask), fine.reshape(4, 30, 3, 28).mean((1, 3)), atol=1e-6)


def test_the_same_pixels_stay_bit_for_bit() -> None:
    image = np.random.default_rng(4).random((2, 9, 11), np.float32)
    grid = Grid((9, 11), (9, 11), (1.0, 1.0))
    assert grid.plain
    assert np.array_equal(grid.bring(image), image)
    assert np.array_equal(grid.back(image), image)
    assert np.array_equal(grid.cover(image), image)


def test_a_canvas_has_the_image_in_its_middle_and_zeros_round_it() -> None:
    grid = Grid((6, 10), (10, 10), (1.0, 1.0))
    image = np.random.default_rng(5).random((1, 6, 10), np.float32)
    seen = grid.bring(image)
    assert grid.inside == (slice(2, 8), slice(0, 10))
    assert np.array_equal(seen[:, 2:8], image)
    assert not seen[:, :2].any() and not seen[:, 8:].any()


def test_what_was_said_of_padding_does_not_come_back() -> None:
    grid = Grid((20, 40), (16, 16), (2.5, 2.5))
    said = np.ones((1, 16, 16), np.float32)
    said[(..., *grid.inside)] = 0.25
    np.testing.assert_allclose(grid.back(said), 0.25, atol=1e-6)


def test_a_part_is_the_same_part_of_the_whole() -> None:
    image = np.random.default_rng(6).random((2, 30, 41, 23), np.float32)
    mask = (image[0] > 0.6).astype(np.uint8)
    grid = Grid((30, 41, 23), (16, 13, 12), (1.9, 3.3, 3.3))
    read = []

    def part(box: tuple[slice, ...]) -> np.ndarray:
        read.append(box)
        return image[:, *box]

    box = (slice(3, 7), slice(2, 11), slice(0, 5))
    assert np.array_equal(grid.bring_part(part, box), grid.bring(image)[:, *box])
    cover, reads = grid.covering(box)
    assert np.array_equal(cover(mask[reads]), grid.cover(mask)[box])
    assert all(side.stop - side.start < length for side, length in zip(read[0], (30, 41, 23), strict=True))
    beyond = Grid((4, 4), (8, 8), (1.0, 1.0))
    assert not beyond.bring_part(lambda at: np.ones((1, 4, 4))[:, *at], (slice(0, 2), slice(0, 8))).any()


def test_cells_are_those_that_hold_the_pixels() -> None:
    grid = exact((10,), (4,))
    assert grid.cells(0).tolist() == [int((i + 0.5) / 2.5) for i in range(10)]
    padded = Grid((4,), (8,), (1.0,))
    assert padded.cells(0).tolist() == [2, 3, 4, 5]
