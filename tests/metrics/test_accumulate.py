import json
import math

import numpy as np
import pytest
import torch

from atfm.errors import InputError
from atfm.metrics.distribution import DistributionScores
from atfm.metrics.reliability import ReliabilityBins
from atfm.metrics.scores import score_case
from atfm.metrics.table import summarise


def cases(draw, count: int = 6) -> list[tuple[np.ndarray, np.ndarray, np.ndarray, dict[str, str]]]:
    """Samples, annotations of 2 to 4 annotators, a probability, and the names: two cases for each patient."""
    rng = np.random.default_rng(0)
    return [
        (draw(i, 5), draw(i + 50, 2 + i % 3), rng.random((1, 5, 4)), {"case_id": f"c{i}", "patient_id": f"p{i // 2}"})
        for i in range(count)
    ]


def filled(draw, order: slice = slice(None), **options) -> DistributionScores:
    scores = DistributionScores(ns=(2, 5), **options)
    for s, r, p, names in cases(draw)[order]:
        scores.update(s, r, p, **names)
    return scores


def test_it_says_what_rows_bins_and_bootstrap_say(draw) -> None:
    rows, bins = [], ReliabilityBins(20)
    for s, r, p, names in cases(draw):
        rows.append({"patient": names["patient_id"], **score_case(s, r, p, ns=(2, 5))})
        bins.update(p, r)
    scores = filled(draw, seed=3, resamples=50)
    table = scores.compute()
    ece = table.pop("ece")
    assert table == summarise(rows, seed=3, resamples=50)
    assert ece.mean == pytest.approx(bins.ece) and ece.low is None and ece.cases == 6
    np.testing.assert_allclose(scores.reliability().drawn, bins.drawn)


def test_the_order_of_the_cases_changes_no_bit(draw) -> None:
    assert filled(draw).compute() == filled(draw, slice(None, None, -1)).compute()


def test_an_update_returns_the_scores_of_the_case(draw) -> None:
    s, r, p, names = cases(draw)[0]
    scores = DistributionScores(ns=(2,))
    assert scores.update(s, r, p, **names) == score_case(s, r, p, ns=(2,))
    assert scores.rows() == [{"case": "c0", "patient": "p0", **score_case(s, r, p, ns=(2,))}]


def test_a_case_counts_once(draw) -> None:
    scores = filled(draw)
    before = scores.compute()
    s, r, p, names = cases(draw)[3]
    assert scores.update(torch.from_numpy(s), r.astype(float), p, **names) == score_case(s, r, p, ns=(2, 5))
    assert len(scores) == 6 and scores.compute() == before


def test_another_case_under_a_known_name_is_refused(draw) -> None:
    """Two slices that go by the number of their scan would count once, and nobody would know."""
    scores = filled(draw)
    s, r, p, names = cases(draw)[3]
    for given, wrong in (
        ((s, r[::-1], p), "annotations"),
        ((~s, r, p), "samples"),
        ((s, r), "samples"),
        ((~s, ~r, p), "annotations and samples"),
    ):
        with pytest.raises(InputError, match=f"case c3: its {wrong} are not those that were scored under this name"):
            scores.update(*given, **names)
    with pytest.raises(InputError, match="case c3: its patient"):
        scores.update(s, r, p, case_id="c3", patient_id="somebody else")
    restored = DistributionScores(ns=(2, 5))
    restored.load_state_dict(json.loads(json.dumps(scores.state_dict())))
    with pytest.raises(InputError, match="case c3: its annotations"):
        restored.update(s, r[::-1], p, **names)


def test_processes_may_draw_other_samples_of_a_case_but_no_other_case(draw) -> None:
    scores, others = filled(draw, slice(4)), DistributionScores(ns=(2, 5))
    s, r, p, names = cases(draw)[3]
    others.update(~s, r, p, **names)
    before = scores.compute()
    scores.merge(others.state_dict())  # as a sampler hands a case to two processes
    assert scores.compute() == before
    wrong = DistributionScores(ns=(2, 5))
    wrong.update(s, r[:-1], p, **names)
    with pytest.raises(InputError, match="case c3: its annotations are not those"):
        scores.merge(wrong.state_dict())


def test_a_state_of_old_has_no_content_and_is_taken(draw) -> None:
    state = filled(draw).state_dict()
    for entry in state["cases"].values():
        del entry["content"]
    scores = DistributionScores(ns=(2, 5))
    scores.load_state_dict(state)
    s, r, p, names = cases(draw)[3]
    assert scores.update(s, r, p, **names) == score_case(s, r, p, ns=(2, 5))


def test_cases_without_a_name_are_all_different(draw) -> None:
    scores = DistributionScores(ns=(2,))
    for _ in range(3):
        scores.update(draw(0, 4), draw(1, 3))
    assert len(scores) == 3 and scores.compute()["ged"].low is not None  # three patients


def test_names_made_up_after_a_restart_are_new(draw) -> None:
    first = DistributionScores(ns=(2,))
    first.update(draw(0, 4), draw(1, 3))
    second = DistributionScores(ns=(2,))
    second.load_state_dict(first.state_dict())
    second.update(draw(2, 4), draw(3, 3))
    assert len(second) == 2


def test_reset_forgets(draw) -> None:
    scores = filled(draw)
    scores.reset()
    assert len(scores) == 0 and scores.compute() == {} and scores.rows() == []


def test_the_state_survives_json_to_the_last_bit(draw) -> None:
    half, rest = filled(draw, slice(3)), DistributionScores(ns=(2, 5))
    rest.load_state_dict(json.loads(json.dumps(half.state_dict())))
    for s, r, p, names in cases(draw)[3:]:
        rest.update(s, r, p, **names)
    assert rest.compute() == filled(draw).compute()


def test_states_merge_and_later_updates_leave_them_alone(draw) -> None:
    left, right = filled(draw, slice(4)), filled(draw, slice(2, 6))
    state = right.state_dict()
    left.merge(state)
    assert left.compute() == filled(draw).compute()
    right.reset()
    assert len(state["cases"]) == 4


@pytest.mark.parametrize("state", [{}, {"cases": {"a": {}}}, {"cases": [1]}])
def test_a_state_of_something_else_is_refused(state) -> None:
    with pytest.raises(InputError, match="state: expected 'cases'"):
        DistributionScores().load_state_dict(state)


def test_bins_that_were_not_kept_are_missed_by_name(draw) -> None:
    scores = DistributionScores(ns=(2, 5))
    scores.load_state_dict(filled(draw, bins=0).state_dict())
    with pytest.raises(InputError, match="case c0: expected 20 bins, got none"):
        scores.compute()
    assert "ece" not in filled(draw, bins=0).compute()


def test_a_batch_is_its_cases(draw) -> None:
    s, r = np.stack([draw(i, 5) for i in range(3)]), [draw(i + 50, 2 + i) for i in range(3)]
    batch, single = DistributionScores(ns=(5,)), DistributionScores(ns=(5,))
    batch.update_batch(torch.from_numpy(s), r, case_ids=["a", "b", "c"], patient_ids=["p", "p", "q"])
    for drawn, drawn_by_hand, case, patient in zip(s, r, "abc", "ppq", strict=True):
        single.update(drawn, drawn_by_hand, case_id=case, patient_id=patient)
    assert batch.compute() == single.compute()
    with pytest.raises(InputError, match="case_id: expected one for each of 3 cases, got 2"):
        batch.update_batch(s, r, case_ids=["a", "b"])


def test_classes_and_ignored_pixels_go_all_the_way(draw) -> None:
    s, r = draw(0, 4, 3), draw(1, 3, 3)
    ignore = np.zeros((5, 4), bool)
    ignore[0] = True
    scores = DistributionScores(ns=(4,), per_class=("liver", "tumour"), empty=None)
    scores.update(s, r, ignore=ignore, case_id="a")
    table = scores.compute()
    kept = DistributionScores(ns=(4,), per_class=("liver", "tumour"), empty=None)
    kept.update(s[:, :, 1:], r[:, :, 1:], case_id="a")
    assert table == kept.compute() and "ged_4/tumour" in table
    assert math.isfinite(table["ece"].mean)
