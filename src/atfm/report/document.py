"""The frame of every page: one HTML file with its style and script in it, which loads nothing from anywhere else.

Its policy lets the browser run that one script, known by its digest, and load nothing: what a name brings in with it
stays text even where an escape were forgotten.
"""

import base64
import hashlib
import itertools
import re
from html import escape
from importlib import resources

__all__ = ["document"]


def document(title: str, body: str, *, style: str = "", script: str = "") -> str:
    """Return a whole page.

    Args:
        title: for the window; any text.
        body: HTML; its `<h2>`s are its sections, listed before the first of them.
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
        f"<body>\n<main>\n{listed(body)}\n</main>\n{run}</body>\n</html>\n"
    )


def listed(body: str) -> str:
    """The body with its sections named, and listed before the first of them."""
    names = re.findall("<h2>(.*?)</h2>", body)
    if len(names) < 2:
        return body
    links = "".join(f'<a href="#section-{number}">{name}</a>' for number, name in enumerate(names, 1))
    ids = itertools.count(1)
    named = re.sub("<h2>", lambda _: f'<h2 id="section-{next(ids)}">', body)
    first = re.search("<(section[^>]*><)?h2 id", named)
    at = first.start() if first else 0
    return f'{named[:at]}<nav class="contents" aria-label="Sections">{links}</nav>{named[at:]}'


def policy(script: str) -> str:
    """The page's Content-Security-Policy; the style attributes of charts are why styles are let in."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    run = f"'sha256-{digest}'" if script else "'none'"
    return (
        f"default-src 'none'; script-src {run}; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
        "form-action 'none'"
    )
