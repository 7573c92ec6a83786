"""What the page of the service and the pages of reports draw alike: outlines, grey, heat maps, cards, histograms.

The modules are ECMAScript without a build step. A service gives them out one by one; a page that stands alone takes
them joined.
"""

import re
from collections.abc import Iterable
from importlib import resources

__all__ = ["MODULES", "joined", "module", "script", "style"]

# In the order in which they know each other: each imports from those before it alone.
MODULES = (
    *("bits", "outline", "contour", "colours", "grey", "heat", "shares", "element", "quantity"),
    *("lines", "picture", "card", "histogram"),
)

_IMPORT = re.compile(r'^import \{[^}]*\} from "\.[./\w]+\.js";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=async function|function|class|const)", re.MULTILINE)
_COMMENT = re.compile(r"^ *(//.*|/\*\*.*\*/|/\*\*$(?:.|\n)*?\*/)\n", re.MULTILINE)


def module(name: str) -> str:
    """The text of one module, such as "outline", which imports its siblings as "./bits.js"."""
    return resources.files("atfm.report.drawing").joinpath(f"{name}.js").read_text(encoding="utf-8")


def script() -> str:
    """All modules as one script that imports nothing and exports nothing, to stand in a page's `<script>`.

    Its names are global to that script: what a page adds goes behind it, in the same element. It has no `</`, so that
    nothing in it can end the element.
    """
    return joined(module(name) for name in MODULES)


def joined(modules: Iterable[str]) -> str:
    """Texts of modules, those that are imported before those that import them, as one text without either."""
    return _COMMENT.sub("", "\n".join(_EXPORT.sub("", _IMPORT.sub("", text)) for text in modules))


def style() -> str:
    """The style of what is drawn; `--card`, `--line`, `--accent`, `--quiet` and `--rail` are the page's own colours."""
    return resources.files("atfm.report.drawing").joinpath("drawing.css").read_text(encoding="utf-8")
