import xml.etree.ElementTree as ElementTree

import pytest

from atfm.report.figures import INK, Curve, diversity_chart, empty_mask_chart, reliability_chart, score_chart

CURVE = Curve("ATFM", [1, 2, 4], [0.6, 0.4, 0.3], [0.5, 0.3, 0.2], [0.7, 0.5, 0.4])
FLOOR = Curve("floor", [1, 4], [0.5, 0.2], reference=True)
CHARTS = {
    "score": lambda: score_chart({"GED": [CURVE, FLOOR], "HM-IoU": [CURVE]}),
    "empty masks": lambda: empty_mask_chart([Curve("ATFM", [0.1, 0.9], [0.2, 0.8])], [(3, 0.1, 0.2), (5, 0.9, 0.8)]),
    "reliability": lambda: reliability_chart([Curve("ATFM", [0.1, 0.9], [0.2, 0.8])], [10.0, 0.0, 5.0]),
    "diversity": lambda: diversity_chart({"ATFM": ([0.1, 0.5], [0.2, 0.4]), "GTR": ([], [])}),
}


@pytest.fixture(params=CHARTS)
def chart(request: pytest.FixtureRequest) -> str:
    return CHARTS[request.param]()


def test_chart_is_a_well_formed_element(chart: str) -> None:
    root = ElementTree.fromstring(chart)
    assert root.tag.endswith("svg") and root.get("role") == "img" and root.get("aria-label")


def test_chart_takes_the_colour_and_font_of_the_page(chart: str) -> None:
    assert INK not in chart and "currentColor" in chart
    assert "font-family" not in chart and "<style" not in chart and "<metadata" not in chart


def test_names_within_charts_do_not_clash() -> None:
    names = [{e.get("id") for e in ElementTree.fromstring(make()).iter() if e.get("id")} for make in CHARTS.values()]
    assert all(not names[i] & names[j] for i in range(len(names)) for j in range(i))


def test_the_same_chart_is_the_same_text() -> None:
    assert CHARTS["score"]() == CHARTS["score"]()


def test_thousands_of_points_stay_small() -> None:
    points = [i / 5000 for i in range(5000)]
    assert len(diversity_chart({"ATFM": (points, points)})) < 100_000
