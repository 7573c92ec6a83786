import numpy as np
import pytest

from atfm.bench.metrics_speed import bench_memory, bench_metrics, by_double_loop, by_matrix
from atfm.errors import InputError


def test_both_sides_give_the_same_numbers_and_ours_is_quicker() -> None:
    result = bench_metrics(cases=40, size=64, samples=16, naive_cases=3)
    assert result["largest_difference"] < 1e-12
    assert result["ratio"] > 2  # of 100 samples far more: there the loop has 40 times as many pairs
    assert result["naive_seconds"] == pytest.approx(result["naive_measured_seconds"] / 3 * 40)
    assert 10 < result["mean_area"] < 64 * 64 / 8  # masks are neither empty nor all there is
    assert 0 < result["ged_16"] < 1 and 0 < result["hm_iou_16"] <= result["mdm_16"] <= 1


def test_the_loop_and_the_product_by_hand() -> None:
    s = np.array([[[[1, 1, 0, 0]]], [[[0, 0, 0, 0]]]], bool)
    r = np.array([[[[1, 0, 0, 0]]], [[[0, 0, 0, 0]]]], bool)
    # distances 1/2 and 0 to the same, 1 to the other; within both sets 1
    want = 2 * (0.5 + 1 + 1 + 0) / 4 - 0.5 - 0.5, (0.5 + 1) / 2, (2 / 3 + 1) / 2
    assert by_double_loop(s, r) == pytest.approx(want)
    assert by_matrix(s, r) == pytest.approx(want)


def test_threads_change_no_score() -> None:
    one, two = (bench_metrics(cases=4, size=32, samples=8, naive_cases=1, threads=t) for t in (None, 2))
    for name in ("ged_8", "hm_iou_8", "mdm_8", "mean_area"):
        assert one[name] == two[name]
    assert (one["threads"], two["threads"]) == (1, 2)


def test_memory_is_less_than_all_masks_as_numbers() -> None:
    result = bench_memory(size=96, samples=120)
    assert result["masks_mb"] == pytest.approx(124 * 96 * 96 / 2**20)
    assert 0 < result["peak_mb"] < 4 * result["masks_mb"] + 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cases": 0}, "expected positive numbers"),
        ({"threads": -1}, "expected positive numbers"),
        ({"annotators": 5}, "expected annotators that divide 32"),
        ({"size": 8}, "size: expected"),
    ],
)
def test_what_cannot_be_measured_is_refused(options: dict[str, int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        bench_metrics(**options)
