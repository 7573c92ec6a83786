import pytest

from atfm.metrics.table import Interval
from atfm.report.published import all_tables, published_tables
from atfm.report.tables import ScoreRow, class_table, full_table, label, number, published_section, score_table

SCORES = {
    "ged": Interval(-0.01, -0.03, 0.02, 9),
    "ged_16": Interval(0.2, 0.18, 0.22, 9),
    "ncc": Interval(0.5, None, None, 9),
}
ROWS = [ScoreRow("ATFM", SCORES, "model"), ScoreRow("Nothing", {"ged": Interval(0.88, None, None, 9)}, "reference")]


@pytest.mark.parametrize(
    ("value", "text"), [(0.2034, ".203"), (-0.01, "&minus;.010"), (1.0, "1.000"), (31.42, "31.4"), (0.0, ".000")]
)
def test_number(value: float, text: str) -> None:
    assert number(value) == text


def test_label_has_an_index_and_the_better_side() -> None:
    assert label("ged_16") == 'GED<sub>16</sub> <span class="arrow">&darr;</span>'
    assert label("d_max_32") == 'D<sub>max, 32</sub> <span class="arrow">&uarr;</span>'
    assert label("diversity") == "D<sub>ss</sub>"


def test_main_table_marks_the_model_and_leaves_out_what_nobody_has() -> None:
    html = score_table(ROWS, "caption")
    assert html.count("<tr") == 3 and '<tr class="model">' in html and '<tr class="reference first">' in html
    assert ".180 to .220" in html and "HM-IoU" not in html and "NCC" not in html
    assert html.count("&ndash;") == 1, "the reference has no GED_16"


def test_class_table_has_a_row_of_the_first_method_for_each_class() -> None:
    html = class_table({"liver": ROWS, "a<b": [ScoreRow("ATFM", {"ged_16": Interval(0.4, None, None, 9)})]}, "caption")
    assert html.count("<tr") == 3 and '<th scope="col">class</th>' in html and "Nothing" not in html
    assert "liver" in html and "a&lt;b" in html and ".200" in html and ".400" in html and ".880" not in html
    assert html.count("&ndash;") == 1, "the second class has no GED"


def test_full_table_explains_every_score() -> None:
    html = full_table(ROWS, "caption")
    assert html.count("<tr>") == 1 + len(SCORES) and "NCC" in html and "unbiased" in html


def test_published_rows_are_set_apart() -> None:
    html = published_section(published_tables("lidc"), 14_152)
    assert html.count("<table") == 3 and "another set" in html
    assert "another set" not in published_section(all_tables()[:1], all_tables()[0].slices)
