"""Cells of a CSV file that a spreadsheet does not take for formulas."""

import re

__all__ = ["cell", "uncelled"]

# What spreadsheets take for a formula, also behind a tab or a line's end (OWASP: CSV injection).
_FORMULA = re.compile(r"[=+\-@\t\r\n＝＋－＠]")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")


def cell(text: str) -> str:
    """A text as a cell: with `'` before it where it begins like a formula; a number stays one.

    To read it back, take one `'` away before any of `= + - @`, tab, or the end of a line.
    """
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def uncelled(text: str) -> str:
    """The text that `cell` was given."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text[1:]) else text
