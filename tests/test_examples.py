"""The image that `make demo` samples is the simulated case that examples/README.md says it is."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from atfm.data.phantom.grey import part_probability, phantom_case, presence_probability

PHANTOM = Path(__file__).resolve().parents[1] / "examples" / "phantom.png"


def test_phantom_is_the_case_it_claims_to_be():
    case = phantom_case(2511, 240)
    np.testing.assert_array_equal(np.asarray(Image.open(PHANTOM)), np.rint(case.image[0] * 255))
    assert round(part_probability(case.part_contrast), 2) == 0.46
    assert round(presence_probability(case.contrast), 2) == 0.80


def test_the_demo_ends_by_naming_the_report_and_the_page() -> None:
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    command = ["make", "-n", "demo"]
    told = subprocess.run(command, cwd=PHANTOM.parents[1], capture_output=True, text=True, check=True).stdout
    report, page = [line for line in told.splitlines() if line.startswith("echo ")][-2:]  # make adds lines of its own
    assert "demo/report/report.html" in report and "atfm serve demo/run --store demo/store" in page
