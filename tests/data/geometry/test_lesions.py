import numpy as np

from atfm.data.geometry.grid import Grid
from atfm.data.geometry.lesions import Saved, fitted_labels, saved_lesions

FOURTH = Grid((32, 32), (8, 8), (4.0, 4.0))
ALL = (slice(0, 8), slice(0, 8))


def brought(labels: np.ndarray, grid: Grid = FOURTH, **options) -> tuple[np.ndarray, Saved]:
    def read(box: tuple[slice, ...]) -> np.ndarray:
        return labels[:, *box]

    binary = options.get("binary", True)
    saved = saved_lesions(grid, read, **options)
    box = tuple(slice(0, length) for length in grid.size)
    return fitted_labels(grid, read, box, saved, binary=binary), saved


def test_a_pixel_is_set_where_half_of_it_is_covered() -> None:
    labels = np.zeros((1, 32, 32), np.uint8)
    labels[0, :16, :18] = 1  # two columns of the fifth cell: half
    labels[0, 20:24, :13] = 1  # one column of the fourth cell: a quarter
    fitted, saved = brought(labels)
    wanted = np.zeros((8, 8), np.uint8)
    wanted[:4, :5] = 1
    wanted[5, :3] = 1
    assert np.array_equal(fitted[0], wanted)
    assert (len(saved.reader), saved.lesions) == (0, 2)


def test_a_tiny_lesion_is_kept_as_the_pixel_that_it_covers_most() -> None:
    labels = np.zeros((3, 32, 32), np.uint8)
    labels[0, 10, 10] = 1
    labels[2, 15:18, 20] = 1  # one pixel in the fourth row of cells, two in the fifth: a speck beside a larger one
    labels[2, 24:32, 24:32] = 1
    fitted, saved = brought(labels)
    assert np.argwhere(fitted[0]).tolist() == [[2, 2]]
    assert not fitted[1].any()
    assert np.argwhere(fitted[2]).tolist() == [[6, 6], [6, 7], [7, 6], [7, 7]]
    assert saved.reader.tolist() == [0] and (saved.lesions, saved.vanished) == (3, 1)
    labels[2, 15:19, 20] = 1  # of the fifth row three pixels, a sixteenth each: no quarter
    assert brought(labels)[1].vanished == 1
    labels[2, 16:18, 20:22] = 1  # four pixels of it
    fitted, saved = brought(labels)
    assert saved.cell.tolist() == [[2, 2], [4, 5]] and saved.vanished == 0


def test_of_labels_the_one_that_covers_most_wins_and_none_vanishes() -> None:
    labels = np.zeros((1, 32, 32), np.uint8)
    labels[0, :4, :2] = 1
    labels[0, :2, :2] = 3  # .5 background, .25 each: neither has a pixel of its own
    labels[0, 8:12, 8:12] = 2
    labels[0, 8:9, 8:12] = 9
    fitted, saved = brought(labels, binary=False, ignore_label=9)
    assert fitted[0, 2, 2] == 2
    assert sorted(saved.label.tolist()) == [1, 3]  # both want the same pixel: one has it
    assert fitted[0, 0, 0] in (1, 3)
    assert not fitted[0, 4:].any()


def test_a_part_is_that_of_the_whole_in_a_volume() -> None:
    rng = np.random.default_rng(0)
    labels = (rng.random((2, 12, 30, 27)) > 0.97).astype(np.uint8)
    grid = Grid((12, 30, 27), (5, 10, 9), (2.4, 3.0, 3.0))
    whole, saved = brought(labels, grid)
    assert len(saved.reader)
    box = (slice(1, 4), slice(3, 10), slice(0, 4))
    part = fitted_labels(grid, lambda at: labels[:, *at], box, saved)
    assert np.array_equal(part, whole[:, *box])
    assert saved.vanished and all(mask.any() for mask in whole)
