"""The frame of every page: one HTML file with its style in it, which loads nothing from anywhere else."""

from html import escape
from importlib import resources

__all__ = ["document"]


def document(title: str, body: str) -> str:
    """Return a whole page.

    Args:
        title: for the window; any text.
        body: HTML.
    """
    style = resources.files("atfm.report").joinpath("page.css").read_text(encoding="utf-8")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<title>{escape(title)}</title>\n<link rel="icon" href="data:,">\n<style>\n{style}</style>\n</head>\n'
        f"<body>\n{body}\n</body>\n</html>\n"
    )
