"""Where the patient is unknown that is said, with the names that may be of one patient and what would join them."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from atfm.cli.main import main
from atfm.data.store import Store
from atfm.importers.stems import joined, patient_warnings, stems

PATTERNS = ["--images", "images/{case}.png", "--masks", "masks/{case}_{annotator}.png"]


@pytest.mark.parametrize(
    ("cases", "named", "patients"),
    [
        (["kid1_left", "kid1_right", "kid2_left"], "kid1_left and kid1_right", ["kid1", "kid2"]),
        (["kid_left", "kid_right"], "kid_left and kid_right", ["kid"]),
        (["anna-OD", "anna-OS", "ben-OS"], "anna-OD and anna-OS", ["anna", "ben"]),
        (["p7L", "p7R", "p8L"], "p7L and p7R", ["p7", "p8"]),
        (["KidLeft", "KidRight", "JoeLeft"], "KidLeft and KidRight", ["Kid", "Joe"]),
        (
            ["patient_01_a", "patient_01_b", "patient_02_a"],
            "patient_01_a and patient_01_b",
            ["patient_01", "patient_02"],
        ),
        (["p1_slice_1", "p1_slice_2", "p2_slice_9"], "p1_slice_1 and p1_slice_2", ["p1", "p2"]),
        (["p1_visit2", "p1_visit3", "p2_visit2"], "p1_visit2 and p1_visit3", ["p1", "p2"]),
        (["a_1", "a_2", "b_1"], "a_1 and a_2", ["a", "b"]),
    ],
)
def test_names_that_share_a_stem(cases, named, patients) -> None:
    hint = stems(cases)
    assert named in hint and f"makes {len(patients)} patients of the {len(cases)} cases" in hint
    pattern = re.search("--patient '(.+)' makes", hint)[1]
    assert list(joined(cases, pattern)) == patients


@pytest.mark.parametrize(
    "cases",
    [
        [],
        ["a"],
        ["UDA2_pilot_002", "UDA2_pilot_003", "UDA2_pilot_004"],
        [f"benign ({i})" for i in range(1, 40)] + [f"normal ({i})" for i in range(1, 40)],
        [f"ISIC_{i:07d}" for i in range(50)],
        [f"b{i:02}" for i in range(1, 36)],
    ],
)
def test_names_that_share_only_that_of_their_set(cases) -> None:
    assert stems(cases) is None


def test_every_import_tells_of_two_spellings() -> None:
    said = patient_warnings("given", ["P01", "p1", "P2"])
    assert said == ["patients that may be one in two spellings count as several: P01 and p1"]
    assert patient_warnings("given", ["P1", "P2"]) == []
    assert "each series counts as one" in patient_warnings("one per series", ["1.2"])[0]


@pytest.fixture
def eyes(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for kid in range(6):
        for side in ("left", "right"):
            for name, top in ((f"images/kid{kid}_{side}.png", 256), (f"masks/kid{kid}_{side}_x.png", 2)):
                (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(rng.integers(0, top, (6, 6), np.uint8)).save(tmp_path / "in" / name)
    return tmp_path / "in"


def imported(capsys: pytest.CaptureFixture[str], *words: object, text: bool = False) -> tuple[str, dict]:
    """What the command prints, and what it gives as JSON."""
    capsys.readouterr()
    assert main(["data", "import", "folder", *map(str, words), *([] if text else ["--json"])]) == 0
    out = capsys.readouterr().out
    return out, ({} if text else json.loads(out))


@pytest.mark.parametrize("where", ["dry run", "import"])
def test_both_eyes_of_a_child_are_told_of_in_text_and_json(eyes, tmp_path, capsys, where) -> None:
    flags = [["--dry-run"]] * 2 if where == "dry run" else [["--out", tmp_path / "one"], ["--out", tmp_path / "two"]]
    text, _ = imported(capsys, eyes, *PATTERNS, *flags[0], text=True)
    assert "warning: patient unknown: one per case is assumed" in text and "kid0_left and kid0_right" in text
    _, facts = imported(capsys, eyes, *PATTERNS, *flags[1])
    assert facts["patients_known"] == "assumed one per case" and facts["patients"] == facts["cases"] == 12
    assert any(warning.startswith("patient unknown: one per case") for warning in facts["warnings"])
    (hint,) = (warning for warning in facts["warnings"] if "share the stem" in warning)
    regex = re.search("--patient '(.+)' makes 6 patients", hint)[1]
    _, joint = imported(capsys, eyes, *PATTERNS, "--patient", regex, "--dry-run")
    assert (joint["patients"], joint["patients_known"], joint["warnings"]) == (6, "from names", [])


def test_the_store_remembers_how_patients_are_known(eyes, tmp_path, capsys) -> None:
    imported(capsys, eyes, *PATTERNS, "--out", tmp_path / "store")
    info = Store.open(tmp_path / "store").info
    assert info.patients_known == "assumed one per case" and any("kid0_left" in line for line in info.warnings)
    assert json.loads((tmp_path / "store/store.json").read_text())["patients_known"] == "assumed one per case"
    assert main(["data", "info", str(tmp_path / "store"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["patients_known"] == "assumed one per case"


def test_a_store_from_before_is_unknown(eyes, tmp_path, capsys) -> None:
    imported(capsys, eyes, *PATTERNS, "--out", tmp_path / "store")
    file = tmp_path / "store/store.json"
    old = json.loads(file.read_text())
    for field in ("patients_known", "warnings", "skipped"):
        del old[field]
    file.write_text(json.dumps(old))
    assert Store.open(tmp_path / "store").info.patients_known is None
