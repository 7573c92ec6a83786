import csv
import io

import pytest

from atfm.report.grid import Column, Grid, csv_text

GRID = Grid(
    [Column("method", text=True), Column("GED_16", "lower"), Column("seconds (100)")],
    [["a|b_c", ".203\n[.181, .225]", ""], ["<i> & 50 %", "1.000", "about 12"]],
    "On dots & lines.",
    rules=(1,),
)


def test_markdown_has_a_bar_for_every_column_and_no_sign_that_breaks_it() -> None:
    lines = GRID.markdown().splitlines()
    assert lines[0] == r"| method | GED_16 ↓ | seconds (100) |" and lines[1] == "| --- | ---: | ---: |"
    assert lines[2] == r"| a\|b_c | .203 \[.181, .225] |  |"
    assert lines[3].startswith(r"| \<i> & 50 % |")


def test_html_escapes_and_puts_what_is_beneath_in_small() -> None:
    html = GRID.html()
    assert "&lt;i&gt; &amp; 50 %" in html and "<i>" not in html and "<caption>On dots &amp; lines.</caption>" in html
    assert '.203<span class="interval">[.181, .225]</span>' in html and "GED<sub>16</sub>" in html
    assert html.count('<tr class="first">') == 1 and html.count("<tr") == 3


def test_latex_takes_nothing_for_a_command() -> None:
    latex = GRID.latex()
    assert r"\begin{tabular}{lrr}" in latex and r"GED$_{16}$ $\downarrow$" in latex
    assert r"a\textbar{}b\_c & .203 {\scriptsize [.181, .225]} &  \\" in latex
    assert r"\textless{}i\textgreater{} \& 50 \% & 1.000 & about 12 \\" in latex
    assert latex.count(r"\midrule") == 2 and latex.index("50") > latex.rindex(r"\midrule")


def test_csv_keeps_numbers_and_escapes_formulas() -> None:
    text = csv_text(["method", "ged"], [["=SUM(A1)", 0.123456789], ["-1", None], ["a,b", 3]])
    assert list(csv.reader(io.StringIO(text))) == [
        ["method", "ged"],
        ["'=SUM(A1)", "0.1234568"],
        ["-1", ""],
        ["a,b", "3"],
    ]


def test_a_row_of_another_length_is_an_error() -> None:
    with pytest.raises(ValueError):
        Grid([Column("a"), Column("b")], [["1"]]).html()
