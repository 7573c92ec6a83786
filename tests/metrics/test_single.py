import numpy as np
import pytest

from atfm.errors import InputError
from atfm.metrics.scores import score_case
from atfm.metrics.single import GED, MDM, BestKIoU, DMax, HMIoU, SingleScore
from atfm.metrics.table import describe, summarise


@pytest.mark.parametrize(
    ("score", "column"),
    [
        (GED(), "ged"),
        (GED(4), "ged_4"),
        (HMIoU(4), "hm_iou_4"),
        (HMIoU(), "hm_iou_6"),
        (MDM(4), "mdm_4"),
        (MDM(), "mdm_6"),
        (BestKIoU(4), "best_k_iou_4"),
        (DMax(4), "d_max_4"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_is_the_mean_of_its_column(draw, score: SingleScore, column: str) -> None:
    rows = []
    for case in range(4):
        s, r = draw(case, 6, 3), draw(case + 20, 2 + case % 2, 3)
        rows.append({"patient": str(case // 2), column: score_case(s, r, ns=(4, 6))[column]})
        score.update(s, r, case_id=str(case), patient_id=str(case // 2))
    want = summarise(rows)[column]
    assert score.compute() == pytest.approx(want.mean)
    assert (score.interval().low, score.interval().high) == pytest.approx((want.low, want.high))
    assert score.higher_is_better is describe(score.name).higher_is_better


def test_ignored_pixels_do_not_count(draw) -> None:
    s, r = draw(0, 4), draw(1, 3)
    ignore = np.zeros((5, 4), bool)
    ignore[:2] = True
    score, kept = GED(4), GED(4)
    score.update(s, r, ignore=ignore)
    kept.update(s[:, :, 2:], r[:, :, 2:])
    assert score.compute() == kept.compute()


def test_what_exists_for_no_case_has_no_mean(draw) -> None:
    score = GED()
    with pytest.raises(InputError, match="ged: expected a case that has it, got none"):
        score.compute()
    assert score.update(draw(0, 4), draw(1, 1)) == {}
    score.update(draw(0, 4), draw(1, 3), case_id="of three")
    assert score.interval().cases == 1 and len(score) == 2


def test_too_few_samples_are_refused(draw) -> None:
    with pytest.raises(InputError, match="samples: expected 8 for hm_iou_8, got 4; draw more"):
        HMIoU(8).update(draw(0, 4), draw(1, 3))
    with pytest.raises(InputError, match="n: expected at least one sample, got 0"):
        MDM(0)
