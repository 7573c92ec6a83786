from pathlib import Path

import numpy as np
import pytest

from atfm.errors import InputError
from atfm.evaluate.foreign.finding import find

NAMES = {f"p/{number}": f"p__{number}" for number in range(4)}
WANTED = ["p/0", "p/1", "p/2"]


def put(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")


def test_a_folder_or_a_file_for_each_case(tmp_path) -> None:
    for number in (10, 9, 1):
        put(tmp_path / "p__0" / f"mask-{number}.png")
    put(tmp_path / "p__0" / "weights.txt")
    put(tmp_path / "p__0" / "log.json")
    put(tmp_path / "p__1.nii.gz")
    put(tmp_path / "p__3" / "0.png")
    put(tmp_path / "q__1.npy")
    put(tmp_path / ".DS_Store")
    found = find(tmp_path, NAMES, WANTED)
    assert [file.name for file in found.cases["p/0"].masks] == ["mask-1.png", "mask-9.png", "mask-10.png"]
    assert found.cases["p/0"].weights == tmp_path / "p__0" / "weights.txt"
    assert found.cases["p/1"].masks == (tmp_path / "p__1.nii.gz",)
    assert (found.missing, found.others, dict(found.problems)) == (("p/2",), 1, {})
    assert found.surplus == ("p__0/log.json", "q__1.npy")


def test_all_masks_of_a_case_in_one_file_leave_the_others_out(tmp_path) -> None:
    for name in ("samples.npy", "probability.npy"):
        put(tmp_path / "p__0" / name)
    found = find(tmp_path, NAMES, WANTED)
    assert [file.name for file in found.cases["p/0"].masks] == ["samples.npy"]
    assert found.surplus == ("p__0/probability.npy",)


def test_a_folder_for_each_member(tmp_path) -> None:
    for fold in (10, 2):
        for number in (0, 1) if fold == 10 else (0,):
            put(tmp_path / f"fold_{fold}" / f"p__{number}.nii.gz")
        put(tmp_path / f"fold_{fold}" / "plans.json")
    put(tmp_path / "notes" / "a.txt")
    found = find(tmp_path, NAMES, WANTED)
    assert [file.parent.name for file in found.cases["p/0"].masks] == ["fold_2", "fold_10"]
    assert "only 1 of the 2 members" in found.problems["p/1"] and found.missing == ("p/2",)
    assert found.surplus == ("fold_2/plans.json", "fold_10/plans.json", "notes")


def test_two_answers_for_one_case_are_a_problem(tmp_path) -> None:
    put(tmp_path / "p__0.npy")
    put(tmp_path / "p__0.png")
    put(tmp_path / "p__1" / "samples.npy")
    put(tmp_path / "p__1" / "samples.nii.gz")
    put(tmp_path / "p__2" / "readme.txt")
    problems = find(tmp_path, NAMES, WANTED).problems
    assert "is of the same case; keep one" in problems["p/0"] and "keep one" in problems["p/1"]
    assert "holds no mask" in problems["p/2"]


def test_a_folder_of_something_else_is_refused_with_the_names_that_are_wanted(tmp_path) -> None:
    np.save(tmp_path / "scores.npy", np.zeros(3))
    with pytest.raises(InputError, match=r"expected such as p__0/ or p__0\.npy"):
        find(tmp_path, NAMES, WANTED)
    with pytest.raises(InputError, match="found nothing"):
        find(tmp_path / "elsewhere", NAMES, WANTED)
    with pytest.raises(InputError, match="found a file"):
        find(tmp_path / "scores.npy", NAMES, WANTED)


def test_a_result_whose_seal_is_broken_is_a_problem(tmp_path) -> None:
    put(tmp_path / "p__0" / "samples.npy")
    (tmp_path / "p__0" / "sample.json").write_text('{"files": {"samples": "samples.npy"}, "sha256": "0"}')
    assert "damaged, or of an earlier version" in find(tmp_path, NAMES, WANTED).problems["p/0"]
