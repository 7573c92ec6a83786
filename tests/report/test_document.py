import base64
import hashlib
import re

from atfm.report.document import document


def test_the_policy_lets_that_script_run_and_nothing_else() -> None:
    page = document("t", "<p>x</p>", script="const a = 1;")
    (script,) = re.findall('<script type="module">(.*?)</script>', page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in page and "default-src 'none'" in page
    assert "script-src 'none'" in document("t", "") and "<script" not in document("t", "")


def test_sections_are_listed_before_the_first() -> None:
    page = document("t", "<header></header><h2>One &lt;</h2><section><h2>Two</h2></section>")
    links = '<a href="#section-1">One &lt;</a><a href="#section-2">Two</a>'
    assert f'<header></header><nav class="contents" aria-label="Sections">{links}</nav><h2 id="section-1">' in page
    assert '<section><h2 id="section-2">Two' in page and "<nav" not in document("t", "<h2>One</h2>")
