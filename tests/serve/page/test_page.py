"""What a person does with the page, in chromium, from a first look to a spot on a CT."""

import base64
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from atfm.models import load
from atfm.predict import prepare_file

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("page")]
ROOT = Path(__file__).resolve().parents[3]
NODULE, PHANTOM = ROOT / "src" / "atfm" / "examples" / "nodule.png", ROOT / "examples" / "phantom.png"
NODULES = ((60, 70, 5), (110, 90, 10))  # column, row, slice of the scan
Visit = Callable[..., Any]


def shares(shown: Any) -> list[int]:
    """What the cards say, in per cent; "< 1 %" is none of them."""
    texts = shown.page.locator(".result .share").all_inner_texts()
    return [0 if text.startswith("<") else int(text.removesuffix(" %")) for text in texts]


def unpacked(masks: dict[str, Any]) -> np.ndarray:
    """The masks `[n, C, D, H, W]` of an answer."""
    n, *shape = masks["shape"]
    rows = np.frombuffer(base64.b64decode(masks["bits"]), np.uint8).reshape(n, -1)
    return np.unpackbits(rows, axis=1, count=int(np.prod(shape))).reshape(n, *shape).astype(bool)


def colours(shown: Any, css: str) -> int:
    """How many colours a canvas shows; 0 where it is hidden."""
    count = """(css) => { const c = document.querySelector(css); if (c.hidden) return 0;
        const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
        return new Set(new Uint32Array(d.buffer)).size }"""
    return int(shown.page.evaluate(count, css))


def test_first_start_shows_the_example_and_its_hypotheses(visit: Visit) -> None:
    shown = visit()
    shown.idle()
    page = shown.page
    assert "nodule" in shown.text("#facts") and "CC BY 3.0" in shown.text("#attribution-first")
    assert shown.text(".sentence").endswith("of 64 simulated readers outline something here")
    assert len(shares(shown)) >= 2 and sum(shares(shown)) == 100
    assert "Not for clinical use." in shown.text("header")
    assert page.locator(".viewer .ruler, .viewer .letter").count() == 0, "nobody knows how large a pixel is"
    # a click on a hypothesis shows it alone, another one all of them; of this seed there are two outlines
    page.fill("#seed", "4")
    shown.draw(lambda: page.click("#draw"))
    card, outlines = page.locator(".hypothesis", has_text="Outline A"), page.locator(".hypotheses .outline")
    before, samples = outlines.count(), page.locator(".samples path").count()
    card.click()
    assert card.get_attribute("aria-pressed") == "true"
    assert outlines.count() == 1 < before and page.locator(".samples path").count() < samples
    card.click()
    assert outlines.count() == before and page.locator(".samples path").count() == samples


def test_toggles_slider_and_play_show_what_they_say(visit: Visit) -> None:
    shown = visit()
    shown.idle()
    page = shown.page
    x, y = shown.pixel(64, 64)
    page.mouse.move(x, y)
    readout = shown.text(".readout")
    assert readout.startswith("64, 64") and "grey" in readout and "probability" in readout
    for layer, css in (("probability", ".heat >> nth=0"), ("ambiguity", ".heat >> nth=1")):
        assert page.locator(css).is_hidden()
        page.click(f"[data-layer={layer}]")
        assert page.locator(css).is_visible() and page.locator(".legend").count() >= 1
    assert colours(shown, ".heat") > 10 and colours(shown, "canvas.grey") > 50
    page.click("[data-layer=contours]")
    assert page.locator(".contours .outline").count() == 3
    page.click("[data-layer=readers]")
    assert page.locator(".readers .outline").count() == 3
    assert shown.text("#readers .sentence") == "3 of 4 annotators outline something here"
    page.click("[data-layer=samples]")
    assert page.locator(".samples").count() == 0
    page.locator("#sample").fill("5")
    assert shown.text("#sample-said") == "5 of 64" and page.locator(".single .outline").count() == 1
    page.click("#play")
    page.wait_for_function("() => document.getElementById('sample-said').textContent.startsWith('7 ')")
    page.click("#play")
    assert shown.text("#play") == "Play"


def test_uploaded_picture_is_drawn_and_downloaded(visit: Visit) -> None:
    shown = visit()
    shown.idle()
    page = shown.page
    page.set_input_files("#file", NODULE)
    page.wait_for_selector("#facts >> text=nodule.png")
    assert page.locator("#attribution").is_hidden() and page.locator("[data-layer=readers]").is_hidden()
    page.fill("#n", "12")
    page.fill("#seed", "7")
    result = shown.draw(lambda: page.click("#draw"))
    assert result["n"] == 12 and result["seed"] == 7 and result["sentence"] == shown.text(".sentence")
    assert shown.text("#sample-said") == "all 12" and sum(shares(shown)) == 100
    page.click("#downloads summary")
    with page.expect_download() as found:
        page.click("[data-form=png]")
    with zipfile.ZipFile(found.value.path()) as archive:
        assert sum("mask" in name for name in archive.namelist()) == 12
    with page.expect_download() as found:
        page.click("[data-form=json]")
    assert "nodule" not in found.value.suggested_filename
    assert json.loads(Path(found.value.path()).read_text())["areas"] == result["areas"]["px"]


def test_spots_of_a_ct_come_back_where_they_were_clicked(visit: Visit, scan: Path) -> None:
    shown = visit()
    shown.idle()
    page = shown.page
    page.set_input_files("#file", scan)
    page.wait_for_selector("#slice-row:not([hidden])")
    assert "0.7 × 0.7 mm" in shown.text("#facts") and "2.5 mm apart" in shown.text("#facts")
    assert [page.inner_text(f".letter.{side}") for side in ("left", "right", "top", "bottom")] == ["R", "L", "A", "P"]
    assert "mm" in shown.text(".ruler")
    before = shown.text(".level")
    page.select_option("#window", label="lung")
    assert shown.text(".level") != before and shown.text(".level") == "W 1500  L -600"
    page.fill("#n", "16")
    results = []
    for column, row, number in NODULES:
        page.locator("#slice").fill(str(number + 1))
        page.wait_for_timeout(50)
        at = shown.pixel(column, row)
        results.append(shown.draw(lambda at=at: page.mouse.click(*at)))
        assert results[-1]["place"]["slices"] == [number]
    assert page.locator(".spot").count() == 2, "side by side"
    assert page.locator(".spot canvas").count() == 2 and page.locator(".spot[aria-pressed=true]").count() == 1
    assert "mm²" in shown.text(".hypothesis .area") and page.locator("g:not(.preview) > .sees").count() == 1
    page.locator(".spot").first.click()
    assert shown.text("#slice-said") == "6 of 16" and shown.text(".sentence") == results[0]["sentence"]
    # what came back is what a direct call draws
    model = load("lidc")
    (prepared,) = prepare_file(model, scan, at=[NODULES[0]], key="image-0")
    direct = model.sample(prepared, 16, 0)
    print(direct.masks.shape, results[0]["place"], results[0]["masks"]["shape"])
    assert np.array_equal(direct.masks, unpacked(results[0]["masks"]))
    page.click("#downloads summary")
    with page.expect_download() as found:
        page.click("[data-form=nrrd]")
    assert found.value.suggested_filename.endswith(".nrrd")


def test_slices_of_a_volume_are_drawn_together(visit: Visit, tmp_path: Path) -> None:
    nodule = np.asarray(Image.open(NODULE), np.float32)
    slab = np.stack([nodule * bright for bright in (0.3, 0.7, 1, 0.9, 0.5)])
    file = tmp_path / "slab.nii.gz"
    nib.save(nib.Nifti1Image(slab.transpose(2, 1, 0).astype(np.int16), np.diag([-0.7, -0.7, 2.5, 1])), file)
    shown = visit()
    shown.idle()
    page = shown.page
    page.set_input_files("#file", file)
    page.wait_for_selector("#slice-said >> text=3 of 5")
    page.fill("#n", "8")
    page.check("#target-slice")
    assert shown.draw(lambda: page.click("#draw"))["place"]["slices"] == [2]
    assert page.locator("#spots").is_hidden() and page.locator("#from").is_hidden()
    page.check("#target-slices")
    page.fill("#from", "2")
    page.fill("#to", "4")
    result = shown.draw(lambda: page.click("#draw"))
    assert result["place"]["slices"] == [1, 2, 3] and " ml" in shown.text(".hypothesis .area")
    assert "volume" in shown.text(".how-large") and "volume in ml" in page.inner_html(".histogram")
    assert page.locator(".samples path").count() > 0
    page.locator("#slice").fill("1")
    assert page.locator(".samples path").count() == 0, "nothing was drawn on this slice"
    assert page.locator(".hypothesis canvas").count() >= 1, "cards keep their pictures"
    page.locator(".hypothesis", has_text="Outline A").click()
    assert shown.text("#slice-said") in ("2 of 5", "3 of 5", "4 of 5"), "it is shown where it is largest"
    page.fill("#to", "1")
    page.click("#draw")
    assert "must not lie behind" in shown.text("#message p")


def test_what_a_model_is_careful_about_or_refuses_is_told(visit: Visit, tmp_path: Path) -> None:
    Image.new("RGB", (128, 128), (200, 120, 110)).save(tmp_path / "skin.png")
    shown = visit()
    shown.idle()
    page = shown.page
    page.set_input_files("#file", tmp_path / "skin.png")
    page.wait_for_selector("#facts >> text=skin.png")
    assert "The image is in colour" in shown.text("#warnings") and page.locator("#draw").is_enabled()
    assert shown.text("#facts").count("colours") == 1 and page.locator("#nothing").is_visible()

    def refusing(route: Any) -> None:
        answer = route.fetch()
        none = {"whole": False, "slices": False, "spot": False, "sees": None, "field": None, "warnings": []}
        way = none | {"why": {"whole": "skin.png: expected 1 channel, got 3"}}
        route.fulfill(response=answer, json=answer.json() | {"ways": {"lidc": way, "lidc-large": way}})

    page.route("**/api/v1/images", refusing, times=1)
    page.set_input_files("#file", tmp_path / "skin.png")
    page.wait_for_selector("#warnings >> text=expected 1 channel")
    assert page.locator("#draw").is_disabled()


def test_pointer_moves_zooms_scrolls_and_windows(visit: Visit, scan: Path) -> None:
    shown = visit()
    shown.idle()
    page = shown.page
    width = "Number(document.querySelector('.over').getAttribute('viewBox').split(' ')[2])"
    narrower = f"(before) => {width} < before * .9"
    x, y = shown.pixel(64, 64)
    page.mouse.move(x, y)
    before = page.evaluate(width)
    page.mouse.wheel(0, -200)
    page.wait_for_function(narrower, arg=before)
    assert np.allclose(shown.pixel(64, 64), (x, y), atol=1), "what is under the pointer stays there"
    page.mouse.down()
    page.mouse.move(x + 40, y + 25, steps=4)
    page.mouse.up()
    page.wait_for_timeout(50)
    assert np.allclose(shown.pixel(64, 64), (x + 40, y + 25), atol=1)
    before = shown.text(".level")
    page.mouse.down(button="right")
    page.mouse.move(x, y - 30, steps=4)
    page.mouse.up(button="right")
    page.wait_for_timeout(50)
    assert shown.text(".level") != before and page.input_value("#window") == "own"
    page.set_input_files("#file", scan)
    page.wait_for_selector("#slice-said >> text=8 of 16")
    page.mouse.move(*shown.pixel(80, 70))
    page.mouse.wheel(0, 100)
    page.wait_for_selector("#slice-said >> text=10 of 16")
    before = page.evaluate(width)
    page.keyboard.down("Control")
    page.mouse.wheel(0, -200)
    page.keyboard.up("Control")
    page.wait_for_function(narrower, arg=before)
    assert shown.text("#slice-said") == "10 of 16"


def test_cases_of_a_store_are_listed_page_by_page(visit: Visit) -> None:
    def listed(route: Any) -> None:
        first, count = (int(value) for value in re.findall(r"=(\d+)", route.request.url))
        numbers = range(first, min(first + count, 45))
        cases = [{"number": k, "name": f"case {k}", "kind": "case", "readers": 4, "split": "val"} for k in numbers]
        route.fulfill(json={"total": 45, "cases": cases})

    def prepared(page: Any) -> None:
        page.route("**/api/v1/cases?*", listed)
        page.route("**/api/v1/cases/21", lambda route: route.continue_(url=route.request.url.replace("/21", "/0")))

    shown = visit(first=prepared)
    page = shown.page
    page.wait_for_selector("#cases-list li")
    assert "45" in shown.text("#cases-title") and shown.text("#cases-where") == "1 to 20 of 45"
    assert page.locator("#cases-before").is_disabled() and "Open an image" in shown.text("#nothing")
    page.click("#cases-after")
    page.wait_for_selector("#cases-where >> text=21 to 40 of 45")
    page.click("#cases-list >> text=case 21")
    page.wait_for_selector("#facts >> text=case 21")
    assert "Press Draw" in shown.text("#nothing"), "a case is not drawn before somebody asks"
    assert all("case%20" not in url for url in shown.asked), "names are in no address"


def test_two_models_and_annotators_side_by_side(visit: Visit) -> None:
    shown = visit()
    shown.idle()
    page = shown.page
    result = shown.draw(lambda: page.click("#compare"))
    assert result["model"] == "lidc-large" and result["n"] == 64
    assert page.locator(".viewer").count() == 2 and page.locator(".result").count() == 2
    page.mouse.move(*shown.pixel(64, 64, pane=1))
    page.mouse.wheel(0, -200)
    page.wait_for_timeout(100)
    boxes = [page.locator("svg.over").nth(pane).get_attribute("viewBox") for pane in (0, 1)]
    assert boxes[0] == boxes[1], "the same place and zoom"
    page.select_option("#side-1", label="all annotators")
    assert page.locator(".viewer >> nth=1").locator(".readers .outline").count() == 3
    page.select_option("#side-0", label="reader 1")
    page.select_option("#side-1", label="reader 2")
    assert page.locator(".readers .outline").count() == 2 and page.locator(".result").count() == 0
    page.click("#compare")
    assert page.locator(".viewer").count() == 1 and page.locator(".result").count() == 1


def test_keyboard_alone(visit: Visit, scan: Path) -> None:
    shown = visit()
    shown.idle()
    page = shown.page

    def reach(css: str) -> None:
        for _ in range(40):
            page.keyboard.press("Tab")
            if page.evaluate(f"document.activeElement.matches({css!r})"):
                return
        raise AssertionError(f"{css} is not reached by Tab")

    reach("#draw")
    result = shown.draw(lambda: page.keyboard.press("Enter"))
    assert result["n"] == 64
    page.keyboard.press("p")
    assert page.locator(".heat").first.is_hidden(), "keys act in the viewer alone"
    reach(".viewer")
    page.keyboard.press("p")
    assert page.locator(".heat").first.is_visible()
    page.keyboard.press("ArrowRight")
    assert shown.text("#sample-said") == "1 of 64"
    page.keyboard.press("Escape")
    assert shown.text("#sample-said") == "all 64"
    page.keyboard.press("?")
    assert page.locator("#help").is_visible() and "zoom to the outlines" in shown.text("#help")
    page.keyboard.press("Escape")
    assert page.locator("#help").is_hidden() and page.evaluate("document.activeElement.matches('.viewer')")
    reach(".hypothesis")
    page.keyboard.press("Space")
    assert page.evaluate("document.activeElement.getAttribute('aria-pressed')") == "true", "the focus stays"
    page.set_input_files("#file", scan)
    page.wait_for_selector("#slice-row:not([hidden])")
    page.fill("#n", "4")
    page.focus(".viewer")
    page.keyboard.press("Home")
    for _ in range(5):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Shift+ArrowRight")
    page.wait_for_timeout(50)
    assert shown.text("#slice-said") == "6 of 16" and shown.text(".readout").endswith("grey")
    result = shown.draw(lambda: page.keyboard.press("Enter"))
    assert result["place"]["slices"] == [5]


def test_wrong_file_and_a_drop_of_several_are_told_in_one_line(visit: Visit) -> None:
    shown = visit()
    shown.idle()
    page = shown.page
    page.set_input_files("#file", files=[{"name": "notes.png", "mimeType": "image/png", "buffer": b"no picture"}])
    page.wait_for_selector("#message.alarm:not([hidden])")
    assert "cannot be read" in shown.text("#message p") and "\n" not in shown.text("#message p")
    assert "nodule" in shown.text("#facts"), "what was open stays open"
    page.click("#message .close")
    assert page.locator("#message").is_hidden()
    drop = """() => { const data = new DataTransfer();
        for (const name of ['a.dcm', 'b.dcm']) data.items.add(new File(['x'], name));
        document.dispatchEvent(new DragEvent('drop', {dataTransfer: data, bubbles: true, cancelable: true})) }"""
    page.evaluate(drop)
    assert "zip the files" in shown.text("#message p")
    png = list(PHANTOM.read_bytes())
    page.evaluate(
        """(bytes) => { const data = new DataTransfer();
        data.items.add(new File([new Uint8Array(bytes)], 'dropped.png'));
        document.dispatchEvent(new DragEvent('drop', {dataTransfer: data, bubbles: true, cancelable: true})) }""",
        png,
    )
    page.wait_for_selector("#facts >> text=dropped.png")
    assert page.locator("#message").is_hidden()
    assert "takes whole images of 128 × 128 pixels" in shown.text("#why")
    page.click("#draw")
    assert "No spot is chosen" in shown.text("#message p")
    page.mouse.move(*shown.pixel(16, 16))
    assert page.locator(".preview .sees").count() == 1, "what the model would look at"
    result = shown.draw(lambda: page.mouse.click(*shown.pixel(16, 16)))
    assert result["masks"]["shape"][0] == 64 and page.locator("#message").is_hidden()


def refused(status: int, code: str, message: str, **headers: str) -> Callable[[Any], None]:
    """A service that answers so."""
    body = json.dumps({"error": {"code": code, "message": message}})
    return lambda route: route.fulfill(
        status=status, body=body, headers={"Content-Type": "application/json", **headers}
    )


def test_a_service_that_is_away_full_or_slow_is_told(visit: Visit) -> None:
    shown = visit()
    shown.idle()
    page = shown.page

    def told(answer: Callable[[Any], None]) -> str:
        page.route("**/api/v1/samples", answer, times=1)
        page.click("#draw")
        page.wait_for_selector("#message:not([hidden])")
        page.wait_for_selector("#draw:not([hidden])")
        return str(shown.text("#message p"))

    assert "atfm serve" in told(lambda route: route.abort("connectionrefused"))
    assert "17 wait. Try again in 5 s." in told(refused(503, "busy", "17 wait.", **{"Retry-After": "5"}))
    assert "expired" in told(refused(410, "gone", "image: expired"))
    page.click("#message .act")
    page.wait_for_selector("#message", state="hidden")
    page.wait_for_selector(".result", state="detached")
    assert page.locator("#steps").is_disabled(), "lidc has no solver"
    page.select_option("#model", label="lidc-large")
    shown.draw(lambda: page.click("#draw"))
    before = shown.samples()
    page.fill("#n", "1024")
    page.fill("#steps", "32")  # so that it is far from done when the first samples are looked at
    page.click("#draw")
    page.wait_for_selector(".samples path[stroke='#fff']", state="attached")
    assert "of 1024 drawn" in shown.text("#told"), "samples are seen as they come"
    page.click("#stop")
    assert shown.text("#told") == "Stopped" and shown.samples() == before
    assert page.locator("#draw").is_visible() and page.locator(".hypotheses .outline").count() >= 1
    page.fill("#n", "4")
    page.fill("#steps", "")
    with_token = []
    page.route("**/api/v1/samples", refused(401, "no-token", "a token"), times=1)
    page.on("request", lambda request: with_token.append(request.headers.get("authorization")))
    page.click("#draw")
    page.fill("#token input", "open sesame")
    shown.draw(lambda: page.keyboard.press("Enter"))
    assert with_token[-1] == "Bearer open sesame"


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 360)])
def test_everybody_can_read_it(visit: Visit, scheme: str, width: int, scan: Path) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    shown = visit(width, 800, scheme)
    shown.idle()
    page = shown.page
    ink, paper = (page.evaluate(f"getComputedStyle(document.body).{name}") for name in ("color", "backgroundColor"))
    brightness = [sum(map(float, text[4:-1].split(","))) for text in (ink, paper)]
    assert (brightness[0] < brightness[1]) == (scheme == "light")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page scrolls sideways"
    for layer in ("probability", "contours", "readers"):
        page.click(f"[data-layer={layer}]")
    violations = [axe.run(page).response["violations"]]
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    assert page.locator("#clinical").bounding_box()["y"] >= 0, "in view at all times"
    page.click("#keys")
    violations.append(axe.run(page).response["violations"])
    page.keyboard.press("Escape")
    page.set_input_files("#file", scan)
    page.wait_for_selector("#slice-row:not([hidden])")
    page.fill("#spot-x", "60")
    page.fill("#spot-y", "70")
    shown.draw(lambda: page.click("#draw"))
    violations.append(axe.run(page).response["violations"])
    assert violations == [[], [], []]
    page.select_option("#theme", "dark" if scheme == "light" else "light")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != paper
