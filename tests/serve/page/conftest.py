"""The page on a running service, in one browser: both are started once."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

LOADED = "Failed to load resource"  # what chromium says of each answer that is an error
DRAWN = ".result .hypothesis"


@dataclass
class Shown:
    """A page, and what went on behind it."""

    page: Any
    asked: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def idle(self) -> None:
        """Wait until what is drawn is there."""
        self.page.wait_for_selector("#draw:not([hidden])", timeout=60_000)
        self.page.wait_for_selector(DRAWN, timeout=60_000)

    def samples(self) -> list[str]:
        """The ids of the results that are shown."""
        return list(self.page.eval_on_selector_all(".result", "all => all.map((one) => one.dataset.samples)"))

    def draw(self, act: Callable[[], Any]) -> dict[str, Any]:
        """The result of the samples that an act asks for."""
        before = self.samples()
        act()
        fresh = "all => [...document.querySelectorAll('.result')].some((one) => !all.includes(one.dataset.samples))"
        self.page.wait_for_function(fresh, arg=before, timeout=60_000)
        self.idle()
        (name,) = [name for name in self.samples() if name not in before]
        return dict(self.page.request.get(f"{self.page.url}api/v1/samples/{name}").json())

    def text(self, css: str) -> str:
        """What an element says."""
        return str(self.page.inner_text(css))

    def pixel(self, x: float, y: float, pane: int = 0) -> tuple[float, float]:
        """Where on the screen the middle of a pixel of the image lies."""
        viewer = self.page.locator(".viewer").nth(pane)
        box = viewer.bounding_box()
        left, top, width, height = map(float, viewer.locator("svg.over").get_attribute("viewBox").split())
        return (
            box["x"] + (x + 0.5 - left) / width * box["width"],
            box["y"] + (y + 0.5 - top) / height * box["height"],
        )


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """A service of two models, as a person starts it."""
    source = Path(__file__).resolve().parents[3] / "src"
    command = [sys.executable, "-m", "atfm", "serve", "lidc", "lidc-large", "--port", "0", "--json"]
    environment = os.environ | {"PYTHONPATH": str(source), "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())["address"]
        process.kill()  # how it ends in good order is tested elsewhere


@pytest.fixture(scope="module")  # while it runs there is an event loop, in which others cannot start theirs
def browser() -> Iterator[Any]:
    """Chromium without a graphics card."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        yield started
        started.close()


@pytest.fixture
def visit(address: str, browser: Any) -> Iterator[Callable[..., Shown]]:
    """Open the page; whatever it did, it said no error and asked nobody else."""
    opened: list[Shown] = []

    def open_page(
        width: int = 1280, height: int = 800, scheme: str = "light", first: Callable[[Any], Any] = lambda page: None
    ) -> Shown:
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        shown = Shown(context.new_page())
        shown.page.on("request", lambda request: shown.asked.append(request.url))
        shown.page.on("console", lambda message: shown.said.append(message.text))
        shown.page.on("pageerror", lambda error: shown.said.append(str(error)))
        opened.append(shown)
        first(shown.page)
        shown.page.goto(address)
        return shown

    yield open_page
    for shown in opened:
        shown.page.context.close()
        assert [text for text in shown.said if not text.startswith(LOADED)] == []
        assert all(url.startswith((address, "blob:", "data:")) for url in shown.asked)


@pytest.fixture(scope="session")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CT of 170 x 150 x 16 voxels of .7 x .7 x 2.5 mm as NIfTI, with two nodules in air and some tissue."""
    z, y, x = np.mgrid[:16, :150, :170].astype(np.float32)
    values = np.full(x.shape, -850, np.float32)
    # a round one, and one with a fainter part beside it, which not everybody counts in
    for column, row, number, radius, contrast in ((60, 70, 5, 7, 880), (110, 90, 10, 6, 880), (119, 84, 10, 7, 260)):
        distance = np.sqrt((x - column) ** 2 + (y - row) ** 2 + ((z - number) * 2.5 / 0.7) ** 2)
        values += contrast / (1 + np.exp(np.clip(distance - radius, -30, 30)))
    values[:, 140:] = 60
    values += np.random.default_rng(4).normal(0, 12, x.shape)
    file = tmp_path_factory.mktemp("scan") / "ct.nii.gz"
    # its axes point to the left, the back and the head, as those of DICOM
    nib.save(nib.Nifti1Image(values.transpose(2, 1, 0).astype(np.int16), np.diag([-0.7, -0.7, 2.5, 1])), file)
    return file
