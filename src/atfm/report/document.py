"""The frame of every page: one HTML file with its style and script in it, which loads nothing from anywhere else.

Its policy lets the browser run that one script, known by its digest, and load nothing: what a name brings in with it
stays text even where an escape were forgotten.
"""

import base64
import hashlib
from html import escape
from importlib import resources

__all__ = ["document"]


def document(title: str, body: str, *, style: str = "", script: str = "") -> str:
    """Return a whole page.

    Args:
        title: for the window; any text.
        body: HTML.
        style: CSS behind that of every page.
        script: an ECMAScript module that imports nothing and holds no `</`; it runs when the page is there.
    """
    own = resources.files("atfm.report").joinpath("page.css").read_text(encoding="utf-8")
    run = f'<script type="module">{script}</script>\n' if script else ""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy(script)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<title>{escape(title)}</title>\n<link rel="icon" href="data:,">\n<style>\n{own}{style}</style>\n</head>\n'
        f"<body>\n<main>\n{body}\n</main>\n{run}</body>\n</html>\n"
    )


def policy(script: str) -> str:
    """The page's Content-Security-Policy; the style attributes of charts are why styles are let in."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    run = f"'sha256-{digest}'" if script else "'none'"
    return (
        f"default-src 'none'; script-src {run}; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
        "form-action 'none'"
    )
