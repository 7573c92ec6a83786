"""What is white, and images that came out nearly black."""

import numpy as np
import pytest

from atfm.errors import AmbiguousError, InputError
from atfm.io.pictures.brightness import near_black, unit_range


def said(pixels: np.ndarray, window: tuple[float, float] | None = None) -> str | None:
    return near_black(pixels, unit_range(pixels, window, "a"), window)


@pytest.mark.parametrize(
    ("top", "bits"), [(200, 8), (255, 8), (1000, 10), (4095, 12), (4096, 14), (16383, 14), (16384, None), (65535, None)]
)
def test_12_bits_in_16_are_nearly_black(top, bits) -> None:
    told = said(np.array([[[0, top]]], np.uint16))
    assert told is None if bits is None else f"--bits {bits} " in str(told)


def test_a_window_mends_it_and_an_empty_one_is_told() -> None:
    pixels = np.array([[[0, 4095]]], np.uint16)
    assert said(pixels, (0, 4095)) is None
    assert "leaves nothing" in str(said(pixels, (5000, 6000)))
    assert said(np.full((1, 2, 2), 7000, np.uint16), (5000, 6000)) is None  # it was flat before


def test_black_images_and_other_types() -> None:
    assert said(np.zeros((1, 2, 2), np.uint16)) is None
    assert said(np.full((1, 2, 2), 40, np.uint8)) is None
    assert "nearly black" in str(said(np.full((1, 2, 2), 3, np.uint8)))
    assert "nearly black" in str(said(np.full((1, 2, 2), 0.05)))


def test_a_window_is_two_finite_numbers() -> None:
    for window in ((3, 3), (4, 3), (0, np.inf), (np.nan, 1)):
        with pytest.raises(InputError, match="window: expected a lower and a higher value"):
            unit_range(np.zeros((1, 2, 2)), window, "a")


def test_either_order_of_bytes_and_types_without_white() -> None:
    np.testing.assert_array_equal(unit_range(np.array([0, 65535], ">u2"), None, "a"), [0, 1])
    for kind in ("i2", "u4", "i8"):
        with pytest.raises(AmbiguousError, match=r"give a window.*--bits N"):
            unit_range(np.array([0, 1], kind), None, "a")
