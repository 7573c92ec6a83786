"""What masks mean and which values are white, from the flags of a command to the store that it makes."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from atfm.cli.main import main
from atfm.data.store import Store
from atfm.errors import InputError
from atfm.importers.folder import plan_folder
from atfm.importers.form import Form
from atfm.io.pictures.marking import MaskRule

RNG = np.random.default_rng(4)
SQUARE = np.zeros((24, 24), np.uint8)
SQUARE[5:15, 8:18] = 1
LABELS = (np.indices((24, 24)).sum(0) // 16).astype(np.uint8)  # 0 to 2
TABLE = np.array([[0, 0, 0], [255, 0, 0], [0, 0, 255]], np.uint8)


def scans(folder: Path, mask: Image.Image, name: str = "png", image: np.ndarray | None = None) -> Path:
    for kind in ("images", "masks"):
        (folder / "scans" / kind).mkdir(parents=True)
    for case in "ab":
        pixels = RNG.integers(0, 256, (24, 24), np.uint8) if image is None else image
        Image.fromarray(pixels).save(folder / f"scans/images/{case}.png")
        mask.save(folder / f"scans/masks/{case}_x.{name}", **({"quality": 80} if name == "jpg" else {}))
    return folder / "scans"


def run(capsys, folder: Path, *flags: str, name: str = "png") -> tuple[int, dict, str]:
    words = ["--images", "images/{case}.png", "--masks", "masks/{case}_{annotator}." + name, *flags, "--json"]
    status = main(["data", "import", "folder", str(folder), *words])
    told = capsys.readouterr()
    return status, json.loads(told.out) if status == 0 else {}, told.err


def stored(folder: Path) -> np.ndarray:
    return Store.open(folder)[0].masks[0]


def test_a_jpeg_is_imported_with_a_threshold(capsys, tmp_path) -> None:
    folder = scans(tmp_path, Image.fromarray(SQUARE * 255), "jpg")
    status, _, err = run(capsys, folder, "--out", str(tmp_path / "out"), name="jpg")
    assert status == 2 and "--threshold 127" in err and err.count("\n") == 1
    status, facts, _ = run(capsys, folder, "--out", str(tmp_path / "out"), "--threshold", "127", name="jpg")
    assert status == 0 and facts["cases"] == 2
    np.testing.assert_array_equal(stored(tmp_path / "out"), SQUARE)


def test_colours_are_imported_with_a_table_that_tells_the_classes(capsys, tmp_path) -> None:
    folder = scans(tmp_path, Image.fromarray(TABLE[LABELS]))
    out = str(tmp_path / "out")
    status, _, err = run(capsys, folder, "--out", out, "--classes", "3")
    assert status == 2 and "--labels '#000000=0' '#ff0000=1'" in err
    status, _, _ = run(capsys, folder, "--out", out, "--labels", "#000000=0", "#ff0000=1", "#0000ff=2")
    assert status == 0 and Store.open(tmp_path / "out").info.classes == 3
    np.testing.assert_array_equal(stored(tmp_path / "out"), LABELS)


def test_a_foreground_decides_where_cues_disagree(capsys, tmp_path) -> None:
    clear = np.dstack([SQUARE * 255] * 3 + [np.full_like(SQUARE, 255)])
    clear[0, 0, 3] = 0
    folder = scans(tmp_path, Image.fromarray(clear))
    out = str(tmp_path / "out")
    status, facts, _ = run(capsys, folder, "--out", out, "--dry-run")
    assert len(facts["refused"]) == 2 and "1 of 576 pixels are transparent" in facts["refused"][0]
    status, _, _ = run(capsys, folder, "--out", out, "--foreground", "white")
    assert status == 0
    np.testing.assert_array_equal(stored(tmp_path / "out"), SQUARE)


def test_what_was_guessed_of_masks_reaches_the_dry_run_the_import_and_the_store(capsys, tmp_path) -> None:
    folder = scans(tmp_path, Image.fromarray(SQUARE * 255).convert("RGB").quantize(2))
    out = str(tmp_path / "out")
    _, dry, _ = run(capsys, folder, "--out", out, "--dry-run")
    _, real, _ = run(capsys, folder, "--out", out)
    said = "masks: palettes that begin with white: what they show white was taken for the region, whatever its number"
    for warnings in (dry["warnings"], real["warnings"], Store.open(tmp_path / "out").info.warnings):
        assert f"{said} (2 cases, as a)" in warnings
    np.testing.assert_array_equal(stored(tmp_path / "out"), SQUARE)


def test_12_bits_in_16_are_warned_of_and_mended(capsys, tmp_path) -> None:
    image = RNG.integers(0, 4096, (24, 24), np.uint16)
    image[0, :2] = 0, 4095
    folder = scans(tmp_path, Image.fromarray(SQUARE * 255), image=image)
    for flags, dark in (((), True), (("--bits", "12"), False), (("--window", "0", "4095"), False)):
        out = tmp_path / f"out{len(flags)}"
        _, facts, _ = run(capsys, folder, "--out", str(out), *flags)
        assert any("--bits 12" in warning for warning in facts["warnings"]) is dark
        assert any("--bits 12" in warning for warning in Store.open(out).info.warnings or ()) is dark
        white = 65535 if dark else 4095
        np.testing.assert_allclose(Store.open(out)[0].image[0], image / white, atol=1e-6)
    status, _, err = run(capsys, folder, "--out", str(tmp_path / "no"), "--bits", "12", "--window", "0", "9")
    assert status == 2 and "give one of the two" in err


def test_the_rule_is_part_of_what_an_import_is(tmp_path) -> None:
    folder = scans(tmp_path, Image.fromarray(SQUARE * 255))
    patterns = {"images": "images/{case}.png", "masks": "masks/{case}_{annotator}.png"}
    rules = [MaskRule(), MaskRule(threshold=9), MaskRule(threshold=10), MaskRule.of(foreground="255"),
             MaskRule.of(foreground="white"), MaskRule.of(labels=["0=0", "255=1"])]  # fmt: skip
    prints = [plan_folder(folder, **patterns, form=Form(rule=rule)).fingerprint() for rule in rules]
    assert len(set(prints)) == len(rules)
    assert prints[1] == plan_folder(folder, **patterns, form=Form(rule=MaskRule(threshold=9))).fingerprint()


def test_rules_that_do_not_go_with_the_classes() -> None:
    with pytest.raises(InputError, match="make binary masks; leave --classes out"):
        Form(classes=3, rule=MaskRule(threshold=9))
    with pytest.raises(InputError, match="a table up to label 5 needs"):
        Form(classes=3, rule=MaskRule.of(labels=["9=5"]))
    Form(classes=3, ignore_label=255, rule=MaskRule.of(labels=["0=0", "7=255", "9=2"]))


def test_a_table_may_name_what_says_nothing(capsys, tmp_path) -> None:
    folder = scans(tmp_path, Image.fromarray(TABLE[LABELS]))
    words = ["--labels", "black=0", "red=1", "blue=255", "--ignore-label", "255", "--classes", "3"]
    status, _, err = run(capsys, folder, "--out", str(tmp_path / "out"), *words)
    assert status == 0, err
    np.testing.assert_array_equal(stored(tmp_path / "out"), np.where(LABELS == 2, 255, LABELS))


def test_isic_takes_a_threshold_too(capsys, tmp_path) -> None:
    (tmp_path / "archive").mkdir()
    Image.fromarray(RNG.integers(0, 256, (24, 24, 3), np.uint8)).save(tmp_path / "archive/ISIC_1.jpg")
    Image.fromarray(SQUARE * 255).save(tmp_path / "archive/ISIC_1_segmentation.jpg", quality=80)
    words = ["data", "import", "isic", str(tmp_path / "archive"), "--out", str(tmp_path / "out"), "--json"]
    assert main(words) == 2 and "--threshold 127" in capsys.readouterr().err
    assert main([*words, "--threshold", "127"]) == 0
    np.testing.assert_array_equal(stored(tmp_path / "out"), SQUARE)
