"""What `atfm train` says while it trains, where no terminal shows a bar."""

from pathlib import Path

import pytest

from atfm.cli import progress as module
from atfm.cli.progress import TrainProgress, bar, spoken
from atfm.train.progress import Progress


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (45.4, "45 s"), (100, "2 min"), (720, "12 min"), (5_940, "99 min"), (11_100, "3 h 05 min")],
)
def test_a_time_in_words(seconds: float, text: str) -> None:
    assert spoken(seconds) == text


def told(step: int, **fields: object) -> Progress:
    usual = {"losses": None, "images_per_second": 0.0, "seconds_left": 0.0, "skipped": 0, "validation": None}
    return Progress(stage="gtr", step=step, total=400, saved=False, **{**usual, **fields})  # type: ignore[arg-type]


def test_a_line_every_half_minute_tells_how_fast_and_how_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = 1000.0
    monkeypatch.setattr(module.time, "perf_counter", lambda: now)
    with TrainProgress(tmp_path / "run", processes=2) as progress:
        for step in range(1, 8):
            now += 10
            losses = {"likelihood": 0.25} if step in (1, 4) else None
            progress(told(step, losses=losses, images_per_second=123.4, seconds_left=720.0, skipped=step // 7 * 3))
        progress(told(8, validation={"ged": 0.25}, skipped=3))
    lines = [line[9:] for line in capsys.readouterr().err.splitlines()]  # after the time of the day
    assert lines == [
        f"2 processes train {tmp_path / 'run'}",
        "gtr 4/400 likelihood 0.25, 123 images/s, 12 min left",
        "gtr step 7: 3 steps were not finite: left out",
        "gtr step 8: validation ged 0.250",
    ]


def test_a_training_that_never_began_leaves_no_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with TrainProgress(tmp_path / "run", processes=2):
        pass
    assert not (tmp_path / "run").exists() and not capsys.readouterr().err


def test_a_long_work_is_heard_of_without_a_terminal_and_a_short_one_is_not(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = 1000.0
    monkeypatch.setattr(module.time, "perf_counter", lambda: now)
    with bar("big.png") as tell:
        for done in range(41, 48):  # 40 were there before
            now += 20
            tell(done, 100)
    lines = [line[9:] for line in capsys.readouterr().err.splitlines()]
    assert lines == [
        "big.png: 42 of 100, 19 min left",
        "big.png: 44 of 100, 19 min left",
        "big.png: 46 of 100, 18 min left",
    ]
    with bar("small.png") as tell:
        tell(100, 100)
    with bar("other", shown=False) as tell:
        now += 100
        tell(1, 2)
    assert not capsys.readouterr().err
