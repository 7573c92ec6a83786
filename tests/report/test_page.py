import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from atfm.metrics.table import Interval
from atfm.report.figures import Curve, score_chart
from atfm.report.page import Chart, Report, render
from atfm.report.panels import Illustration
from atfm.report.published import published_tables
from atfm.report.tables import ScoreRow


@pytest.fixture(scope="module")
def report() -> Report:
    masks = np.zeros((8, 1, 48, 48), bool)
    masks[:, :, 20:30, 18:26] = True
    image = np.linspace(0, 1, 48 * 48, dtype=np.float32).reshape(1, 48, 48)
    case = Illustration("Best case", "c1", "p1", "GED 0.1", image, masks[:4], masks, masks[0] * 0.7, masks[0, 0] * 0.9)
    scores = {"ged": Interval(0.02, 0.01, 0.03, 9), "ged_16": Interval(0.2, 0.18, 0.22, 9)}
    return Report(
        title="lidc & friends",
        lead="16 masks.",
        facts={"Model": "<lidc>"},
        rows=[ScoreRow("ATFM", scores, "model")],
        cases="9 cases of 3 patients",
        command="atfm evaluate lidc store",
        alarms=["Leaky: beware."],
        charts=[Chart("Scores", "A caption.", score_chart({"GED": [Curve("ATFM", [1, 16], [0.5, 0.2])]}))],
        illustrations=[case, case],
        published=published_tables("lidc"),
        slices=14_152,
    )


def test_page_loads_nothing_from_elsewhere(report: Report) -> None:
    page = render(report)
    links = re.findall(r'(?:src|href)\s*=\s*"([^"]*)"', page)
    assert links and all(link.startswith(("#", "data:")) for link in links)
    assert not re.search(r"@import|url\((?!#)|<script|<link(?! rel=\"icon\")", page)


def test_page_holds_figures_tables_and_words(report: Report) -> None:
    page = render(report)
    assert page.count('class="chart"') == 1 and page.count('<section class="case">') == 2
    for text in (
        "lidc &amp; friends",
        "&lt;lidc&gt;",
        "Leaky: beware.",
        "LIDCv1",
        "V-statistic",
        "U-statistic",
        "Dice = 1",
    ):
        assert text in page
    assert len(page) < 3_000_000


def test_names_on_the_page_are_unique(report: Report) -> None:
    names = re.findall(r'\bid="([^"]*)"', render(report))
    assert names and len(names) == len(set(names))


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_in_a_browser(report: Report, tmp_path: Path, scheme: str) -> None:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed")
    sync_api = pytest.importorskip("playwright.sync_api")
    (tmp_path / "report.html").write_text(render(report), encoding="utf-8")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1150, "height": 900}, color_scheme=scheme)
        asked, failed = [], []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: failed.append(message.text))
        page.goto((tmp_path / "report.html").as_uri())
        assert page.title() == "lidc & friends"
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page scrolls sideways"
        ink, paper = (page.evaluate(f"getComputedStyle(document.body).{name}") for name in ("color", "backgroundColor"))
        text = page.evaluate("getComputedStyle(document.querySelector('svg.chart text')).fill")
        assert text == ink != paper, "the chart is written in the page's ink"
        outline = page.locator(".samples path").first.bounding_box()
        tile = page.locator(".samples svg").first.bounding_box()
        assert outline["width"] > tile["width"] / 8, "the outline is seen"
        browser.close()
    assert not failed and all(url.startswith(("file:", "data:")) for url in asked)
