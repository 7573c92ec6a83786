"""`/` and `/page/*`: the page and its files, each read once; nothing is loaded from elsewhere."""

from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable

from fastapi import APIRouter
from starlette.responses import Response

from atfm.serve.refusal import Refusal

__all__ = ["router"]

router = APIRouter(include_in_schema=False)
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".json": "application/json",
}
FOLDERS = (("serve", "page"), ("report", "drawing"))  # the second holds what page and reports share


@router.get("/")
def index() -> Response:
    """The page."""
    return _answer("index.html")


@router.get("/page/{name}")
def file(name: str) -> Response:
    """One of its files."""
    return _answer(name)


def _answer(name: str) -> Response:
    found = files().get(name)
    if found is None:
        raise Refusal(404, "the page has no file of this name; open / instead")
    suffix = name[name.rfind(".") :]
    return Response(found.read_bytes(), media_type=TYPES[suffix], headers={"Cache-Control": "no-cache"})


@cache
def files() -> dict[str, Traversable]:
    """The files of the page by name: no name from outside ever becomes a path."""
    found = {}
    for parts in FOLDERS:
        folder = resources.files("atfm").joinpath(*parts)
        for file in folder.iterdir() if folder.is_dir() else ():
            if file.name[file.name.rfind(".") :] in TYPES:
                found[file.name] = file
    return found
