"""`atfm data import folder`: its flags reach the store."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from atfm.cli.main import main
from atfm.data.store import Store


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    for name in ("images/a.png", "masks/a_x.png"):
        (tmp_path / "in" / name).parent.mkdir(parents=True)
        Image.fromarray(np.arange(12, dtype=np.uint8).reshape(3, 4) % 3).save(tmp_path / "in" / name)
    return tmp_path / "in"


def run(folder: Path, *words: str) -> int:
    patterns = ["--images", "images/{case}.png", "--masks", "masks/{case}_{annotator}.png"]
    return main(["data", "import", "folder", str(folder), *patterns, *words])


def test_names_of_classes(labels, tmp_path) -> None:
    names = ["--classes", "3", "--class-names", "liver", "tumour"]
    assert run(labels, *names, "--out", str(tmp_path / "store")) == 0
    assert Store.open(tmp_path / "store").info.class_names == ("liver", "tumour")


@pytest.mark.parametrize("where", [["--dry-run"], ["--out", "store"]])
def test_names_without_classes_are_told_of_in_one_line(labels, tmp_path, monkeypatch, capsys, where) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(labels, "--class-names", "liver", *where) == 2
    assert "class_names: binary masks have one object" in capsys.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "store").exists()
