import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from atfm.report.panels import Illustration, case_panels, contours, data_uri, foreground, outline_path, window


def illustration(spatial: tuple[int, ...] = (40, 40), classes: int = 1, annotators: int = 3) -> Illustration:
    rng = np.random.default_rng(0)
    masks = rng.random((annotators + 5, classes, *spatial)) < 0.5
    masks[0] = False
    return Illustration(
        title="Best <case>",
        case_id="c&1",
        patient_id="p1",
        score="GED 0.1",
        image=rng.random((1, *spatial), np.float32),
        annotations=masks[:annotators],
        samples=masks[annotators:],
        probability=rng.random((classes, *spatial)),
        entropy=rng.random(spatial),
    )


def area(line: np.ndarray) -> float:
    x, y = line.T
    return abs(float(x[:-1] @ y[1:] - y[:-1] @ x[1:])) / 2


def test_outline_encloses_the_mask() -> None:
    mask = np.zeros((12, 12), bool)
    mask[2:9, 3:11] = True
    (line,) = contours(mask)
    assert line.min(0).tolist() == [3, 2] and line.max(0).tolist() == [11, 9]
    assert area(line) == pytest.approx(7 * 8, abs=0.5 + 1e-6), "but for the four corners, half a square of 1/2 each"


def test_outline_at_the_rim_is_closed_and_an_empty_mask_has_none() -> None:
    (line,) = contours(np.ones((5, 5), bool))
    assert np.array_equal(line[0], line[-1])
    assert outline_path(np.zeros((1, 5, 5), bool), "sample") == ""


def test_window_is_a_square_within_the_picture_that_holds_the_region() -> None:
    region = np.zeros((128, 96), bool)
    region[100:127, 3:20] = True
    left, top, width, height = window(region)
    assert width == height >= 27 and 0 <= left <= 3 and top <= 100 and top + height <= 128


def test_empty_region_shows_the_middle() -> None:
    left, top, width, _ = window(np.zeros((128, 128), bool))
    assert left + width / 2 == pytest.approx(64, abs=1) == top + width / 2


def test_foreground_joins_the_classes() -> None:
    masks = np.zeros((1, 3, 2, 2), bool)
    masks[0, 0, 0], masks[0, 2, 1] = True, True
    assert foreground(masks).tolist() == [[[False, False], [True, True]]]


@pytest.mark.parametrize(("spatial", "classes"), [((40, 40), 1), ((40, 40), 3), ((4, 40, 40), 1), ((4, 40, 40), 3)])
def test_case_has_five_maps_and_all_samples(spatial: tuple[int, ...], classes: int) -> None:
    html = case_panels(illustration(spatial, classes), "case-1")
    assert html.count("<figure") == 5 + 5
    assert html.count('id="case-1"') == 1 and html.count('href="#case-1"') == 1 + 5
    assert "Best &lt;case&gt;" in html and "c&amp;1" in html


def test_empty_masks_are_said() -> None:
    assert "3 annotators, 1 empty" in case_panels(illustration(), "k")


def test_of_many_annotators_some_are_drawn() -> None:
    html = case_panels(illustration(annotators=30), "k")
    assert "30 annotators, 1 empty, 8 shown" in html and len(re.findall(r'class="a\d"', html)) == 7


def test_data_uri_holds_the_pixels() -> None:
    pixels = np.arange(12, dtype=np.uint8).reshape(3, 4)
    data = base64.b64decode(data_uri(pixels).partition(",")[2])
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(data))), pixels)
