"""The commands of docs/own-set.md do what the page says, on the smallest real set, with tiny budgets."""

import argparse
import json
import shlex
from pathlib import Path

import pytest

from atfm.cli.main import build_parser, main
from atfm.train.presets import resolve

PAGE = Path(__file__).resolve().parents[1] / "docs" / "own-set.md"
TINY = {"--minutes": "0.06", "--samples": "2", "--n": "2"}


def blocks() -> list[list[list[str]]]:
    """The commands of each indented block, in words."""
    found, block = [], []
    for line in [*PAGE.read_text(encoding="utf-8").splitlines(), ""]:
        if line.startswith("    atfm "):
            block.append(shlex.split(line)[1:])
        elif block:
            found.append(block)
            block = []
    return found


def tiny(words: list[str]) -> list[str]:
    """The same command with a small budget, on one thread."""
    small = [TINY.get(before, word) for before, word in zip(["", *words], words, strict=False)]
    return [*small, "--threads", "1", *(["--watch", "cpu"] if "--minutes" in words else [])]


def test_the_page_shows_ten_lines_at_most_and_every_command_is_one() -> None:
    assert len(blocks()[0]) <= 10
    commands = {words[0] for block in blocks() for words in block}
    assert {"data", "plan", "train", "evaluate", "sample"} <= commands
    known = next(one for one in build_parser()._actions if isinstance(one, argparse._SubParsersAction)).choices
    for words in (words for block in blocks() for words in block if words[0] in known or words[0] != "serve"):
        build_parser().parse_args(words)  # a flag that there is not would end it


@pytest.mark.real
def test_from_a_folder_to_samples(shared_data: Path, tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "skin").symlink_to(shared_data / "skin")
    told = {}
    for words in (words for words in blocks()[0] if words[0] != "serve"):
        name = " ".join(words[:2]) if words[0] == "data" else words[0]
        capsys.readouterr()
        assert main([*tiny(words), "--json"]) == 0, capsys.readouterr().err
        told[name] = json.loads(capsys.readouterr().out)
    assert told["data import"]["cases"] == told["data info"]["cases"] == 8
    assert told["plan"]["config"]["fit"] == {"canvas": [128, 128]}
    assert resolve("plan.toml").fit is not None
    assert told["train"]["steps"] == told["train"]["total"] > 0 and told["train"]["stage"] == "gtr"
    assert Path("runs/mine/plan.toml").exists()
    assert told["evaluate"]["cases"] == 2 and "ged_2" in told["evaluate"]["scores"]
    assert len(told["sample"]["images"][0]["files"]["masks"]) == 2
