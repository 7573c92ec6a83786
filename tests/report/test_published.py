import pytest

from atfm.metrics.table import describe
from atfm.report.published import OwnSet, all_tables, obstacles, published_tables

TABLES = {table.name: table for table in all_tables()}
V2 = TABLES["LIDCv2"]
OURS = OwnSet(cases=12_816, split=(8843, 1993, 1980), scored=1980)


def test_tables_are_found_by_the_name_or_source_of_a_store() -> None:
    found = published_tables("mine", "LIDC-IDRI, The Cancer Imaging Archive")
    assert [table.name for table in found] == ["LIDCv1", "LIDCv1, ATFM's ablation", "LIDCv2"]
    assert published_tables("isic3") == (TABLES["ISIC3"],)
    assert published_tables("phantom", "simulated") == ()


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_every_row_has_a_source_and_scores_of_our_names(table) -> None:
    for row in table.rows:
        assert row.source and row.scores
        assert all(0 < value < 1 and describe(name) for name, value in row.scores.items())
        assert bool(row.seconds) == bool(row.hardware), "a time without its machine says nothing"
    assert {name for row in table.rows for name in row.scores} == set(table.columns)
    assert len({row.method for row in table.rows}) == len(table.rows)
    assert table.split is None or sum(table.split) == table.slices


def test_all_rows_of_the_literature_are_there() -> None:
    assert {name: len(table.rows) for name, table in TABLES.items()} == {
        "LIDCv1": 19,
        "LIDCv1, ATFM's ablation": 5,
        "LIDCv2": 4,
        "ISIC3": 6,
    }


def test_impossible_pairs_of_scores_are_marked() -> None:
    marked = [row.method for table in TABLES.values() for row in table.rows if row.impossible]
    assert marked == ["Prob. U-Net (2018)", "PHiSeg (2019)", "ATFM (2026)", "c-Prob. U-Net"]


def test_the_very_cases_can_be_compared_and_any_others_not() -> None:
    row = V2.rows[3]
    assert obstacles(V2, row, OURS) == []
    assert obstacles(V2, row, None) == ["how many cases our set has is not known"]
    assert obstacles(V2, row, OURS.model_copy(update={"cases": 600})) == [
        "another set: 12,816 slices, ours has 600",
    ]
    other = OURS.model_copy(update={"split": (8842, 1994, 1980)})
    assert obstacles(V2, row, other) == ["another split: 8,843/1,993/1,980, ours 8,842/1,994/1,980"]
    part = OURS.model_copy(update={"scored": 200})
    assert obstacles(V2, row, part) == ["its test has 1,980 cases, of which 200 were scored"]


def test_what_a_paper_leaves_open_or_did_otherwise_forbids_it_too() -> None:
    v1 = TABLES["LIDCv1"]
    ours = OwnSet(cases=15_096, split=(9931, 2177, 2988), scored=2988)
    told = {row.method: obstacles(v1, row, ours) for row in v1.rows}
    assert told["Flow-SSN continuous (2025)"] == [], "its split is a file of its own"
    assert told["SSN (2020)"] == ["its split is not published"]
    assert told["ATFM (2026)"] == [
        "its split is not published",
        "its GED_32 and GED_100 cannot be of one model",
        "its released code tests on slices that it trained on",
    ]
    assert "second-hand" in told["SSB (MICCAI 2025)"]
