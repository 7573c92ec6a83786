"""A name is taken for what it names, a path for a path."""

import warnings
from pathlib import Path

import pytest

from atfm.ablate.rows import Row
from atfm.errors import AtfmWarning, ConfigError
from atfm.io.naming import hidden_by, is_folder_name, is_name


def test_a_path_has_a_separator_or_is_one() -> None:
    assert is_name("lidc") and is_name("lidc.safetensors")
    assert not (is_name("./lidc") or is_name("runs/lidc") or is_name(Path("lidc")))


def test_a_folder_of_the_same_name_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        hidden_by("lidc", "the shipped weights")
    (tmp_path / "lidc").mkdir()
    with pytest.warns(AtfmWarning, match=r"lidc: taken for the shipped weights .* give \./lidc"):
        hidden_by("lidc", "the shipped weights")


@pytest.mark.parametrize("name", ["", ".", "..", "...", " ", ". .", "a/b", "../a", "/a", "a\\b", "a\nb", "a\0b"])
def test_names_that_lead_out_of_a_folder(name: str) -> None:
    assert not is_folder_name(name)
    with pytest.raises(ConfigError, match="a folder is named after it"):
        Row(name)


@pytest.mark.parametrize("name", ["a", "..a", "a.b", "...png", "benign (1)"])
def test_names_of_folders(name: str) -> None:
    assert is_folder_name(name) and Row(name).name == name
