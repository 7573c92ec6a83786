"""A few small pictures in a row and what there is to say beside them, as HTML that a notebook shows.

The colour of words is that of the notebook, so they can be read on a light and on a dark page. Whatever is handed in as
text is escaped here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from atfm.io.decoding import brief

__all__ = ["MOST", "Bar", "Tile", "sheet", "small"]

MOST = 49_000  # characters of a whole sheet
SIDE = 170  # screen pixels of a picture
LONGEST = 700  # characters of a note: an attribution has to be whole
QUIET = "opacity:.75"


@dataclass(frozen=True)
class Tile:
    """One small picture.

    Args:
        content: SVG in the pixels of a picture.
        box: the part that is shown: left, top, width and height.
        caption: what it shows.
    """

    content: str
    box: tuple[int, int, int, int]
    caption: str


@dataclass(frozen=True)
class Bar:
    """One line with a share.

    Args:
        colour: of its outline, as CSS has it; "" for none.
        percent: the share, as a whole number.
        low, high: ends of its interval, from 0 to 1; None where there is none.
        name: what has it.
    """

    colour: str
    percent: int
    low: float | None
    high: float | None
    name: str


def sheet(title: str, tiles: Sequence[Tile], bars: Sequence[Bar] = (), notes: Sequence[str] = ()) -> str:
    """Lay out pictures, lines with shares, and sentences.

    Args:
        title: one line above.
        tiles: from left to right.
        bars: one below the other.
        notes: quiet sentences at the end.
    """
    figures = "".join(map(_figure, tiles))
    rows = "".join(map(_row, bars))
    said = "".join(f'<div style="{QUIET}">{escape(small(note, LONGEST))}</div>' for note in notes)
    table = f'<div style="margin:6px 0">{rows}</div>' if rows else ""
    return (
        '<div style="font:13px/1.5 system-ui,sans-serif;max-width:780px">'
        f"<div><b>{escape(small(title, 160))}</b></div>"
        f'<div style="display:flex;flex-wrap:wrap;gap:10px;margin:6px 0">{figures}</div>{table}{said}</div>'
    )


def small(text: object, most: int = 80) -> str:
    """Text of at most so many characters, in one line."""
    return brief(text, most)


def _figure(tile: Tile) -> str:
    box, said = " ".join(map(str, tile.box)), escape(small(tile.caption), quote=True)
    return (
        f'<figure style="margin:0;width:{SIDE}px"><svg viewBox="{box}" width="{SIDE}" height="{SIDE}" role="img" '
        f'aria-label="{said}" style="display:block;background:#000;border-radius:4px">{tile.content}</svg>'
        f'<figcaption style="{QUIET};font-size:12px;overflow-wrap:anywhere">{said}</figcaption></figure>'
    )


def _row(bar: Bar) -> str:
    swatch = f"background:{bar.colour}" if bar.colour else "border:1px dashed currentColor;box-sizing:border-box"
    between = "" if bar.low is None or bar.high is None else f"95 %: {bar.low:.0%} to {bar.high:.0%}"
    return (
        '<div style="display:flex;gap:8px;align-items:center">'
        f'<span style="width:12px;height:12px;border-radius:2px;{swatch}"></span>'
        f'<b style="min-width:3.4em;text-align:right;white-space:nowrap">{bar.percent} %</b>'
        '<span style="width:120px;height:8px;border-radius:4px;background:rgba(128,128,128,.3)">'
        f'<span style="display:block;height:8px;border-radius:4px;width:{bar.percent}%;'
        f'background:{bar.colour or "currentColor"}"></span></span>'
        f'<span>{escape(small(bar.name, 120))}</span><span style="{QUIET}">{between}</span></div>'
    )
