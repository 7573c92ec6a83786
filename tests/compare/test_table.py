import pytest

from atfm.compare.table import name_of, number, short, shown


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.2034, ".203"), (-0.01, "-.010"), (1.0, "1.000"), (0.0, ".000"), (-0.0001, ".000"), (-1.5, "-1.500")],
)
def test_scores_have_three_digits(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2_030_000, "2.03 M"), (14_290_660, "14.3 M"), (4.42e11, "442 G"), (12_345, "12.3 k"), (9_999, "9999"),
        (850, "850"), (0.219, ".219"), (10.3, "10.3"), (0, "0"), (1.0, "1"),
    ],
)  # fmt: skip
def test_sizes_have_three_digits_and_a_unit(value: float, text: str) -> None:
    assert short(value) == text


def test_scores_go_by_the_names_of_the_field() -> None:
    names = [name_of(metric) for metric in ("ged", "ged_16", "hm_iou_32", "d_sr", "diversity", "best_k_iou_100")]
    assert names == ["GED", "GED_16", "HM-IoU_32", "D_sr", "D_ss", "best K IoU_100"]


def test_columns_are_those_of_papers_and_of_all_samples() -> None:
    papers = ["ged", "ged_16", "ged_32", "ged_100", "hm_iou_16", "hm_iou_32", "mdm_32", "d_sr", "diversity"]
    assert shown(100) == papers
    assert shown(8) == ["ged", "ged_8", "hm_iou_8", "mdm_8", "d_sr", "diversity"]
    assert "ged_50" in shown(50) and "ged_100" not in shown(50) and "hm_iou_50" not in shown(50)
