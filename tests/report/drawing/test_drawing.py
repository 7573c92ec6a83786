"""The drawing code in chromium, against Python's own outlines, numpy's bits and matplotlib's colours."""

import base64
import json
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from matplotlib import colormaps

from atfm.io.outlines import outlines
from atfm.report import drawing

pytestmark = pytest.mark.browser
Evaluate = Callable[..., Any]


@pytest.fixture(scope="module")
def evaluate() -> Iterator[Evaluate]:
    """Run JavaScript behind the joined script, as a report holds it: a function body, and its argument."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.set_content(f"<!doctype html><style>{drawing.style()}</style><body></body>")
        wrapped = "window.run = (body, value) => new Function('value', `${window.all}\\n${body}`)(value)"
        page.evaluate(f"window.all = {json.dumps(drawing.script())}; {wrapped}")
        yield lambda body, value=None: page.evaluate("([body, value]) => window.run(body, value)", [body, value])
        browser.close()


def packed(masks: np.ndarray) -> dict[str, Any]:
    bits = np.packbits(masks.reshape(len(masks), -1), axis=1)
    return {"shape": list(masks.shape), "bits": base64.b64encode(bits.tobytes()).decode()}


def blobs(seed: int, count: int = 12, size: tuple[int, int] = (13, 19)) -> np.ndarray:
    """Masks `[count, *size]` of many pieces, holes and touching corners."""
    return np.random.default_rng(seed).random((count, *size)) < np.linspace(0.1, 0.9, count)[:, None, None]


def unit_edges(corners: np.ndarray) -> Counter[tuple[float, ...]]:
    """The steps of one pixel of a closed way `[N, 2]`."""
    found: Counter[tuple[float, ...]] = Counter()
    for start, end in zip(corners, np.roll(corners, -1, 0), strict=True):
        length = int(np.abs(end - start).sum())
        step = (end - start) / max(length, 1)
        found.update((*(start + k * step), *(start + (k + 1) * step)) for k in range(length))
    return found


def without_channels(edges: Counter[tuple[float, ...]]) -> set[tuple[float, ...]]:
    """What is walked one way only: the channel to a hole is walked both ways."""
    return {edge for edge in edges if edges[edge] > edges[(*edge[2:], *edge[:2])]}


def test_outlines_are_those_of_python(evaluate: Evaluate) -> None:
    masks = blobs(1)
    masks[0] = False
    body = (
        "const m = new Masks(value);"
        "return [...Array(m.count).keys()].map((k) => outlines(m.mask(k), m.width, m.height))"
    )
    ways = evaluate(body, packed(masks[:, None, None]))
    assert ways[0] == []
    for mask, drawn in zip(masks, ways, strict=True):
        own: Counter[tuple[float, ...]] = Counter()
        for way in drawn:
            own.update(unit_edges(np.reshape(way, (-1, 2)) - 0.5))
        theirs: Counter[tuple[float, ...]] = Counter()
        for corners in outlines(mask):
            theirs.update(unit_edges(corners))
        assert own.keys() == without_channels(theirs) and max(own.values(), default=1) == 1


def test_outline_without_holes_has_the_corners_of_python(evaluate: Evaluate) -> None:
    mask = np.zeros((9, 11), bool)
    mask[2:7, 3:5] = mask[4:6, 3:9] = True
    (way,) = evaluate("return outlines(value, 11, 9)", mask.ravel().astype(int).tolist())
    corners = [tuple(corner) for corner in np.reshape(way, (-1, 2)) - 0.5]
    (expected,) = outlines(mask)
    first = corners.index(tuple(expected[0]))
    assert [*corners[first:], *corners[:first]] == [tuple(corner) for corner in expected]


@pytest.mark.parametrize("exact", [True, False])
def test_path_encloses_the_pixels_of_the_mask(evaluate: Evaluate, exact: bool) -> None:
    """Chromium fills the path; what it fills is the mask."""
    masks = blobs(2, 6)
    body = (
        "const [masks, exact] = value; const c = document.createElement('canvas').getContext('2d');"
        "return masks.map((mask) => { const path = new Path2D(outlinePath(mask, 19, 13, exact));"
        "return mask.map((_, at) => Number("
        "c.isPointInPath(path, (at % 19) + .5, Math.floor(at / 19) + .5, 'evenodd'))) })"
    )
    flat = masks.reshape(6, -1).astype(int)
    assert evaluate(body, [flat.tolist(), exact]) == flat.tolist()


def test_bits_of_classes_and_slices(evaluate: Evaluate) -> None:
    masks = np.stack([blobs(seed, 6, (5, 7)).reshape(3, 2, 5, 7) for seed in range(4)])  # [4, C, D, H, W]
    body = "const m = new Masks(value); return [0, 1, 2, 3].map((k) => [0, 1].map((s) => [...m.mask(k, s)]))"
    expected = masks[:, 1:].any(1).reshape(4, 2, -1).astype(int)
    assert evaluate(body, packed(masks)) == expected.tolist()
    joined = evaluate(
        "const m = new Masks(value[0]).join(value[1]); return [m.count, [...m.mask(3, 1)]]",
        [packed(masks[:1]), packed(masks[1:])],
    )
    assert joined == [4, expected[3, 1].tolist()]


def test_map_and_its_contours(evaluate: Evaluate) -> None:
    probability = np.array([[0, 0.1, 0.5], [0.49, 0.9, 1]])
    data = base64.b64encode(np.rint(probability * 255).astype(np.uint8).tobytes()).decode()
    value = {"shape": [1, 2, 3], "dtype": "uint8", "scale": 1 / 255, "data": data}
    body = (
        "const m = new ValueMap(value);"
        "return [m.at(1, 1), LEVELS.map((l) => contourPath(m.slice(), m.scale, l, 3, 2)),"
        "[0b011111, 0b001011, 0b000011].map((b) => outlinePath([5,4,3,2,1,0].map((s) => (b >> s) & 1), 3, 2))]"
    )
    middle, contours, expected = evaluate(body, value)
    assert middle == pytest.approx(0.9, abs=1 / 510) and contours == expected


@pytest.mark.parametrize("name", ["inferno", "viridis"])
def test_colours_are_matplotlibs(evaluate: Evaluate, name: str) -> None:
    table = np.array(list(evaluate("return [...colourMap(value)]", name))).reshape(256, 3)
    assert np.abs(table - colormaps[name](np.arange(256), bytes=True)[:, :3].astype(int)).max() <= 7


def test_grey_has_the_window(evaluate: Evaluate) -> None:
    body = (
        "const c = document.createElement('canvas'); drawGrey(c, {values: value, width: 5, height: 1, channels: 1}, "
        "{low: -1000, high: 400}); return [...c.getContext('2d').getImageData(0, 0, 5, 1).data]"
    )
    assert evaluate(body, [-2000, -1000, -300, 400, 3000])[::4] == [0, 0, 128, 255, 255]


def test_shares_sum_to_a_hundred(evaluate: Evaluate) -> None:
    given = [[1 / 3] * 3, [0.875, 0.125], [0.844, 0.109, 0.047], [0.001, 0.999], [1], [0.995, 0.003, 0.002]]
    whole = evaluate("return value.map(wholeShares)", given)
    assert whole == [[34, 33, 33], [88, 12], [84, 11, 5], [0, 100], [100], [100, 0, 0]]
    for probabilities, shares in zip(given, whole, strict=True):
        assert sum(shares) == 100 and all(abs(s - 100 * p) < 1 for s, p in zip(shares, probabilities, strict=True))
    assert evaluate("return [shareText(0, .001), shareText(0, 0), shareText(88, .875)]") == ["< 1 %", "0 %", "88 %"]


def test_histogram_holds_all_the_weight(evaluate: Evaluate) -> None:
    rng = np.random.default_rng(3)
    areas = [0, 0, *rng.integers(1, 700, 62).tolist()]
    hypotheses = [{"empty": False}, {"empty": True}, {"empty": False}]
    of = [1, 1, *rng.choice([0, 2], 62).tolist()]
    value = {"areas": areas, "weights": [1 / 64] * 64, "hypothesisOf": of, "hypotheses": hypotheses}
    body = (
        "const v = {...value, sizes: [300, 0, 100], unit: 'px', label: 'areas'}; const node = areaHistogram(v);"
        "const step = niceStep(Math.max(...v.areas), 24);"
        "const {of, empty} = binned(v.areas, v.weights, v.hypothesisOf, 3, step, 99);"
        "const bars = [...node.querySelectorAll('rect')].map((r) => [r.dataset.hypothesis, +r.getAttribute('height')]);"
        "return [of, empty, bars, step]"
    )
    bins, empty, bars, step = evaluate(body, value)
    assert empty == [0, 2 / 64, 0] and step == 50
    for number in (0, 2):
        own = [area for area, one in zip(areas, of, strict=True) if one == number]
        assert [row[number] * 64 for row in bins] == np.histogram(own, np.arange(100) * 50)[0].tolist()
    heights = {number: sum(height for one, height in bars if one == number) for number in "012"}
    assert heights["0"] / heights["2"] == pytest.approx(of.count(0) / of.count(2))


def test_quantities_in_words(evaluate: Evaluate) -> None:
    body = (
        "return [areaText({px: 372, mm2: 181.44, ml: null}), areaText({px: 12345, mm2: null, ml: 0.4171}, true),"
        "quantile([5, 1, 3], [1, 1, 1], .5)]"
    )
    assert evaluate(body) == ["372 px · 181 mm²", "12\u202f345 voxels · 0.417 ml", 3]


def test_joined_script_can_stand_in_a_page() -> None:
    text = drawing.script()
    assert not re.search(r"^\s*(import|export)\b", text, re.MULTILINE) and "</" not in text
    for name in drawing.MODULES:
        for line in re.findall(r"^import .*", drawing.module(name), re.MULTILINE):
            other = re.search(r'from "\./(\w+)\.js"', line)
            assert other and drawing.MODULES.index(other[1]) < drawing.MODULES.index(name)
