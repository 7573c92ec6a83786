"""The importer of the page `docs/new-importer.md` is a file and a line, and everything else is there already."""

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from atfm import importers
from atfm.cli.main import main
from atfm.data.store import Store

PAGE = Path(__file__).resolve().parents[2] / "docs" / "new-importer.md"
RNG = np.random.default_rng(0)


@pytest.fixture
def npz(tmp_path, monkeypatch) -> ModuleType:
    """The page's file, and its line."""
    (code,) = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    file = tmp_path / "npz.py"
    file.write_text(code, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("npz", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(importers, "IMPORTERS", (*importers.IMPORTERS, module.NPZ))
    return module


@pytest.fixture
def scans(tmp_path) -> Path:
    folder = tmp_path / "scans"
    folder.mkdir()
    for number in range(1, 11):
        np.savez(
            folder / f"p{number}.npz",
            image=RNG.uniform(0, 2000, (9, 7)),
            masks=RNG.integers(0, 2, (number % 3 + 1, 9, 7)),
        )
    return folder


def test_the_page_s_importer_makes_a_store(npz, scans, tmp_path, capsys) -> None:
    words = ["data", "import", "npz", str(scans), "--window", "0", "2000", "--json"]
    assert main([*words, "--dry-run"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["cases"] == 10 and facts["annotators"] == {"1": 3, "2": 4, "3": 3} and not facts["refused"]
    assert main([*words, "--out", str(tmp_path / "store")]) == 0
    store = Store.open(tmp_path / "store")
    store.check()
    assert [case for case, _ in store.ids()] == [f"p{number}" for number in range(1, 11)]
    with np.load(scans / "p2.npz") as arrays:
        np.testing.assert_allclose(store[1].image[0], arrays["image"] / 2000, atol=1e-6)
        np.testing.assert_array_equal(store[1].masks, arrays["masks"])
    python = importers.build_store(npz.plan_npz(scans, window=(0, 2000)), tmp_path / "python")
    assert python.model_dump(exclude={"files"}) == store.info.model_dump(exclude={"files"})


def test_its_mistakes_are_lines(npz, scans, tmp_path, capsys) -> None:
    np.savez(scans / "p5.npz", image=np.zeros((3, 3)))
    words = ["data", "import", "npz", str(scans), "--window", "0", "2000"]
    assert main([*words, "--dry-run"]) == 0
    assert "p5.npz: cannot be read as an .npz" in capsys.readouterr().out
    assert main([*words, "--out", str(tmp_path / "store")]) == 2 and not (tmp_path / "store").exists()
    assert main(["data", "import", "npz", str(tmp_path), "--dry-run"]) == 2
    assert "no .npz there" in capsys.readouterr().err
