"""The files of the page: no build, nothing inline, nothing from elsewhere, and every module is there."""

import re
from pathlib import Path

from atfm.report import drawing
from atfm.serve.routes.page import files

PAGE = Path(drawing.__file__).resolve().parents[2] / "serve" / "page"
SHARED = Path(drawing.__file__).resolve().parent


def test_page_and_drawing_share_one_folder_without_a_clash() -> None:
    """Both are served under /page/, where a name can stand for one file alone."""
    own, shared = ({file.name for file in folder.iterdir() if file.suffix != ".py"} for folder in (PAGE, SHARED))
    own, shared = own - {"__pycache__"}, shared - {"__pycache__"}
    assert not own & shared and own | shared == set(files())
    assert {f"{name}.js" for name in drawing.MODULES} == {name for name in shared if name.endswith(".js")}


def test_every_import_is_a_file_of_the_page_and_is_used() -> None:
    modules = {name: file.read_text(encoding="utf-8") for name, file in files().items() if name.endswith(".js")}
    imported = {"main.js"}
    for name, text in modules.items():
        for names, source in re.findall(r'^import \{([^}]*)\} from "\./([^"]+)";$', text, re.MULTILINE):
            imported.add(source)
            for word in filter(None, (one.strip() for one in names.split(","))):
                assert re.search(rf"^export [^\n]*\b{word}\b", modules[source], re.MULTILINE), f"{source} has no {word}"
                assert len(re.findall(rf"\b{word}\b", text)) > 1, f"{name} does not use {word}"
        assert text.count("import ") == text.count('from "./'), f"{name} imports from elsewhere"
    assert imported == set(modules), "modules that nobody imports"


def test_nothing_is_inline_and_nothing_comes_from_elsewhere() -> None:
    page = (PAGE / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"<style|\bstyle=|\bon\w+=|<script(?![^>]*\bsrc=)", page)
    links = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert links and all(link.removeprefix("page/") in files() for link in links)
    for name, file in files().items():
        text = file.read_text(encoding="utf-8")
        found = re.findall(r"https?://[^\s\"')]+", text)
        assert set(found) <= {"http://www.w3.org/2000/svg"}, name
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|@import|new Function", text
        )
