"""Pictures within SVG: exact where they fit, and never larger than they may be."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from atfm.io.svg.colours import heat
from atfm.io.svg.ground import grey, ground, href

RNG = np.random.default_rng(0)


def opened(uri: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(uri.split(",", 1)[1])))


def test_a_small_picture_is_embedded_as_it_is() -> None:
    pixels = RNG.integers(0, 256, (20, 30), np.uint8)
    uri = href(pixels, 4000)
    assert uri.startswith("data:image/png;base64,")
    np.testing.assert_array_equal(np.asarray(opened(uri)), pixels)


@pytest.mark.parametrize("shape", [(700, 900), (700, 900, 3), (3, 2000), (2000, 1)])
@pytest.mark.parametrize("most", [1500, 9000])
def test_noise_fits_in_what_there_is(shape: tuple[int, ...], most: int) -> None:
    uri = href(RNG.integers(0, 256, shape, np.uint8), most)
    assert len(uri) <= most
    assert max(opened(uri).size) <= 192


def test_a_part_lies_where_it_was() -> None:
    pixels = np.zeros((50, 60), np.uint8)
    pixels[10:30, 20:45] = 200
    svg = ground(pixels, (20, 10, 25, 20), 3000)
    assert re.search(r'x="20" y="10" width="25" height="20"', svg)
    np.testing.assert_array_equal(np.asarray(opened(re.search(r'href="([^"]*)"', svg)[1])), 200)


def test_images_in_grey_and_colour() -> None:
    image = np.array([[[0.0, 0.5, 1.0]]], np.float32)
    np.testing.assert_array_equal(grey(image), [[0, 128, 255]])
    assert grey(np.repeat(image, 3, 0)).shape == (1, 3, 3)
    np.testing.assert_array_equal(grey(np.full((1, 1, 1), np.nan, np.float32)), [[0]])


def test_heat_runs_from_dark_to_bright() -> None:
    colours = heat(np.linspace(0, 1, 9)[None]).astype(int).sum(-1)[0]
    assert (np.diff(colours) > 0).all() and colours[0] < 10 and colours[-1] > 600
