"""A page with a table of 120 cases, whose names would do harm if they were not escaped, and chromium to look at it."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from atfm.metrics.table import Interval
from atfm.report.browse import script, style
from atfm.report.case_table import CaseColumn, CaseLine, CaseTable
from atfm.report.document import document
from atfm.report.drawn import Drawn
from atfm.report.opened import Opened, opened, thumbnail
from atfm.report.page import Report, render
from atfm.report.tables import ScoreRow

SIDE = 40
NASTY = ("<img src=x onerror=alert(1)>", "</script><script>alert(2)</script>", '=HYPERLINK("http://x")', "c'&\"3")


def disc(radius: float, x: float = 20, y: float = 18) -> np.ndarray:
    rows, columns = np.indices((SIDE, SIDE))
    return (columns - x) ** 2 + (rows - y) ** 2 < radius**2


def masks(radii: list[float], x: float = 20) -> np.ndarray:
    return np.stack([disc(radius, x)[None] for radius in radii])


@pytest.fixture(scope="session")
def drawn() -> Drawn:
    """Twenty samples: twelve small discs, five large ones, and three that are empty."""
    return Drawn.of(masks([4.2] * 12 + [9.2] * 5 + [0] * 3))


@pytest.fixture(scope="session")
def text(drawn: Drawn) -> Callable[..., str]:
    """What a case opens to, by one method, or by several of these labels."""
    image = np.linspace(0, 1, SIDE * SIDE, dtype=np.float32).reshape(1, SIDE, SIDE)

    def make(*labels: str) -> str:
        return opened(
            image, masks([5, 7, 0]), [Opened(label, "GED 0.100", drawn) for label in labels or ("",)], (0.5, 4.0)
        )

    return make


def lines(text: Callable[..., str]) -> list[CaseLine]:
    image = np.zeros((1, SIDE, SIDE), np.float32)
    picture = thumbnail(image, masks([5, 7])[:, 0].astype(np.uint8))
    found = []
    for number in range(120):
        name = NASTY[number] if number < len(NASTY) else f"case {number}"
        score = None if number == 60 else round(1 - number / 120, 3)
        line = CaseLine(name, f"patient {number // 10}", 4, number % 5 / 4, [score, number % 7 / 6], 1 - number / 120)
        found.append(replace(line, thumbnail=picture, opened=text() if number < 20 else ""))
    return found


@pytest.fixture(scope="session")
def path(text: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of an evaluation."""
    columns = [CaseColumn("GED", "GED"), CaseColumn("empty samples", "empty samples", share=True)]
    table = CaseTable(columns, lines(text), told=["100 of 120 cases cannot be opened."])
    row = ScoreRow("ATFM", {"ged": Interval(0.02, 0.01, 0.03, 9), "ged_16": Interval(0.2, 0.18, 0.22, 9)}, "model")
    report = Report("discs", "20 masks.", {"Model": "discs"}, [row], "120 cases", "atfm evaluate", table=table)
    file = tmp_path_factory.mktemp("page") / "report.html"
    file.write_text(render(report), encoding="utf-8")
    return file


@pytest.fixture(scope="session")
def compared(text: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page whose case opens to two methods."""
    line = CaseLine("case", "patient", 3, 1 / 3, [0.1, 0.2], 0.1, opened=text("one", "<b>two</b>"))
    table = CaseTable([CaseColumn("GED, one", "GED one"), CaseColumn("GED, two", "GED two")], [line], None)
    file = tmp_path_factory.mktemp("compared") / "table.html"
    file.write_text(document("two", table.html(), style=style(), script=script()), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """The browser."""
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("chromium is not installed")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium: Any) -> Iterator[Callable[..., Any]]:
    """Open a file: `visit(path, color_scheme=...)`; at the end nothing may have failed or been asked for."""
    contexts, failed, asked = [], [], []

    def open_file(file: Path, **options: Any) -> Any:
        contexts.append(chromium.new_context(**{"viewport": {"width": 1150, "height": 900}} | options))
        page = contexts[-1].new_page()
        page.on("console", lambda message: failed.append(message.text))
        page.on("pageerror", lambda error: failed.append(str(error)))
        page.on("dialog", lambda dialog: failed.append(dialog.message))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(file.as_uri())
        return page

    yield open_file
    for context in contexts:
        context.close()
    assert not failed and all(url.startswith(("file:", "data:")) for url in asked)
