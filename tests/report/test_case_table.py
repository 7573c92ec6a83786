import re
from dataclasses import replace

import pytest

from atfm.report import case_table
from atfm.report.case_table import CaseColumn, CaseLine, CaseTable, let_in

COLUMNS = [CaseColumn("GED", "GED"), CaseColumn("empty", "empty", share=True)]


def lines(count: int) -> list[CaseLine]:
    return [CaseLine(f"c{k}", f"p{k % 7}", 4, 0.25, [k / count, None], k / count) for k in range(count)]


def test_rows_hold_exact_values_beside_rounded_ones() -> None:
    page = CaseTable(COLUMNS, [CaseLine("a", "p", 4, 0.25, [0.123456789, 0.5], 0.1)]).html()
    assert '<td data-value="0.123457">.123</td>' in page and '<td data-value="0.5">50 %</td>' in page
    missing = CaseTable(COLUMNS, lines(1)).html()
    assert "<td>&ndash;</td>" in missing and '<td data-value="0.25">25 %</td>' in missing


def test_names_are_escaped_and_nothing_of_a_case_ends_its_block() -> None:
    evil = '</script><script>alert("1")</script>'
    page = CaseTable(
        [CaseColumn(evil, "x")], [CaseLine(evil, evil, 1, 0.0, [0.0], 0.0, opened="QUJD")], told=[evil]
    ).html()
    assert "alert(&quot;" in page and evil not in page
    assert len(re.findall("<script", page)) == len(re.findall("</script>", page)) == 1


def test_all_fits_and_nothing_is_said() -> None:
    rows, told = let_in(lines(120), "GED", lambda place, room: replace(lines(120)[place], opened="A"))
    assert [row.case_id for row in rows] == [f"c{k}" for k in reversed(range(120))] and told == []
    assert all(row.opened for row in rows)


def test_what_does_not_fit_is_left_out_counted_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(case_table, "MOST_ROWS", 110)
    monkeypatch.setattr(case_table, "MOST_BYTES", 1050)
    asked = []

    def show(place: int, room: bool) -> CaseLine:
        asked.append(room)
        return replace(lines(150)[place], opened="A" * 10 if room else "")

    rows, told = let_in(lines(150), "GED", show)
    assert len(rows) == 110 and sum(bool(row.opened) for row in rows) == 105
    assert sum(len(row.opened) for row in rows) <= 1050
    assert {f"c{k}" for k in (*range(50), *range(100, 150))} <= {row.case_id for row in rows if row.opened}
    assert asked == [True] * 106 + [False] * 4, "nothing is made that has no room"
    assert told[0].startswith("110 of 150 cases stand in this table: the 50 worst and the 50 best by GED")
    assert told[1].startswith("105 of these 110 cases can be opened")


def test_cases_too_large_to_keep_are_counted() -> None:
    _, told = let_in(lines(5), "GED", lambda place, room: replace(lines(5)[place], opened="A" * (place > 1)))
    assert told == ["2 of these 5 cases cannot be opened: their samples were too large to keep."]
