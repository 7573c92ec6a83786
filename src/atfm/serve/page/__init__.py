"""The files of the page: HTML, style and modules as they lie here, and the drawing code that it shares with reports.

They need no build step and load nothing from elsewhere: under `POLICY` a browser would not let them.
"""

from importlib import resources
from pathlib import PurePosixPath

from atfm.report import drawing

__all__ = ["POLICY", "names", "page_file"]

# Styles that scripts set one by one (element.style) are no inline style; blob: is for what the page saves itself.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_DRAWING = "drawing/"


def names() -> list[str]:
    """The files as they are asked for: `index.html`, `main.js`, `drawing/bits.js`."""
    own = [entry.name for entry in resources.files("atfm.serve.page").iterdir() if _type(entry.name)]
    shared = [f"{_DRAWING}{name}.js" for name in drawing.MODULES]
    return sorted([*own, *shared, f"{_DRAWING}drawing.css"])


def page_file(name: str) -> tuple[bytes, str]:
    """A file of `names()`, and its media type.

    Raises:
        KeyError: there is no such file.
    """
    if name not in names():
        raise KeyError(name)
    room = "atfm.report.drawing" if name.startswith(_DRAWING) else "atfm.serve.page"
    return resources.files(room).joinpath(name.removeprefix(_DRAWING)).read_bytes(), _type(name)


def _type(name: str) -> str:
    return _TYPES.get(PurePosixPath(name).suffix, "")
