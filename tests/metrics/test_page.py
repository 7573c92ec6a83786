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
    _, one_patient, _, a_set_against_itself, effective, _ = capsys.readouterr().out.splitlines()
    assert len(blocks) == 5
    assert re.fullmatch(r"0\.\d{3}", one_patient), "one patient has no interval"
    assert a_set_against_itself == "0.0" and effective.startswith("3.448"), "as the page says"


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
