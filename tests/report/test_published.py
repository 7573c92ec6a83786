import pytest

from atfm.metrics.table import describe
from atfm.report.published import ISIC3, LIDC_V1, LIDC_V2, published_tables

TABLES = (LIDC_V1, LIDC_V2, ISIC3)


def test_tables_are_found_by_the_name_or_source_of_a_store() -> None:
    assert published_tables("mine", "LIDC-IDRI, The Cancer Imaging Archive") == (LIDC_V1, LIDC_V2)
    assert published_tables("isic3") == (ISIC3,)
    assert published_tables("phantom", "simulated") == ()


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_row_has_a_source_and_scores_of_our_names(table) -> None:
    for row in table.rows:
        assert row.source and row.scores
        assert all(0 < value < 1 and describe(name) for name, value in row.scores.items())
    assert {name for row in table.rows for name in row.scores} == set(table.columns)


def test_impossible_pairs_of_scores_are_marked() -> None:
    marked = [row.method for table in TABLES for row in table.rows if row.impossible]
    assert marked == ["Prob. U-Net (2018)", "PHiSeg (2019)", "ATFM (2026)", "c-Prob. U-Net"]
