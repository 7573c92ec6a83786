import itertools

import numpy as np
import pytest

import atfm.data.crop as crop
from atfm.data.survey.case import CaseSurvey, look


def of(labels: np.ndarray, **options) -> CaseSurvey:
    options = {"classes": 1, **options}
    return look(lambda box: labels[:, *box], labels.shape[1:], None, ("c", "p"), **options)


@pytest.mark.parametrize("shape", [(20, 17), (6, 9, 8)])
def test_against_a_naive_look(shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crop, "_SLAB", 256)  # several slabs
    labels = (np.random.default_rng(0).random((3, *shape)) > 0.95).astype(np.uint8)
    labels[2] = 0
    found = of(labels)
    assert found.areas.tolist() == [int(mask.sum()) for mask in labels]
    for box, mask in zip(found.boxes, labels[:2], strict=False):
        at = np.argwhere(mask)
        assert box.tolist() == np.stack([at.min(0), at.max(0) + 1], -1).tolist()
    assert not found.boxes[2].any()
    at = np.argwhere(labels.any(0))
    assert found.box is not None and found.box.tolist() == np.stack([at.min(0), at.max(0) + 1], -1).tolist()
    pairs = [(a.astype(bool), b.astype(bool)) for a, b in itertools.combinations(labels, 2)]
    assert found.iou == pytest.approx(np.mean([(a & b).sum() / (a | b).sum() for a, b in pairs]))
    assert found.overlap == bool((labels[0] & labels[1]).any())
    assert found.empty == 1
    assert found.extents.shape == (2, len(shape))


def test_pieces_are_connected_and_the_largest_comes_first() -> None:
    labels = np.zeros((2, 12, 12), np.uint8)
    labels[0, 1, 1] = labels[0, 2, 2] = 1  # corners touch
    labels[1, 6:9, 5:11] = 1
    found = of(labels)
    assert found.pieces_areas.tolist() == [18, 2]
    assert found.pieces.tolist() == [[[6, 9], [5, 11]], [[1, 3], [1, 3]]]
    assert found.overlap is False and found.iou == 0


def test_nothing_marked_and_a_single_reader() -> None:
    nothing = of(np.zeros((2, 5, 5), np.uint8))
    assert (nothing.iou, nothing.overlap, nothing.box, len(nothing.pieces)) == (1.0, None, None, 0)
    assert of(np.ones((1, 5, 5), np.uint8)).iou is None


def test_classes_and_what_is_ignored() -> None:
    labels = np.array([[[0, 1, 9], [2, 2, 0]], [[9, 1, 9], [0, 0, 0]]], np.uint8)
    found = of(labels, classes=4, ignore_label=9)
    assert found.classes.tolist() == [2, 1, 0]
    assert found.areas.tolist() == [3, 1]
    assert found.ignored == pytest.approx(2 / 6)
