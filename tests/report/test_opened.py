import base64
import io

import numpy as np
from PIL import Image

from atfm.report.drawn import Drawn
from atfm.report.opened import LONGEST, Opened, opened, thumbnail
from atfm.report.packing import inflated, unpacked


def pixels(uri: str) -> Image.Image:
    assert uri.startswith("data:image/jpeg;base64,")
    return Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))


def masks(count: int, spatial: tuple[int, ...] = (64, 48)) -> np.ndarray:
    found = np.zeros((count, 1, *spatial), bool)
    found[..., 20:30, 10:22] = True
    return found


def test_a_case_holds_image_annotators_and_each_method() -> None:
    image = np.linspace(0, 1, 64 * 48, dtype=np.float32).reshape(1, 64, 48)
    drawn = Drawn.of(masks(5))
    text = opened(image, masks(3), [Opened("one", "GED .1", drawn), Opened("two", "", drawn)])
    found = inflated(text)
    assert found["size"] == [64, 48] and found["plane"] is None
    assert abs(np.asarray(pixels(found["image"]), float) / 255 - image[0]).mean() < 0.01
    box = found["annotators"]["box"]
    assert (box["x"], box["y"], box["width"], box["height"]) == (10, 20, 12, 10)
    assert unpacked(found["annotators"]["masks"]).shape == (3, 1, 1, 10, 12)
    assert found["mm2"] is None and found["ml"] is None
    assert [method["label"] for method in found["methods"]] == ["one", "two"]
    view = found["view"]
    assert view["x"] <= 10 and view["x"] + view["width"] >= 22 and view["width"] == view["height"]
    assert text == opened(image, masks(3), [Opened("one", "GED .1", drawn), Opened("two", "", drawn)])


def test_of_a_volume_one_slice_is_held_and_large_pictures_are_made_smaller() -> None:
    image = np.zeros((1, 3, 1200, 900), np.float32)
    image[:, 1] = 1
    drawn = Drawn.of(masks(2, (3, 1200, 900)), plane=1)
    found = inflated(opened(image, masks(2, (3, 1200, 900)), [Opened("", "", drawn)], (5.0, 2.0, 1.0)))
    assert found["mm2"] is None and found["ml"] == 0.01 and found["aspect"] == 2
    assert found["plane"] == 1 and found["slices"] == 3 and found["size"] == [1200, 900]
    assert max(pixels(found["image"]).size) == LONGEST and np.asarray(pixels(found["image"])).min() > 250


def test_thumbnail_is_small_and_coloured() -> None:
    uri = thumbnail(np.zeros((1, 64, 48), np.float32), masks(2)[:, 0].astype(np.uint8))
    assert len(uri) < 4000 and np.asarray(pixels(uri)).std(2).max() > 20
