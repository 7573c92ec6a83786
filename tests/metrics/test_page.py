import re
from pathlib import Path

import pytest

import atfm.metrics

PAGE = Path(__file__).resolve().parents[2] / "docs" / "metrics.md"


def test_the_examples_of_the_page_run_as_they_stand(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, object] = {}
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), names)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(blocks) == 4
    assert (
        re.fullmatch(r"0\.\d{3}", lines[1]) and lines[3] == "0.0"
    )  # one patient has no interval; a set against itself


def test_every_name_of_the_room_is_there() -> None:
    assert all(hasattr(atfm.metrics, name) for name in atfm.metrics.__all__)
    page = PAGE.read_text(encoding="utf-8")
    gathered = (
        "DistributionScores",
        "GED",
        "HMIoU",
        "MDM",
        "DMax",
        "BestKIoU",
        "from_labels",
        "score_case",
        "overlaps",
    )
    assert all(f"`{name}" in page for name in gathered)
