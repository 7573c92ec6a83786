"""What the table of cases does in a browser: sort, filter, and open a case; one script that stands in the page."""

from importlib import resources

from atfm.report import drawing

__all__ = ["MODULES", "script", "style"]

# In the order in which they know each other: each imports from the drawing code and from those before it alone.
MODULES = ("rows", "filters", "controls", "payload", "scene", "reading", "opened", "start")


def script() -> str:
    """The drawing code and this, as one text for a page's `<script type="module">`."""
    own = (_text(f"{name}.js") for name in MODULES)
    return drawing.joined([*(drawing.module(name) for name in drawing.MODULES), *own])


def style() -> str:
    """The style of what is drawn, of the table, its controls and opened cases."""
    return drawing.style() + _text("cases.css")


def _text(name: str) -> str:
    return resources.files("atfm.report.browse").joinpath(name).read_text(encoding="utf-8")
