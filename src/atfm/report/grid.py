"""`Grid`: a table that is written as Markdown, HTML and LaTeX alike; and rows of values as CSV."""

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape

from atfm.io.cells import cell

__all__ = ["Column", "Grid", "csv_text"]

_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", "†": r"\dag{}", "\N{MINUS SIGN}": "$-$", "—": "---",
}  # fmt: skip
_MARKDOWN = str.maketrans({sign: f"\\{sign}" for sign in "\\|`*[<"} | {"\n": " ", "\r": " "})


@dataclass(frozen=True)
class Column:
    """A column's head.

    Args:
        name: what it is called; what follows the first `_` is an index: `GED_16`, `D_sr`.
        better: "lower" or "higher", where one of the two is; said by an arrow.
        text: of words, which stand on the left.
    """

    name: str
    better: str = ""
    text: bool = False


@dataclass(frozen=True)
class Grid:
    """A table of text.

    Args:
        columns: their heads; the first names the rows.
        rows: as many cells each; what stands behind a newline in a cell is small beneath the rest of it.
        caption: one sentence.
        rules: before which rows a line is drawn.
    """

    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    caption: str = ""
    rules: Sequence[int] = field(default=())

    def markdown(self) -> str:
        """The table as GitHub shows it."""
        arrows = {"lower": " ↓", "higher": " ↑", "": ""}
        head = [column.name.translate(_MARKDOWN) + arrows[column.better] for column in self.columns]
        bars = ["---" if column.text else "---:" for column in self.columns]
        body = [[" ".join(text.split("\n")).translate(_MARKDOWN) for text in row] for row in self.rows]
        lines = [head, bars, *body]
        return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"

    def html(self) -> str:
        """The table as the pages of this package show it."""
        arrows = {"lower": ' <span class="arrow">&darr;</span>', "higher": ' <span class="arrow">&uarr;</span>', "": ""}
        head = "".join(
            f'<th scope="col"{_class(column)}>{_indexed(column.name, "<sub>", "</sub>", escape)}'
            f"{arrows[column.better]}</th>"
            for column in self.columns
        )
        body = []
        for number, row in enumerate(self.rows):
            name, *cells = (_small(text) for text in row)
            told = "".join(
                f"<td{_class(column)}>{text}</td>" for column, text in zip(self.columns[1:], cells, strict=True)
            )
            rule = ' class="first"' if number in self.rules else ""
            body.append(f'<tr{rule}><th scope="row">{name}</th>{told}</tr>')
        caption = f"<caption>{escape(self.caption)}</caption>" if self.caption else ""
        inner = f"{caption}<thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody>"
        told = escape(self.caption[:60] or self.columns[0].name)
        return f'<div class="wide" tabindex="0" role="group" aria-label="{told}"><table>{inner}</table></div>'

    def latex(self) -> str:
        """The table for a paper, with the rules of `booktabs`."""
        arrows = {"lower": r" $\downarrow$", "higher": r" $\uparrow$", "": ""}
        head = [_indexed(column.name, "$_{", "}$", latex_text) + arrows[column.better] for column in self.columns]
        lines = [" & ".join(head) + r" \\", r"\midrule"]
        for number, row in enumerate(self.rows):
            lines += [r"\midrule"] * (number in self.rules)
            lines.append(" & ".join(_latex_cell(text) for text in row) + r" \\")
        kinds = "".join("l" if column.text else "r" for column in self.columns)
        caption = f"% {' '.join(self.caption.split())}\n" if self.caption else ""
        return (
            f"{caption}% needs \\usepackage{{booktabs}}\n\\begin{{tabular}}{{{kinds}}}\n\\toprule\n"
            + "\n".join(lines)
            + "\n\\bottomrule\n\\end{tabular}\n"
        )


def csv_text(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Values as CSV, numbers to seven digits, None as nothing; no text of it is taken for a formula."""
    stream = io.StringIO(newline="")
    table = csv.writer(stream)
    table.writerow([cell(name) for name in head])
    table.writerows([_value(value) for value in row] for row in rows)
    return stream.getvalue()


def latex_text(text: str) -> str:
    """Text in which nothing is taken for a command."""
    return "".join(_LATEX.get(sign, sign) for sign in text)


def _value(value: object) -> object:
    if isinstance(value, str):
        return cell(value)
    return f"{value:.7g}" if isinstance(value, float) else value


def _class(column: Column) -> str:
    return ' class="text"' if column.text else ""


def _indexed(name: str, opening: str, closing: str, safe: Callable[[str], str]) -> str:
    """`GED_16 (100)` with its 16 as an index."""
    head, _, rest = name.partition("_")
    index, space, tail = rest.partition(" ")
    return safe(head) + (f"{opening}{safe(index)}{closing}" if index else "") + safe(space + tail)


def _small(text: str) -> str:
    first, _, beneath = text.partition("\n")
    return escape(first) + (f'<span class="interval">{escape(beneath)}</span>' if beneath else "")


def _latex_cell(text: str) -> str:
    first, _, beneath = text.partition("\n")
    return latex_text(first) + (rf" {{\scriptsize {latex_text(beneath)}}}" if beneath else "")
