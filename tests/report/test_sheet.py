"""Outlines of several annotators over an image, none hiding another."""

import numpy as np

from atfm.report.sheet import COLOURS, Tile, contact_sheet, edge, outlines


def square(low: int, high: int, side: int = 40) -> np.ndarray:
    mask = np.zeros((side, side), np.uint8)
    mask[low:high, low:high] = 1
    return mask


def colours(picture) -> set[tuple[int, ...]]:
    return {tuple(pixel) for pixel in np.asarray(picture).reshape(-1, 3).tolist()} & set(COLOURS)


def test_every_annotator_has_a_colour_even_where_they_agree() -> None:
    masks = np.stack([square(10, 20)] * 3)
    assert colours(outlines(np.zeros((1, 40, 40), np.float32), masks)) == set(COLOURS[:3])


def test_an_empty_mask_draws_nothing() -> None:
    masks = np.stack([square(0, 0), square(12, 25)])
    assert colours(outlines(np.zeros((1, 40, 40), np.float32), masks)) == {COLOURS[1]}
    assert colours(outlines(np.zeros((1, 40, 40), np.float32), masks[:1])) == set()


def test_the_line_lies_just_inside() -> None:
    line = edge(square(10, 20))
    np.testing.assert_array_equal(line, (square(10, 20) & ~square(12, 18)).astype(bool))


def test_a_line_between_two_labels() -> None:
    labels = np.ones((10, 10), np.uint8)
    labels[:, 5:] = 2
    assert edge(labels)[5].tolist() == [True, True, False, True, True, True, True, False, True, True]


def test_colours_volumes_and_odd_shapes() -> None:
    rng = np.random.default_rng(0)
    for shape in ((1, 30, 50), (3, 64, 20), (1, 4, 30, 50), (2, 30, 30)):
        masks = rng.integers(0, 3, (2, *shape[1:]), np.uint8)
        for zoom in (True, False):
            picture = outlines(rng.random(shape, np.float32), masks, side=120, zoom=zoom)
            assert picture.size == (120, 120) and picture.mode == "RGB"


def test_of_a_volume_the_fullest_slice_is_shown() -> None:
    masks = np.stack([[square(0, 0), square(5, 30), square(8, 12)]])
    image = np.zeros((1, 3, 40, 40), np.float32)
    image[0, 1] = 1
    assert np.asarray(outlines(image, masks, zoom=False)).mean() > 200


def test_a_sheet_has_rows() -> None:
    tile = Tile(np.zeros((1, 40, 40), np.float32), square(10, 20)[None], "a very long name of a case\nsecond line")
    wide, tall = contact_sheet([tile] * 7, columns=3, side=50), contact_sheet([tile], side=50)
    assert wide.width == 3 * 58 + 8 and wide.height == 3 * 88 + 8
    assert tall.size == (66, 96)
