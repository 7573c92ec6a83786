"""`atfm data import`: every importer as a user types it, dry and for good."""

import json
import pickle
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

from atfm.cli.main import build_parser, main
from atfm.data.store import Store
from atfm.importers import IMPORTERS
from atfm.importers.lidc.png import plan_lidc_png
from atfm.importers.plan import build_store

DOCS = Path(__file__).resolve().parents[2] / "docs" / "data.md"
RNG = np.random.default_rng(0)
Made = list[object]


def picture(path: Path, *, mask: bool = False) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = RNG.integers(0, 2, (10, 8), np.uint8) * np.uint8(255) if mask else RNG.integers(0, 256, (10, 8), np.uint8)
    Image.fromarray(pixels).save(path)


def folder(at: Path) -> Made:
    for case in range(10):
        picture(at / f"images/{case}.png")
        picture(at / f"masks/{case}_anna.png", mask=True)
    return [at, "--images", "images/{case}.png", "--masks", "masks/{case}_{annotator}.png"]


def lidc_png(at: Path) -> Made:
    for case in range(10):
        for kind in ("images", "mask-0", "mask-1"):
            picture(at / f"P-{case}/nodule-0/{kind}/slice-0.png", mask=kind != "images")
    return [at]


def lidc_pickle(at: Path) -> Made:
    cases = {
        f"c{i}": {"image": RNG.random((10, 8)), "masks": [np.eye(10, 8)] * 2, "series_uid": f"s{i}"} for i in range(10)
    }
    at.with_suffix(".pickle").write_bytes(pickle.dumps(cases))
    return [at.with_suffix(".pickle")]


def lidc_hdf5(at: Path) -> Made:
    with h5py.File(at, "w") as file:
        for number, (split, count) in enumerate({"train": 6, "val": 2, "test": 2}.items()):
            file[f"{split}/images"] = RNG.random((count, 10, 8)) - 0.5
            file[f"{split}/labels"] = RNG.integers(0, 2, (count, 10, 8, 4), np.uint8)
            file[f"{split}/uids"] = np.arange(count) + 100 * number
    return [at]


def lidc_hpunet(at: Path) -> Made:
    for split, count in {"train": 6, "val": 2, "test": 2}.items():
        for case in range(count):
            picture(at / f"{split}/images/{split}-{case}/s.png")
            for k in range(4):
                picture(at / f"{split}/gt/{split}-{case}/s_l{k}.png", mask=True)
    return [at]


def isic(at: Path) -> Made:
    for case in range(11):
        picture(at / f"ISIC_{case}.png")
        for k in range(3 if case < 10 else 2):
            picture(at / f"ISIC_{case}_segmentation_{k}.png", mask=True)
    return [at, "--annotators", 3, "--grey", "--size", 10, 8]


def phantom(at: Path) -> Made:
    return ["--cases", 10, "--size", 16, "--test-annotators", 5]


MAKERS = (folder, lidc_png, lidc_pickle, lidc_hdf5, lidc_hpunet, isic, phantom)


def call(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    status = main(["data", "import", *map(str, words)])
    output = capsys.readouterr()
    return status, output.out, output.err


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_a_dry_run_tells_what_the_import_then_does(tmp_path, capsys, make: Callable[[Path], Made]) -> None:
    words = [make.__name__.replace("_", "-"), *make(tmp_path / "in")]
    before = sorted(tmp_path.rglob("*"))
    status, out, _ = call(capsys, *words, "--dry-run", "--json")
    facts = json.loads(out)
    assert status == 0 and sorted(tmp_path.rglob("*")) == before
    assert facts["dry_run"] is True and facts["refused"] == [] and len(facts["skipped"]) == (make is isic)
    assert "dry run, nothing was written: 10 cases of 10 patients" in call(capsys, *words, "--dry-run")[1]
    status, out, _ = call(capsys, *words, "--out", tmp_path / "store", "--json")
    done, store = json.loads(out), Store.open(tmp_path / "store")
    store.check()
    for name in (
        "cases",
        "patients",
        "splits",
        "unassigned_patients",
        "absent_patients",
        "patients_known",
        "name",
        "skipped",
        "warnings",
    ):
        assert facts[name] == done[name], name
    assert facts["annotators"] == {
        str(k): sum(store.annotators(i) == k for i in range(10))
        for k in sorted({store.annotators(i) for i in range(10)})
    }
    assert done["resumed_after"] == 0 and done["cases"] == 10


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_every_importer_deals_the_patients_out_by_fractions(tmp_path, capsys, make: Callable[[Path], Made]) -> None:
    words = [make.__name__.replace("_", "-"), *make(tmp_path / "in"), "--fractions", 0.5, 0.2, 0.3]
    status, out, err = call(capsys, *words, "--dry-run", "--json", "--seed", 1)
    assert status == 0, err
    dealt = {name: counts["patients"] for name, counts in json.loads(out)["splits"].items()}
    assert dealt == {"train": 5, "val": 2, "test": 3}
    status, out, _ = call(capsys, *words, "--out", tmp_path / "store", "--json", "--seed", 1)
    assert {name: counts["patients"] for name, counts in json.loads(out)["splits"].items()} == dealt
    if make is phantom:  # whose test cases have more annotators
        store = Store.open(tmp_path / "store")
        assert {store.annotators(i) for i in store.split("test")} == {5}
        assert {store.annotators(i) for i in [*store.split("train"), *store.split("val")]} == {4}
    assert call(capsys, *words[:-1], 0.9, "--dry-run")[0] == 2, "they do not sum to 1"


def test_every_importer_has_an_example_in_its_help(capsys) -> None:
    names = {maker.__name__.replace("_", "-") for maker in MAKERS}
    listed = {importer.name for importer in IMPORTERS}
    assert names <= listed
    for name in sorted(listed):
        with pytest.raises(SystemExit):
            main(["data", "import", name, "--help"])
        text = " ".join(capsys.readouterr().out.split())
        assert f"example: atfm data import {name} " in text and "--dry-run" in text and "--out STORE" in text
        assert "--fractions TRAIN VAL TEST" in text
        build_parser().parse_args(shlex.split(text.partition("example: atfm ")[2]))


def test_the_commands_of_the_page_parse() -> None:
    text = re.sub(r"\\\n\s+", "", DOCS.read_text(encoding="utf-8"))
    commands = re.findall(r"^ {4}atfm (data (?:import (?!NAME)|check|info).*)$", text, re.MULTILINE)
    for command in commands:
        build_parser().parse_args(shlex.split(command))
    used = {command.split()[2] for command in commands if command.split()[1] == "import"}
    assert {maker.__name__.replace("_", "-") for maker in MAKERS} <= used


@pytest.mark.real
@pytest.mark.parametrize(("name", "cases"), [("skin", 8), ("cells/ds1", 35)])
def test_the_page_s_commands_for_real_folders(shared_data, tmp_path, capsys, name, cases) -> None:
    text = re.sub(r"\\\n\s+", "", DOCS.read_text(encoding="utf-8"))
    (command,) = re.findall(rf"^ {{4}}atfm (data import folder {name} .*)$", text, re.MULTILINE)
    words = [str(shared_data / name) if word == name else word for word in shlex.split(command)]
    words[words.index("--out") + 1] = str(tmp_path / "store")
    assert main([*words, "--dry-run", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["cases"] == cases and facts["refused"] == facts["skipped"] == []
    assert facts["annotators"] == ({"2": 3, "3": 3, "4": 2} if name == "skin" else {"10": 35})


def test_where_the_store_would_go(tmp_path, capsys) -> None:
    words = ["phantom", *phantom(tmp_path)]
    status, _, err = call(capsys, *words)
    assert status == 2 and "--out STORE: give the folder to make, or --dry-run" in err
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    for flags in ([], ["--dry-run"]):
        status, _, err = call(capsys, *words, "--out", tmp_path / "full", *flags)
        assert status == 2 and "exists already" in err


def test_a_dry_run_lists_what_is_refused(tmp_path, capsys) -> None:
    words = ["lidc-png", *lidc_png(tmp_path / "in")]
    for case in (2, 7):
        (tmp_path / f"in/P-{case}/nodule-0/mask-1/slice-0.png").write_bytes(b"no picture")
    status, out, _ = call(capsys, *words, "--dry-run")
    assert status == 0 and "8 cases of 8 patients of the 10 cases can be imported" in out and "refused: 2" in out
    assert (
        "P-2/nodule-0/mask-1/slice-0.png: cannot be read" in out
        and "stops at the first of those and makes no store" in out
    )
    status, _, err = call(capsys, *words, "--out", tmp_path / "store")
    assert status == 2 and "P-2/nodule-0/mask-1/slice-0.png: cannot be read" in err
    assert {file.name for file in tmp_path.iterdir()} == {"in"}


def test_the_command_goes_on_with_what_was_interrupted(tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.setattr("atfm.data.writer.COMMIT_CASES", 2)

    def interrupt(done: int, total: int) -> None:
        if done == 5:
            raise KeyboardInterrupt

    words = ["lidc-png", *lidc_png(tmp_path / "in"), "--out", tmp_path / "store"]
    with plan_lidc_png([tmp_path / "in"]) as plan, pytest.raises(KeyboardInterrupt):
        build_store(plan, tmp_path / "store", interrupt)
    status, out, _ = call(capsys, *words)
    assert status == 0 and "went on after the 4 cases of an import that was stopped" in out


@pytest.mark.parametrize("make", [folder, lidc_png, lidc_hpunet, isic], ids=lambda make: make.__name__)
def test_files_that_are_none_of_a_data_set_are_counted_and_named(
    tmp_path, capsys, make: Callable[[Path], Made]
) -> None:
    words = [make.__name__.replace("_", "-"), *make(tmp_path / "in")]
    for number in range(7):
        (tmp_path / f"in/notes-{number}.txt").write_text("nothing")
    (tmp_path / "in/.DS_Store").write_text("nothing")
    dry, stored = (
        json.loads(call(capsys, *words, *more, "--json")[1]) for more in (["--dry-run"], ["--out", tmp_path / "store"])
    )
    for facts in (dry, stored):
        lines = [line for line in facts["skipped"] if "notes-" in line]
        assert len(lines) == 1 and "7 files left out" in lines[0] and "notes-0.txt" in lines[0] and "2 more" in lines[0]
        assert any("1 hidden file" in line for line in facts["skipped"])
    _, out, _ = call(capsys, *words, "--dry-run")
    assert "7 files left out" in out
    assert list(Store.open(tmp_path / "store").info.skipped) == stored["skipped"]


def test_what_a_pickle_and_an_hdf5_hold_besides_is_named(tmp_path, capsys) -> None:
    cases = {f"c{i}": {"image": np.eye(8), "masks": [np.eye(8)], "series_uid": f"s{i}", "alpha": 1} for i in range(3)}
    (tmp_path / "a.pickle").write_bytes(pickle.dumps(cases))
    facts = json.loads(call(capsys, "lidc-pickle", tmp_path / "a.pickle", "--dry-run", "--json")[1])
    assert facts["skipped"] == [f"{tmp_path / 'a.pickle'}: 1 field left out, not read of its cases: alpha"]
    (file,) = lidc_hdf5(tmp_path / "a.hdf5")
    with h5py.File(file, "a") as opened:
        opened["train/ages"] = np.arange(6)
    facts = json.loads(call(capsys, "lidc-hdf5", file, "--dry-run", "--json")[1])
    assert facts["skipped"] == [f"{file}: 1 array left out, not read of its groups: train/ages"]
