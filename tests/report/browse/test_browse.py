"""The table of cases in chromium: sorted, filtered, opened, printed, in the dark, without scripts, and by axe."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from atfm.report.browse import script
from atfm.report.drawn import Drawn

pytestmark = pytest.mark.browser
Visit = Callable[..., Any]
NAMES = "[...document.querySelectorAll('.cases tbody tr:not([hidden]) th')].map((cell) => cell.firstChild.textContent)"


def names(page: Any) -> list[str]:
    return page.evaluate(NAMES)


def opened(page: Any, number: int = 0) -> Any:
    page.locator("button.open").nth(number).click()
    page.wait_for_selector("tr.opened .steps")
    return page.locator("tr.opened")


def test_heads_sort_by_mouse_and_keyboard_and_what_is_missing_comes_last(visit: Visit, path: Path) -> None:
    page = visit(path)
    ged = page.locator("th.score").first
    assert ged.get_attribute("aria-sort") == "descending", "as it stands in the file"
    ged.locator("button").click()
    assert ged.get_attribute("aria-sort") == "ascending" and names(page)[0] == "case 119"
    page.locator("button.more").click()
    assert names(page)[-1] == "case 60" and len(names(page)) == 120
    page.keyboard.press("Home")
    page.locator("th.case button").focus()
    page.keyboard.press("Enter")
    assert page.locator("th.case").get_attribute("aria-sort") == "ascending" and ged.get_attribute("aria-sort") is None
    numbered = [name for name in names(page) if name.startswith("case ")]
    assert numbered[:3] == ["case 4", "case 5", "case 6"], "numbers in names count as numbers"
    page.keyboard.press("Space")
    assert page.locator("th.case").get_attribute("aria-sort") == "descending"


def test_filters_join_and_say_how_many_are_left(visit: Visit, path: Path) -> None:
    page = visit(path)
    told = page.locator(".controls output")
    assert told.inner_text() == "120 cases" and len(names(page)) == 100
    assert page.locator("button.more").inner_text() == "20 more of 20"
    page.get_by_label("Find a case or patient").fill("11 PATIENT")
    assert names(page) == ["case 11", *(f"case {k}" for k in range(110, 120))], "those behind the first hundred too"
    page.get_by_label("Empty readers").select_option("all")
    assert names(page) == ["case 114", "case 119"] and told.inner_text() == "2 of 120 cases"
    page.get_by_role("button", name="Clear").click()
    page.wait_for_function("document.querySelector('.controls output').textContent === '120 cases'")
    page.get_by_label("from").fill("0,5")
    page.get_by_label("to").fill(".52")
    assert names(page) == ["case 58", "case 59"], "half of 120, but for the one without a score"
    page.get_by_label("from").fill("7")
    assert names(page) == [] and told.inner_text() == "0 of 120 cases"


def test_a_case_opens_to_readers_samples_and_hypotheses(visit: Visit, path: Path, drawn: Drawn) -> None:
    page = visit(path)
    assert page.locator("button.open").count() == 20
    row = opened(page)
    captions = row.locator(".shots figcaption").all_inner_texts()
    assert captions[:3] == ["whole image", "3 annotators, 1 empty", "share of annotators"]
    assert captions[3:] == ["20 samples, 3 empty", "share of samples", "ambiguity"]
    assert row.locator(".share").all_inner_texts() == ["60 %", "25 %", "15 %"]
    box = row.locator(".shot .picture").first.bounding_box()
    assert box["width"] == pytest.approx(box["height"] * 8, rel=0.05), "pixels of .5 by 4 mm are as wide as they are"
    small, large = drawn.areas[0], drawn.areas[12]
    assert row.locator(".area").all_inner_texts() == [
        f"{small} px · {2 * small} mm²",
        f"{large} px · {2 * large} mm²",
        "nothing is outlined",
    ]
    row.locator(".hypothesis").nth(1).click()
    assert row.locator(".strip figcaption").all_inner_texts() == [f"{k}: {large} px" for k in range(13, 18)]
    assert "5 samples" in row.locator(".shots figcaption").all_inner_texts()
    row.get_by_role("button", name="Large: 5 samples").click()
    assert row.locator(".shot.large").bounding_box()["width"] > 450
    row.locator(".hypothesis").nth(1).click()
    assert row.locator(".shot.large figcaption").inner_text() == "20 samples, 3 empty", "it stays large"
    row.get_by_role("button", name="All 20 samples").click()
    assert (
        row.locator(".strip figcaption").last.inner_text() == "20: empty" and row.locator(".strip figure").count() == 20
    )
    row.get_by_role("button", name="Next case").click()
    page.wait_for_selector("#case-1-opened .steps")
    assert page.locator("tr.opened").count() == 1
    page.get_by_role("button", name="Close").click()
    assert page.locator("tr.opened").count() == 0
    assert page.evaluate("document.activeElement.closest('tr').id") == "case-1", "the focus stays where it was"


def test_names_are_text_and_nothing_else_runs(visit: Visit, path: Path) -> None:
    page = visit(path)
    assert names(page)[:2] == ["<img src=x onerror=alert(1)>", "</script><script>alert(2)</script>"]
    policy = page.locator("meta[http-equiv]").get_attribute("content")
    assert "default-src 'none'" in policy and "script-src 'sha256-" in policy and "unsafe-inline'; img" in policy


def test_methods_stand_side_by_side(visit: Visit, compared: Path) -> None:
    row = opened(visit(compared))
    boxes = [row.locator(".method").nth(k).bounding_box() for k in (0, 1)]
    assert boxes[0]["y"] == boxes[1]["y"] and boxes[0]["x"] + boxes[0]["width"] <= boxes[1]["x"]
    assert row.locator(".method h3").all_inner_texts() == ["one", "<b>two</b>"]


def test_print_shows_table_and_opened_cases_on_white_without_controls(visit: Visit, path: Path) -> None:
    page = visit(path, color_scheme="dark")
    row = opened(page)
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    ink = page.evaluate("getComputedStyle(document.body).color")
    assert sum(map(int, dark[4:-1].split(", "))) < 150 < 500 < sum(map(int, ink[4:-1].split(", ")))
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    for hidden in (".controls", ".cases > .more", ".steps", ".strip .more", ".contents"):
        assert not page.locator(hidden).is_visible(), hidden
    assert row.locator(".shot").first.is_visible() and row.locator(".histogram").is_visible()
    page.set_viewport_size({"width": 720, "height": 1000})
    assert page.evaluate("document.documentElement.scrollWidth") <= 720, "it fits on paper"


def test_without_scripts_the_table_is_whole_and_sorted(visit: Visit, path: Path) -> None:
    page = visit(path, java_script_enabled=False)
    assert page.locator(".cases tbody tr").count() == 120 and page.locator(".cases tbody tr").last.is_visible()
    assert page.locator("noscript .note").is_visible() and page.locator("button").count() == 0
    assert page.locator("th[aria-sort]").inner_text() == "GED"


@pytest.mark.parametrize(("scheme", "width"), [("light", 1150), ("dark", 390)])
def test_axe_finds_nothing(visit: Visit, path: Path, scheme: str, width: int) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page = visit(path, color_scheme=scheme, viewport={"width": width, "height": 900}, bypass_csp=True)
    opened(page)
    found = axe.Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page scrolls sideways"


def test_maps_are_those_of_numpy(chromium: Any, drawn: Drawn, text: Callable[..., str]) -> None:
    page = chromium.new_page()
    body = """const found = await inflated(value);
    const { box, masks } = found.methods[0];
    const weights = new Array(masks.shape[0]).fill(1 / masks.shape[0]);
    const shares = sharesOf(new Masks(masks), weights);
    return { box, share: [...shares.object], entropy: [...entropyOf(shares)] };"""
    code = "const run = Object.getPrototypeOf(async () => 0).constructor; return new run('value', all)(value)"
    found = page.evaluate(f"([all, value]) => {{ {code} }}", [f"{script()}\n{body}", text()])
    page.close()
    p = drawn.probability()[0][drawn.box.cut].ravel()
    assert np.allclose(found["share"], p, atol=1e-6) and found["box"]["width"] == drawn.box.width
    bits = -sum(np.where(q > 0, q * np.log2(np.where(q > 0, q, 1)), 0) for q in (p, 1 - p))
    assert np.allclose(found["entropy"], bits, atol=1e-5)
