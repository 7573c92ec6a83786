"""Every importer passes over what systems leave in folders and zips, and says how much that was."""

import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from atfm.cli.main import main

RNG = np.random.default_rng(0)
HIDDEN = b"\x00\x05\x16\x07 a resource fork, no picture"


def picture(file: Path, *, mask: bool = False) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    pixels = RNG.integers(0, 2 if mask else 256, (8, 6), np.uint8) * np.uint8(255 if mask else 1)
    Image.fromarray(pixels).save(file, format="PNG")


def folder(at: Path) -> list[object]:
    for case in "abc":
        picture(at / f"images/{case}.PNG")
        picture(at / f"masks/{case}_x.png", mask=True)
    return ["folder", at, "--images", "images/{case}.png", "--masks", "masks/{case}_{annotator}.png"]


def side_by_side(at: Path) -> list[object]:
    for case in "abc":
        picture(at / f"{case}.png")
        picture(at / f"{case}_mask.png", mask=True)
    return ["folder", at, "--images", "{case}.png", "--masks", "{case}_mask.png"]


def isic(at: Path) -> list[object]:
    for case in range(3):
        picture(at / f"ISIC_{case}.PNG")
        picture(at / f"ISIC_{case}_segmentation.png", mask=True)
    return ["isic", at]


def lidc_png(at: Path) -> list[object]:
    for case in range(3):
        for kind in ("images", "mask-0"):
            picture(at / f"P-{case}/nodule-0/{kind}/slice-0.PNG", mask=kind != "images")
    return ["lidc-png", at]


def lidc_hpunet(at: Path) -> list[object]:
    for split in ("train", "val", "test"):
        picture(at / f"{split}/images/{split}-1/s.PNG")
        picture(at / f"{split}/gt/{split}-1/s_l0.png", mask=True)
    return ["lidc-hpunet", at]


def litter(at: Path) -> int:
    """A resource fork beside every file, as macOS writes them to foreign disks, and its folders' own files."""
    files = [file for file in at.rglob("*") if file.is_file()]
    for file in files:
        file.with_name(f"._{file.name}").write_bytes(HIDDEN)
        copy = at / "__MACOSX" / file.relative_to(at)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(HIDDEN)
    (at / ".DS_Store").write_bytes(HIDDEN)
    return 2 * len(files) + 1


def zipped(at: Path) -> Path:
    path = at.with_suffix(".zip")
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(at.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(at).as_posix())
    return path


def facts(capsys: pytest.CaptureFixture[str], *words: object) -> dict:
    capsys.readouterr()
    assert main(["data", "import", *map(str, words), "--json"]) == 0, capsys.readouterr().err
    return json.loads(capsys.readouterr().out)


COUNTS = ("cases", "patients", "splits", "unassigned_patients", "absent_patients", "skipped", "warnings")


@pytest.mark.parametrize("make", [folder, side_by_side, isic, lidc_png, lidc_hpunet], ids=lambda make: make.__name__)
def test_in_folders(tmp_path, capsys, make: Callable[[Path], list[object]]) -> None:
    words = make(tmp_path / "in")
    clean = facts(capsys, *words, "--dry-run")
    count = litter(tmp_path / "in")
    dry, done = facts(capsys, *words, "--dry-run"), facts(capsys, *words, "--out", tmp_path / "store")
    assert clean["cases"] == dry["cases"] == done["cases"] == 3 and clean["skipped"] == []
    assert [line for line in done["skipped"] if f"{count} hidden files passed over, such as " in line]
    assert {name: dry[name] for name in COUNTS} == {name: done[name] for name in COUNTS}


@pytest.mark.parametrize("make", [lidc_png, lidc_hpunet], ids=lambda make: make.__name__)
def test_in_zips(tmp_path, capsys, make: Callable[[Path], list[object]]) -> None:
    name, at = make(tmp_path / "in")
    count = litter(at)
    done = facts(capsys, name, zipped(at), "--out", tmp_path / "store")
    assert done["cases"] == 3 and f"in.zip: {count} hidden files passed over" in done["skipped"][0]


def test_beside_a_pickle_in_a_zip(tmp_path, capsys) -> None:
    case = {"image": np.eye(4, dtype=np.uint8), "masks": [np.eye(4, dtype=np.uint8)], "series_uid": "1.2"}
    content = pickle.dumps({f"case {i}": case | {"series_uid": f"1.{i}"} for i in range(3)})
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        archive.writestr("set.pickle", content)
        archive.writestr("__MACOSX/._set.pickle", HIDDEN)
    assert facts(capsys, "lidc-pickle", tmp_path / "set.zip", "--dry-run")["cases"] == 3


def test_a_folder_that_is_hidden_itself_is_read(tmp_path, capsys) -> None:
    assert facts(capsys, *folder(tmp_path / ".data/in"), "--dry-run")["cases"] == 3
