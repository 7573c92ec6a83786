"""A name is taken for what it names, a path for a path."""

import warnings
from pathlib import Path

import pytest

from atfm.errors import AtfmWarning
from atfm.io.naming import hidden_by, is_name


def test_a_path_has_a_separator_or_is_one() -> None:
    assert is_name("lidc") and is_name("lidc.safetensors")
    assert not (is_name("./lidc") or is_name("runs/lidc") or is_name(Path("lidc")))


def test_a_folder_of_the_same_name_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        hidden_by("lidc", "the shipped weights")
    (tmp_path / "lidc").mkdir()
    with pytest.warns(AtfmWarning, match=r"lidc: the shipped weights .* are taken.* give \./lidc"):
        hidden_by("lidc", "the shipped weights")
