"""What a folder of results holds already: the same evaluation, another one, or one that is no longer whole."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from atfm.data.pseudonyms import patient_hash
from atfm.errors import InputError
from atfm.evaluate.parts import Parts
from atfm.evaluate.plan import prepare
from atfm.evaluate.published import published, save
from atfm.evaluate.rows import Entry
from atfm.methods.method import Method

IDENTITY = {"seed": 0, "samples": 32, "limit": None, "weights": {"discs": "1f" * 32}}


@pytest.fixture
def saved(evaluation, tmp_path: Path) -> Path:
    save(evaluation, tmp_path / "out", "atfm evaluate discs store", IDENTITY)
    return tmp_path / "out"


def look(folder: Path, told: list[str] | None = None, *, overwrite: bool = False, **identity: object):
    parts = Parts(folder / "parts", IDENTITY | identity)
    tell: Callable[[str], object] = (lambda line: None) if told is None else told.append
    return published(folder, parts, overwrite=overwrite, tell=tell)


def test_the_same_is_read_back_as_it_was_written(saved: Path) -> None:
    assert look(saved) == json.loads((saved / "summary.json").read_text())
    assert look(saved)["made_by"] == IDENTITY


def test_an_empty_folder_is_free_and_so_is_one_whose_files_were_half_moved(saved: Path, tmp_path: Path) -> None:
    assert look(tmp_path / "none") is None
    with Parts(saved / "parts", IDENTITY).writer("all") as keep:
        keep([Entry(0, "c", "p", 4)])
    (saved / "summary.json").unlink()
    assert look(saved) is None, "its rows are there, and its files are made again of them"


@pytest.mark.parametrize("change", [{"seed": 1}, {"samples": 16}, {"limit": 5}, {"weights": {"discs": "2f" * 32}}])
def test_another_one_is_refused_by_what_differs_and_replaced_when_asked(saved: Path, change) -> None:
    before = {file.name: file.read_bytes() for file in saved.iterdir()}
    (name,) = change
    with pytest.raises(InputError, match=rf"out: holds another evaluation already \(it differs in {name}.*--overwrite"):
        look(saved, **change)
    assert {file.name: file.read_bytes() for file in saved.iterdir()} == before
    told: list[str] = []
    assert look(saved, told, overwrite=True, **change) is None
    assert len(told) == 1 and "replaces another evaluation" in told[0] and name in told[0]


@pytest.mark.parametrize("name", ["rows.csv", "summary.json", "report.html"])
def test_a_changed_digit_is_found_and_it_is_made_again(saved: Path, name: str) -> None:
    text = (saved / name).read_text()
    place = text.rindex("0.") + 2 if name != "summary.json" else text.index('"mean": 0.') + 10
    (saved / name).write_text(text[:place] + str((int(text[place]) + 1) % 10) + text[place + 1 :])
    told: list[str] = []
    assert look(saved, told) is None
    assert told == [f"{saved / name}: missing or damaged: the evaluation is made again"]


def test_files_that_nobody_knows_the_making_of_are_not_replaced(evaluation, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("mine")
    with pytest.raises(InputError, match=r"summary\.json is missing or damaged"):
        look(tmp_path)
    save(evaluation, tmp_path, "")  # without what made it, as those of earlier versions were
    with pytest.raises(InputError, match="holds another evaluation already"):
        look(tmp_path)
    for text in ("{", "[]", json.dumps({"seed": 0, "scores": {}})):
        (tmp_path / "summary.json").write_text(text)
        with pytest.raises(InputError, match="damaged"):
            look(tmp_path)


def test_everything_that_decides_a_score_is_in_the_identity(store, discs: Method, nothing, model) -> None:
    options = {"samples": 8}
    own = prepare(model(discs), store, **options)
    others = [
        prepare(model(discs), store, samples=9),
        prepare(model(discs), store, seed=1, **options),
        prepare(model(discs), store, limit=3, **options),
        prepare(model(discs), store, batch=2, **options),
        prepare(model(discs), store, references=False, **options),
        prepare(model(discs), store, split="train", **options),
        prepare(model(discs, patients=frozenset({patient_hash("p1")})), store, allow_leak=True, **options),
        prepare(model(discs, patients=frozenset()), store, **options),
        prepare(model(discs), store, beside=[model(nothing, "nothing")], **options),
        replace(own, contenders=[replace(own.contenders[0], method=warmer(type(discs)))]),
    ]
    texts = [json.dumps(plan.identity(), sort_keys=True) for plan in (own, *others)]
    assert len(set(texts)) == len(texts)
    again = prepare(replace(model(discs), name="elsewhere"), store, **options)
    assert again.identity() == own.identity(), "names of files are no part of it"


def warmer(kind: type[Method]) -> Method:
    """The same weights, none, with a setting of another value."""
    method = kind()
    method.temperature = 1.5  # type: ignore[assignment]
    return method


def test_parts_alone_know_whether_there_are_any(tmp_path: Path) -> None:
    parts = Parts(tmp_path / "out" / "parts", IDENTITY)
    assert not parts
    with parts.writer("all") as keep:
        keep([Entry(0, "c", "p", 4)])
    assert parts
    (tmp_path / "out" / "parts" / ".1-of-2.lock").write_text("left by a killed shard")
    parts.clear()
    assert os.listdir(tmp_path) == []
