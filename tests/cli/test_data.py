"""`atfm data`: import, check and info, as a user types them."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from atfm.cli.main import build_parser
from atfm.errors import InputError, StoreError


def call(*words: object, seed: int = 0) -> tuple[dict[str, object], str]:
    args = build_parser().parse_args(["data", *map(str, words), "--seed", str(seed)])
    result = args.run(args)
    json.dumps(result)
    return result, args.show(result)


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for case in range(10):
        folder = tmp_path / "scans" / f"case{case}"
        folder.mkdir(parents=True)
        Image.fromarray(rng.integers(0, 256, (20, 24, 3), np.uint8)).save(folder / "image.png")
        for who in ("anna", "ben")[: 1 + case % 2]:
            Image.fromarray(rng.integers(0, 2, (20, 24), np.uint8) * np.uint8(255)).save(folder / f"{who}.png")
    return tmp_path / "scans"


@pytest.fixture
def store(scans: Path) -> Path:
    out = scans.parent / "store"
    call("import", "folder", scans, *FOLDER, "--out", out)
    return out


FOLDER = ("--images", "{case}/image.png", "--masks", "{case}/{annotator}.png")


def test_import_folder(scans, capsys, monkeypatch) -> None:
    monkeypatch.setattr("atfm.cli.progress.SILENCE", -1.0)
    out = scans.parent / "new" / "store"
    result, text = call("import", "folder", scans, *FOLDER, "--out", out, "--size", 16, 16, "--grey", "--name", "mine")
    assert (result["cases"], result["patients"], result["name"]) == (10, 10, "mine")
    assert result["splits"] == {
        "train": {"patients": 6, "cases": 6},
        "val": {"patients": 2, "cases": 2},
        "test": {"patients": 2, "cases": 2},
    }
    assert "10 cases of 10 patients" in text and "6 cases of 6 patients" in text
    output = capsys.readouterr()
    assert output.out == "" and "importing: 9 of 10, " in output.err


def test_splits_of_a_file(scans) -> None:
    file = scans.parent / "splits.json"
    file.write_text(json.dumps({"train": ["case0", "case1", "elsewhere"]}))
    arguments = ("import", "folder", scans, *FOLDER, "--splits", file)
    result, text = call(*arguments, "--out", scans.parent / "store")
    assert result["absent_patients"] == 1 and len(result["unassigned_patients"]) == 8
    assert "in no split: 8 patients (case2, " in text and "1 patients of the splits have no case" in text
    with pytest.raises(InputError, match="--splits and --fractions: give one"):
        call(*arguments, "--fractions", 0.5, 0.25, 0.25, "--out", scans.parent / "other")


def test_import_phantom_and_the_seed(tmp_path) -> None:
    results = [
        call("import", "phantom", "--cases", 10, "--size", 16, "--out", tmp_path / str(n), seed=n // 2)[0]
        for n in range(3)
    ]
    digests = [call("info", tmp_path / str(n))[0]["digest"] for n in range(3)]
    assert results[0]["cases"] == 10 and digests[0] == digests[1] != digests[2]


def test_check(store) -> None:
    result, text = call("check", store)
    assert result["cases"] == 10 and result["unassigned_patients"] == [] and "whole; 10 cases" in text
    file = store / "masks.npy"
    content = bytearray(file.read_bytes())
    content[200] ^= 1
    file.write_bytes(content)
    with pytest.raises(StoreError, match=r"masks.npy: damaged in case case\d"):
        call("check", store)
    with pytest.raises(StoreError, match="not a store"):
        call("check", store.parent)


def test_info_and_its_sheet(store) -> None:
    result, text = call("info", store)
    assert result["sheet"] == str(store.parent / "store-sheet.png")
    assert Image.open(result["sheet"]).size == (6 * 208 + 8, 2 * 238 + 8)
    assert result["annotators"] == {"1": 5, "2": 5} and result["annotator_iou_cases"] == 5
    for words in ("1 (5 cases), 2 (5 cases)", "20x24 (10 cases)", "empty masks: 0.0%", "IoU of two annotators: 0.3"):
        assert words in text
    assert sorted(file.name for file in store.iterdir()).count("store.json") == 1 and len(list(store.iterdir())) == 5


def test_the_sheet_stays_out_of_the_store(store) -> None:
    other = store.parent / "deep" / "sheet.png"
    assert call("info", store, "--sheet", other)[0]["sheet"] == str(other) and other.is_file()
    with pytest.raises(InputError, match="inside the store"):
        call("info", store, "--sheet", store / "sheet.png")


@pytest.mark.parametrize("words", [["--limit", "0"], ["--limit", "many"]])
def test_numbers_that_are_none(words, tmp_path, capsys) -> None:
    with pytest.raises(SystemExit):
        call("import", "lidc-png", tmp_path, "--out", tmp_path / "store", *words)
    assert "expected a whole number above 0" in capsys.readouterr().err


@pytest.mark.real
def test_import_lidc(shared_data: Path, tmp_path) -> None:
    lidc = shared_data / "lidc"
    result, text = call(
        "import",
        "lidc-png",
        lidc / "val.zip",
        "--splits",
        lidc / "patients.json",
        "--limit",
        40,
        "--out",
        tmp_path / "s",
    )
    assert result["cases"] == 40 and result["splits"]["val"]["cases"] == 40
    assert "patients of the splits have no case here" in text


def test_pack_and_unpack(store, capsys, monkeypatch) -> None:
    monkeypatch.setattr("atfm.cli.progress.SILENCE", -1.0)
    file, back = store.parent / "one.pack", store.parent / "back"
    flags = ("--window", 8, 12, "--splits", "train", "test", "--most", "train=3")
    result, text = call("pack", store, *flags, "--out", file)
    assert (result["cases"], result["bytes"]) == (5, file.stat().st_size)
    assert result["splits"] == {"train": {"cases": 3, "patients": 3}, "test": {"cases": 2, "patients": 2}}
    assert "5 cases of 5 patients" in text and str(result["packed_from"]) in text
    unpacked, text = call("unpack", file, "--out", back)
    assert unpacked["packed_from"] == result["packed_from"] and unpacked["cases"] == 5
    assert "5 cases of 5 patients, verified" in text
    assert "unpacking: 4 of 5, " in capsys.readouterr().err
    checked, _ = call("check", back)
    assert checked["cases"] == 5


def test_what_is_packed_is_what_a_limited_evaluation_scores(store) -> None:
    from atfm.data.store import Store
    from atfm.evaluate.cases import choose

    call("pack", store, "--splits", "train", "--most", "train=2", "--out", store.parent / "one.pack")
    call("unpack", store.parent / "one.pack", "--out", store.parent / "back")
    whole, part = Store.open(store), Store.open(store.parent / "back")
    assert part.ids() == [whole.ids()[i] for i in choose(whole.split("train"), 2)]


def test_pack_refuses(store) -> None:
    with pytest.raises(InputError, match="inside the store"):
        call("pack", store, "--out", store / "one.pack")
    with pytest.raises(StoreError, match="no split 'validation'"):
        call("pack", store, "--most", "validation=2", "--out", store.parent / "one.pack")
    for wrong in ("val", "val=0", "=3", "val=x"):
        with pytest.raises(SystemExit):
            call("pack", store, "--most", wrong, "--out", store.parent / "one.pack")
