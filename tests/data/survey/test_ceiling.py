import numpy as np
import pytest

from atfm.data.case import Case
from atfm.data.geometry.rule import Fit
from atfm.data.source import InMemory
from atfm.data.survey import ceiling
from atfm.errors import InputError


def cases(classes: int = 1) -> InMemory:
    found = []
    for number, side in enumerate((60, 90, 75)):
        y, x = np.mgrid[:side, :side]
        masks = np.stack([(y - 30) ** 2 + (x - 28) ** 2 < radius**2 for radius in (20, 23)]).astype(np.uint8)
        masks *= np.uint8(max(classes - 1, 1))
        masks[0, -2, -3] = 1
        found.append(Case(np.zeros((1, side, side), np.float32), masks, f"c{number}", f"p{number}"))
    return InMemory(found)


def test_nothing_is_lost_where_nothing_is_resampled() -> None:
    found = ceiling(cases(), Fit(step=(1.0, 1.0)), 1)
    assert (found.iou, found.dice, found.hm_iou, found.hard_iou, found.lesions) == (1, 1, 1, 1, 0)


@pytest.mark.parametrize("classes", [1, 3])
def test_coarser_pixels_cost_more_and_less_by_what_is_covered(classes: int) -> None:
    fine, coarse = (ceiling(cases(classes), Fit(canvas=(side, side)), classes) for side in (40, 14))
    assert 1 > fine.iou > coarse.iou > 0.4
    if classes == 1:
        assert fine.iou > fine.hard_iou > 0.85 and coarse.dice > coarse.iou
        assert coarse.hm_iou == pytest.approx(coarse.iou)  # each is matched with itself
    assert coarse.sizes.tolist() == [[14, 14]] * 3
    np.testing.assert_allclose(coarse.steps[:, 0], [60 / 14, 90 / 14, 75 / 14])
    assert coarse.vanished == (3 if classes == 1 else 0) and coarse.kept == (0 if classes == 1 else 3)


def test_what_the_crop_cannot_hold_is_counted() -> None:
    assert ceiling(cases(), Fit(step=(2.0, 2.0)), 1, crop=(22, 22)).larger == 0.5  # 39 and 45 pixels
    assert ceiling(cases(), Fit(step=(2.0, 2.0)), 1, crop=(64, 64)).larger == 0
    with pytest.raises(InputError, match="at least 1 case"):
        ceiling(InMemory([]), Fit(step=(2.0, 2.0)), 1)
