import numpy as np
import pytest

from atfm.report.drawn import MOST_BYTES, MOST_SAMPLES, Drawn, box_of, fullest
from atfm.report.panels import foreground


def blobs(samples: int = 30, classes: int = 1, spatial: tuple[int, ...] = (40, 50)) -> np.ndarray:
    """Some classes in some rectangles, and every fifth sample empty; of several classes the first is what is left."""
    rng = np.random.default_rng(1)
    masks = np.zeros((samples, classes, *spatial), bool)
    for number in range(samples):
        for channel in range(min(1, classes - 1), classes) if number % 5 else ():
            top, left = 10 + rng.integers(3), 12 + 8 * channel + rng.integers(3)
            masks[number, channel, ..., top : top + 9, left : left + 5] = True
    if classes > 1:
        masks[:, 0] = ~masks[:, 1:].any(1)
    return masks


@pytest.mark.parametrize("classes", [1, 3])
def test_samples_come_back_from_text(classes: int) -> None:
    masks = blobs(classes=classes)
    drawn = Drawn.from_text(Drawn.of(masks).text())
    assert drawn == Drawn.of(masks) and drawn.samples == 30
    assert np.array_equal(drawn.whole(), masks)
    assert np.allclose(drawn.probability(), masks.mean(0), atol=1e-6)
    assert drawn.areas == foreground(masks).reshape(30, -1).sum(1).tolist()


def test_hypotheses_are_of_all_samples_each_once() -> None:
    drawn = Drawn.of(blobs())
    nothing = next(one for one in drawn.readings if one.empty)
    assert nothing.probability == pytest.approx(0.2) and nothing.area == 0
    assert sum(one.probability for one in drawn.readings) == pytest.approx(1)
    shares = np.bincount(drawn.reading_of) / 30
    assert np.allclose(shares, [one.probability for one in drawn.readings], atol=1e-6)


def test_weights_count_and_one_without_is_in_no_hypothesis() -> None:
    masks, weights = blobs(4), np.array([0.5, 0.25, 0.25, 0.0])
    drawn = Drawn.of(masks, weights=weights)
    assert np.allclose(drawn.probability(), np.tensordot(weights, masks, 1), atol=1e-6)
    assert drawn.reading_of[3] == -1 and next(one for one in drawn.readings if one.empty).probability == 0.5


def test_of_a_volume_the_slice_is_kept_and_the_size_is_of_all() -> None:
    masks = blobs(spatial=(4, 40, 50))
    masks[:, :, 0] = False
    annotations = np.zeros((2, 1, 4, 40, 50), bool)
    annotations[:, :, 2, 5:9, 5:9] = True
    assert fullest(annotations) == 2 and fullest(annotations[:, :, 0]) is None
    drawn = Drawn.of(masks, plane=2)
    assert np.array_equal(drawn.whole(), masks[:, :, 2]) and max(drawn.areas) == 3 * 45


def test_what_is_too_large_is_cut_to_the_first_samples_or_left_out() -> None:
    noise = np.random.default_rng(0).random((100, 1, 64, 64)) < 0.5
    drawn = Drawn.of(noise)
    assert 0 < len(drawn.areas) < 100 == drawn.samples and np.array_equal(drawn.whole(), noise[: len(drawn.areas)])
    assert len(drawn.text()) < 1.2 * MOST_BYTES
    assert Drawn.of(np.random.default_rng(0).random((2, 1, 640, 640)) < 0.5) is None
    assert len(Drawn.of(blobs(300)).areas) == MOST_SAMPLES


def test_box_holds_what_is_marked_and_of_nothing_is_one_pixel() -> None:
    region = np.zeros((20, 30), bool)
    assert box_of(region).width == box_of(region).height == 1
    region[3:7, 9:12] = True
    box = box_of(region)
    assert (box.x, box.y, box.width, box.height) == (9, 3, 3, 4) and region[box.cut].all()
