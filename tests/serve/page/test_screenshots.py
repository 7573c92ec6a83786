"""The pictures of the page in docs/: `make screenshots` writes them there, the tests only see that they can be made."""

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("page")]
LARGEST = 150_000  # bytes
GREYS = [*range(0, 100, 3), *range(100, 256, 12)]  # an image is dark for the most part


def first(shown: Any, scan: Path) -> None:
    """What a person sees at once."""
    shown.page.click(".viewer", position={"x": 5, "y": 5})
    shown.page.mouse.move(*shown.pixel(70, 62))


def maps(shown: Any, scan: Path) -> None:
    """Probability and contours under the annotators, in a narrow crop."""
    for layer in ("samples", "hypotheses", "probability", "contours"):
        shown.page.click(f"[data-layer={layer}]")
    shown.page.click("#zoom")
    shown.page.mouse.move(*shown.pixel(70, 62))


def compared(shown: Any, scan: Path) -> None:
    """The model beside the annotators."""
    shown.draw(lambda: shown.page.click("#compare"))
    shown.page.select_option("#side-1", label="all annotators")
    shown.page.click("#zoom")
    shown.page.mouse.move(0, 0)


def spots(shown: Any, scan: Path) -> None:
    """Two spots of a simulated CT side by side."""
    page = shown.page
    page.set_input_files("#file", scan)
    page.wait_for_selector("#slice-row:not([hidden])")
    page.select_option("#window", label="lung")
    for column, row, number in ((60, 70, 5), (110, 90, 10)):
        page.locator("#slice").fill(str(number + 1))
        page.wait_for_timeout(100)
        at = shown.pixel(column, row)
        shown.draw(lambda at=at: page.mouse.click(*at))
        page.mouse.move(*shown.pixel(column, row))


def small(picture: Image.Image) -> Image.Image:
    """With a palette: greys for the image, and the colours that are furthest from each other for what is drawn."""
    greys = [value for grey in GREYS for value in (grey, grey, grey)]
    others = picture.quantize(256 - len(GREYS), Image.Quantize.MAXCOVERAGE).getpalette() or []
    palette = Image.new("P", (1, 1))
    palette.putpalette((greys + others)[:768])
    return picture.quantize(palette=palette, dither=Image.Dither.NONE)


@pytest.mark.parametrize(
    ("name", "scheme", "act"),
    [
        ("page", "light", first),
        ("page-dark", "dark", maps),
        ("page-compare", "light", compared),
        ("page-ct", "dark", spots),
    ],
)
def test_screenshot(
    visit: Callable[..., Any], tmp_path: Path, name: str, scheme: str, act: Callable[..., None], scan: Path
) -> None:
    shown = visit(1280, 800, scheme)
    shown.idle()
    act(shown, scan)
    shown.page.wait_for_timeout(100)
    picture = Image.open(io.BytesIO(shown.page.screenshot()))
    folder = Path(os.environ.get("ATFM_SCREENSHOTS", tmp_path))
    file = folder / f"{name}.png"
    small(picture.convert("RGB")).save(file, optimize=True)
    assert file.stat().st_size < LARGEST and picture.size == (1280, 800)
