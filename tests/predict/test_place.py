"""A field is cut out of an image and put back: naive loops, and the closed form of a linear ramp."""

import numpy as np
import pytest

from atfm.errors import InputError
from atfm.predict.place import Field, Place

RNG = np.random.default_rng(0)


def reflected(at: int, length: int) -> int:
    """A position beyond the border, step by step."""
    while not 0 <= at < length:
        at = -at if at < 0 else 2 * (length - 1) - at
    return at


@pytest.mark.parametrize("point", [(20, 30), (0, 0), (39, 49), (3, 25)])
def test_a_field_at_step_1_is_the_image_itself_reflected_at_the_border(point: tuple[int, int]) -> None:
    image = RNG.integers(-1000, 1000, (2, 40, 50), np.int16)
    field = Field(point, (16, 8), (40, 50))
    seen = field.cut(image)
    assert seen.dtype == np.int16 and seen.shape == (2, 16, 8)
    for i in range(16):
        for j in range(8):
            row, column = reflected(point[0] - 8 + i, 40), reflected(point[1] - 4 + j, 50)
            np.testing.assert_array_equal(seen[:, i, j], image[:, row, column])
    inside = point == (20, 30)
    assert field.reaches_beyond is not inside


@pytest.mark.parametrize("point", [(20, 30), (0, 0), (39, 49)])
@pytest.mark.parametrize("step", [1.0, 0.5, 1.7])
def test_masks_come_back_to_the_pixels_of_the_image_that_the_field_saw(point, step: float) -> None:
    field = Field(point, (16, 8), (40, 50), (step, step))
    rows, columns = field.box
    # Naive: a pixel belongs to the field if it lies within its outermost pixels' halves.
    for axis, (pixels, wide, length) in enumerate(((rows, 16, 40), (columns, 8, 50))):
        where = wide // 2 + (np.arange(length) - point[axis]) / step
        np.testing.assert_array_equal(pixels, np.flatnonzero((where >= -0.5) & (where < wide - 0.5)))
    full = field.back(np.ones((3, 1, 16, 8), bool))
    assert full.shape == (3, 1, len(rows), len(columns)) and full.dtype == bool and full.all()


def test_a_mask_goes_there_and_back_unchanged_at_step_1() -> None:
    masks = RNG.random((4, 3, 40, 50)) < 0.5
    field = Field((20, 30), (16, 8), (40, 50))
    back = field.back(np.stack([field.cut(mask) for mask in masks]))
    rows, columns = field.box
    np.testing.assert_array_equal(back, masks[:, :, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])


@pytest.mark.parametrize("step", [0.6, 1.0, 2.3])
def test_a_ramp_is_cut_and_put_back_as_it_is(step: float) -> None:
    """Linear interpolation, and a Gaussian, leave a straight line straight."""
    ramp = np.add.outer(2.0 * np.arange(200), 3.0 * np.arange(220)).astype(np.float32)[None]
    field = Field((100, 110), (32, 32), (200, 220), (step, step))
    axis = (np.arange(32) - 16) * step
    wanted = 2 * (100 + axis)[:, None] + 3 * (110 + axis)
    np.testing.assert_allclose(field.cut(ramp)[0], wanted, rtol=1e-5)
    rows, columns = field.box
    inner = (slice(2, -2), slice(2, -2))
    found = field.back_values(field.cut(ramp))[0][inner]
    np.testing.assert_allclose(found, ramp[0][np.ix_(rows, columns)][inner], rtol=1e-5)


def test_classes_come_back_as_one_class_a_pixel() -> None:
    labels = RNG.integers(0, 3, (2, 16, 16))
    masks = np.moveaxis(np.eye(3, dtype=bool)[labels], -1, 1)
    back = Field((20, 20), (16, 16), (40, 40), (0.4, 1.9)).back(masks)
    assert (back.sum(1) == 1).all() and back.shape[1] == 3


def test_whole_numbers_stay_whole_numbers() -> None:
    image = RNG.integers(0, 256, (1, 60, 60), np.uint8)
    assert Field((30, 30), (16, 16), (60, 60), (1.5, 1.5)).cut(image).dtype == np.uint8


def test_a_point_outside_is_refused_in_the_users_order() -> None:
    with pytest.raises(InputError, match=r"point 50 3: expected a pixel of the image, 0 to 49 x 0 to 39; columns come"):
        Field((3, 50), (16, 16), (40, 50))


def test_putting_into_the_whole() -> None:
    part = RNG.random((2, 1, 3, 4))
    place = Place((6, 10, 12), (np.array([4]), np.arange(2, 5), np.arange(7, 11)), spacing=(2.5, 0.5, 0.8))
    whole = place.put(part)
    assert whole.shape == (2, 6, 10, 12)
    np.testing.assert_array_equal(whole[:, 4:5, 2:5, 7:11], part)
    assert whole.sum() == pytest.approx(part.sum())
    np.testing.assert_array_equal(place.put(part, planes=True), whole[:, 4:5])
    assert (place.size, place.slices) == ((1, 3, 4), (4,))
    assert place.mm2 == pytest.approx(0.4) and place.ml is None
    several = Place((6, 10, 12), tuple(np.arange(n) for n in (6, 10, 12)), spacing=(2.5, 0.5, 0.8))
    assert several.mm2 is None and several.ml == pytest.approx(0.001)
    assert several.put(np.ones((6, 10, 12))).shape == (6, 10, 12)
