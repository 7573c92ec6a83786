"""`atfm compare` as it is typed: what it writes, what it refuses, and that it goes on and reads what is there."""

import csv
import json
import re
from pathlib import Path

import pytest

from atfm.cli.main import main
from atfm.disk.unit import changed, read_manifest

FILES = ("table.md", "table.csv", "table.tex", "table.html", "quality-time.svg")


def compare(out: Path, store, *words: str, samples: int = 8) -> int:
    options = ["--out", str(out), "--samples", str(samples), "--device", "cpu"]
    return main(["compare", *words, *options, *(["--store", str(store.path)] if store is not None else [])])


def test_it_is_written_in_every_form_as_one_unit(out: Path) -> None:
    document = read_manifest(out / "comparison.json")
    assert changed(out, document) == [] and set(document["files"]) == set(FILES)
    labels = [line["label"] for line in document["lines"]]
    assert labels == ["one-0-a", "two", "Other readers", "Annotators' majority", "Always empty"]
    assert [line["trainings"] for line in document["lines"][:2]] == [1, 2]
    for name in ("table.md", "table.html", "table.tex"):
        text = (out / name).read_text()
        assert all(label.split("'")[0] in text for label in labels), name
        assert "image views" in text and "GFLOP" in text


def test_a_method_of_two_trainings_is_the_mean_of_both(out: Path) -> None:
    one, two = json.loads((out / "comparison.json").read_text())["lines"][:2]
    folders = sorted((out / "evaluations").glob("two-*"))
    assert len(folders) == 2
    means = [json.loads((folder / "summary.json").read_text())["scores"]["ged"]["mean"] for folder in folders]
    assert two["scores"]["ged"]["mean"] == pytest.approx(sum(means) / 2, abs=1e-6)
    assert set(two["difference"]) == {"ged", "hm_iou_8"} and not one["difference"]
    for score, found in two["difference"].items():
        assert found["mean"] == pytest.approx(two["scores"][score]["mean"] - one["scores"][score]["mean"], abs=1e-9)
        assert found["p"] >= found["p_alone"]
    assert two["cost"]["views"] > 0 and two["cost"]["seconds"] > 0 and two["cost"]["steps"] == 1


def test_csv_holds_every_number(out: Path) -> None:
    with (out / "table.csv").open(newline="") as stream:
        rows = {row["method"]: row for row in csv.DictReader(stream)}
    lines = {line["label"]: line for line in json.loads((out / "comparison.json").read_text())["lines"]}
    assert rows.keys() == lines.keys()
    for label, line in lines.items():
        for name, score in line["scores"].items():
            assert float(rows[label][name]) == pytest.approx(score["mean"], rel=1e-5, abs=1e-9)
    assert float(rows["two"]["ged_difference"]) == pytest.approx(lines["two"]["difference"]["ged"]["mean"], rel=1e-5)
    assert rows["Other readers"]["ged"] == "0" and rows["Other readers"]["steps"] == ""


def test_the_page_draws_the_same_cases_by_each_and_marks_published_rows(out: Path) -> None:
    page = (out / "table.html").read_text()
    assert page.count("<b>one-0-a</b>") == page.count("<b>two</b>") >= 3 and "Hardest case" in page
    assert "CCDM (2023)" in page and "no: another set: 15,096 slices, ours has 9" in page
    assert all(link.startswith(("#", "data:")) for link in re.findall(r'(?:src|href)="([^"]*)"', page)), (
        "it loads nothing"
    )
    assert "http" not in page.replace("http://www.w3.org", "").replace("http-equiv", "")
    assert "CCDM (2023)" in (out / "table.md").read_text()


def test_the_same_command_reads_what_is_there(out: Path, store, published, capsys) -> None:
    before = {file: file.stat().st_mtime_ns for file in (out / "evaluations").glob("*/summary.json")}
    words = [str(published("one", 0)), f"two={published('c', 2)}", f"two={published('b', 1)}"]
    assert compare(out, store, *words, "--no-time", "--no-cases") == 0
    told = capsys.readouterr()
    assert {file: file.stat().st_mtime_ns for file in before} == before and "evaluates" not in told.err
    assert not (out / "quality-time.svg").exists(), "a figure of times that were not measured is gone"
    assert "seconds" not in told.out.split("\n\n")[1]


def test_finished_evaluations_need_no_store(out: Path, tmp_path: Path, capsys) -> None:
    folders = [f"{folder.name}={folder}" for folder in sorted((out / "evaluations").iterdir()) if folder.is_dir()]
    assert compare(tmp_path / "out", None, *folders, "--no-time") == 0
    assert "GED" in capsys.readouterr().out


def refused(capsys, status: int) -> str:
    assert status == 2
    (line,) = (line for line in capsys.readouterr().err.splitlines() if "evaluates" not in line)
    return line


@pytest.mark.parametrize("words", [["--samples", "4"], ["--seed", "3"], ["--limit", "3"], ["--split", "train"]])
def test_another_protocol_is_refused_with_the_reason(
    store, published, out: Path, tmp_path: Path, capsys, words
) -> None:
    other = tmp_path / "other"
    model = str(published("stranger", 5, patients=""))
    usual = ["--samples", "8", "--device", "cpu", "--out", str(other)]
    assert main(["evaluate", model, str(store.path), *usual, *words]) == 0
    capsys.readouterr()
    (first,) = (out / "evaluations").glob("one*")
    line = refused(capsys, compare(tmp_path / "out", None, str(first), str(other)))
    what = {"--samples": "number of samples (8 and 4)", "--seed": "seed of the noise (0 and 3)"}
    what |= {"--limit": "number of cases (all and 3)", "--split": "split (test and train)"}
    assert f"cannot stand beside {first.name}" in line and f"another {what[words[0]]}" in line


def test_another_store_is_refused(make_store, published, out: Path, tmp_path: Path, capsys) -> None:
    store = make_store(tmp_path / "store", 1)
    (first,) = (out / "evaluations").glob("one*")
    line = refused(capsys, compare(tmp_path / "out", store, str(first), str(published("one", 0))))
    assert "another store (dots, SHA-256" in line


def test_a_convention_that_differs_is_named(out: Path, tmp_path: Path, capsys) -> None:
    from atfm.disk.unit import write_unit

    (first,) = (out / "evaluations").glob("one*")
    document = read_manifest(first / "summary.json")
    document["made_by"]["conventions"]["hm_iou_n"] = "the best K of n"
    files = {name: (first / name).read_text() for name in document["files"]}
    write_unit(tmp_path / "other", files, "summary.json", document)
    line = refused(capsys, compare(tmp_path / "out", None, str(first), str(tmp_path / "other")))
    assert "another metric convention (hm_iou_n: both sides repeated to their least" in line and "best K of n" in line


def test_a_changed_digit_is_not_believed(out: Path, tmp_path: Path, capsys) -> None:
    import shutil

    (first,) = (out / "evaluations").glob("one*")
    shutil.copytree(first, tmp_path / "copy")
    rows = tmp_path / "copy" / "rows.csv"
    rows.write_text(rows.read_text().replace("0.", "0.1", 1))
    assert "rows.csv: missing, damaged" in refused(capsys, compare(tmp_path / "o", None, str(first), str(rows.parent)))


def test_what_has_seen_the_patients_is_refused_or_marked(store, published, tmp_path: Path, capsys) -> None:
    words = [str(published("one", 0)), f"seen={published('seen', 4, patients='abc')}"]
    assert "was trained on 2 of the 4 patients" in refused(capsys, compare(tmp_path / "out", store, *words))
    assert compare(tmp_path / "out", store, *words, "--allow-leak", "--no-time", "--no-cases") == 0
    assert "| seen LEAKY |" in capsys.readouterr().out


def test_mistakes_are_one_line(store, published, tmp_path: Path, capsys) -> None:
    run = str(published("one", 0))
    assert "two or more" in refused(capsys, compare(tmp_path / "o", store, run))
    assert "with --store" in refused(capsys, compare(tmp_path / "o", None, run, f"b={run}"))
    assert "the same evaluation" in refused(capsys, compare(tmp_path / "o", store, run, run))
    assert "without / in it" in refused(capsys, compare(tmp_path / "o", store, run, f"a/b={run}"))
    line = refused(capsys, compare(tmp_path / "o", store, run, f"b={run}", "--against", "c"))
    assert "--against c: expected one of one-0-a, b" in line
