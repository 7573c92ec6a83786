"""The table of all cases: sorted and filtered in the page, each case with a thumbnail, and opened to what was drawn.

Without scripts it is a table that is sorted already. What is left out of the page, as it would make it too large, is
counted and named.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from html import escape

from atfm.report.order import ENDS, in_order
from atfm.report.tables import number

__all__ = ["MOST_BYTES", "MOST_ROWS", "CaseColumn", "CaseLine", "CaseTable", "let_in"]

MOST_ROWS = 3000
MOST_BYTES = 6_000_000  # of all cases that can be opened, as they stand in the page


@dataclass(frozen=True)
class CaseColumn:
    """A column of numbers.

    Args:
        name: in words, for the filter.
        head: the same as HTML.
        share: shown in per cent.
    """

    name: str
    head: str
    share: bool = False


@dataclass(frozen=True)
class CaseLine:
    """A case as a row.

    Args:
        case_id, patient_id: as in the store.
        readers: how many annotators it has.
        empty: the share of them that drew nothing; None where it is not known.
        scores: one of each column, None where it does not exist.
        rank: by which it is among the best (least) or the worst.
        thumbnail: a URI of a picture, or "".
        opened: see `opened.opened`, or "" where the page does not hold it.
    """

    case_id: str
    patient_id: str
    readers: int
    empty: float | None
    scores: Sequence[float | None]
    rank: float
    thumbnail: str = ""
    opened: str = ""


@dataclass(frozen=True)
class CaseTable:
    """The table.

    Args:
        columns: of scores.
        lines: the worst first.
        rank: number of the column, the scores' first is 0, that the lines are sorted by; None where none has it.
        told: sentences of what is left out.
    """

    columns: Sequence[CaseColumn]
    lines: Sequence[CaseLine]
    rank: int | None = 0
    told: Sequence[str] = ()

    def html(self) -> str:
        """The section of the page; its script is `browse.script`."""
        told = "".join(f'<p class="quiet">{escape(sentence)}</p>' for sentence in self.told)
        rows = "".join(self._row(line, place) for place, line in enumerate(self.lines))
        blocks = "".join(
            f'<script type="text/plain" id="case-{place}-drawn">{line.opened}</script>\n'
            for place, line in enumerate(self.lines)
            if line.opened
        )
        pictures = any(line.thumbnail for line in self.lines)
        head = ('<td class="thumbnail"></td>' if pictures else "") + '<th scope="col" class="case">case</th>'
        head += '<th scope="col">readers</th><th scope="col" class="empty">empty readers</th>'
        for place, column in enumerate(self.columns):
            sort = ' aria-sort="descending"' if place == self.rank else ""
            head += f'<th scope="col" class="score" data-name="{escape(column.name)}"{sort}>{column.head}</th>'
        return (
            f'<section id="cases" class="cases"><h2>All cases</h2>{told}'
            '<noscript><p class="note">Without scripts the cases are sorted, worst first, and cannot be opened.</p>'
            '</noscript><p class="quiet">Pictures show the annotators. Empty readers are those who outline nothing.</p>'
            '<div class="wide" tabindex="0" role="group" aria-label="All cases"><table aria-label="All cases">'
            f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>\n{blocks}</section>"
        )

    def _row(self, line: CaseLine, place: int) -> str:
        """One case; exact values stand beside the rounded ones, to be sorted by."""
        image = ""
        if line.thumbnail:
            size = 'width="44" height="44"'
            image = f'<td class="thumbnail"><img src="{line.thumbnail}" {size} alt="" loading="lazy"></td>'
        name = f'{escape(line.case_id)}<span class="interval">{escape(line.patient_id)}</span>'
        values = [_cell(line.readers, str(line.readers)), _cell(line.empty, _percent(line.empty))]
        for column, score in zip(self.columns, line.scores, strict=True):
            values.append(_cell(score, _percent(score) if column.share else "" if score is None else number(score)))
        return f'<tr id="case-{place}">{image}<th scope="row">{name}</th>{"".join(values)}</tr>\n'


def let_in(
    lines: Sequence[CaseLine], by: str, show: Callable[[int, bool], CaseLine]
) -> tuple[list[CaseLine], list[str]]:
    """Choose the rows and those among them that can be opened, and say what is left out.

    Args:
        lines: all cases, without pictures.
        by: what ranks them, in words.
        show: the line of a place in `lines` with its thumbnail and, if it is told that there is room, what it opens to.

    Returns:
        The rows, the worst first, and sentences.
    """
    order = in_order([line.rank for line in lines], [line.case_id for line in lines])
    found: dict[int, CaseLine] = {}
    held, full = 0, False
    for place in order[:MOST_ROWS]:
        line = show(place, not full)
        full = full or held + len(line.opened) > MOST_BYTES
        held += 0 if full else len(line.opened)
        found[place] = replace(line, opened="") if full else line
    rows = [found[place] for place in sorted(found, key=lambda place: (-lines[place].rank, place))]
    return rows, _left_out(rows, len(lines), by, full)


def _left_out(rows: Sequence[CaseLine], total: int, by: str, full: bool) -> list[str]:
    """What of so many cases is not in the page, a sentence for each kind."""
    told = []
    which = f"the {ENDS} worst and the {ENDS} best by {by}, then others by a fixed draw"
    if len(rows) < total:
        told.append(f"{len(rows):,} of {total:,} cases stand in this table: {which}. rows.csv of the evaluation has all.")
    can = sum(bool(line.opened) for line in rows)
    if full:
        size = f"{MOST_BYTES / 1e6:.0f} MB"
        told.append(f"{can:,} of these {len(rows):,} cases can be opened, as many as fit into {size}: {which}.")
    elif 0 < can < len(rows):
        none = len(rows) - can
        told.append(f"{none:,} of these {len(rows):,} cases cannot be opened: their samples were too large to keep.")
    return told


def _cell(value: float | None, text: str) -> str:
    return "<td>&ndash;</td>" if value is None else f'<td data-value="{value:.6g}">{text}</td>'


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.0f} %"
