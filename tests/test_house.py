"""The floors of the house: imports run downwards only, and a few habits that are known to rot stay out."""

import ast
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "src" / "atfm"
FILES = sorted(PACKAGE.rglob("*.py"))

# From the top. Rooms on one floor do not know each other; a new room is put on its floor here.
FLOORS = [
    {"__main__", "__init__"},
    {"cli"},
    {"leaderboard"},
    {"ablate", "compare"},
    {"fit", "serve", "bench", "export"},
    {"models"},
    {"predict", "plan"},
    {"train", "evaluate", "importers"},
    {"methods"},
    {"truncation", "data", "report"},
    {"distributions", "flow", "diffusion", "hypotheses"},
    {"metrics", "io", "seeding"},
    {"nn", "disk"},
    {"errors"},
]
FLOOR = {room: len(FLOORS) - number for number, rooms in enumerate(FLOORS) for room in rooms}
ROOT = {
    ".ci",
    ".gitignore",
    "CHANGELOG.md",
    "CITATION.cff",
    "CONTRIBUTING.md",
    "LICENSE",
    "Makefile",
    "README.md",
    "SECURITY.md",
    "constraints.txt",
    "docs",
    "examples",
    "pyproject.toml",
    "src",
    "tests",
}
LOADS = ("pickle.load", "pickle.loads", "torch.load")


def room(file: Path) -> str:
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def nodes(file: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(file.read_text(encoding="utf-8")))


def imports(tree: Iterator[ast.AST]) -> Iterator[tuple[str, list[str]]]:
    """`(module, names)` of every import, also of those within functions."""
    for node in tree:
        if isinstance(node, ast.Import):
            yield from ((alias.name, []) for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or ""), [alias.name for alias in node.names]


def upward(own: str, module: str) -> bool:
    """Whether an import of `module` from the room `own` goes up or sideways."""
    other = module.split(".")[1]
    return other != own and FLOOR[other] >= FLOOR[own]


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_file_keeps_to_the_house(file: Path) -> None:
    assert file.name not in ("utils.py", "helpers.py", "common.py", "misc.py")
    for node in nodes(file):
        assert not isinstance(node, ast.Assert), f"line {node.lineno}: raise an AtfmError instead of assert"
        assert not (isinstance(node, ast.ExceptHandler) and node.type is None), f"line {node.lineno}: bare except"
        if isinstance(node, ast.Call):
            assert ast.unparse(node.func) not in LOADS, f"line {node.lineno}: can run what a stranger put in the file"
    for module, names in imports(nodes(file)):
        assert "*" not in names, f"star import from {module}"
        assert not module.startswith("."), f"relative import of {module or 'the package'}; write it from atfm on"
        if module == "atfm":
            assert names == ["__version__"], "from the package's root comes its version, nothing else"
        elif module.startswith("atfm."):
            assert not upward(room(file), module), f"{room(file)} may not know {module}: imports run downwards"


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_only_the_command_line_and_the_report_print(file: Path) -> None:
    prints = [node.lineno for node in nodes(file) if isinstance(node, ast.Call) and ast.unparse(node.func) == "print"]
    assert not prints or room(file) in ("cli", "report")


def test_every_room_has_a_floor() -> None:
    rooms = {room(file) for file in FILES} - {"__init__"}
    assert rooms <= FLOOR.keys(), "put the new room on its floor, in FLOORS"


def test_no_output_of_a_command_is_committed() -> None:
    """A report lies where the command ran, and shows images that are not ours to publish."""
    root = PACKAGE.parents[1]
    if shutil.which("git") is None or not (root / ".git").exists():
        pytest.skip("this copy is no git repository")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=True).stdout
    assert {name.split("/")[0] for name in listed.split("\0") if name} <= ROOT


@pytest.mark.parametrize(
    ("own", "module", "wrong"),
    [
        ("cli", "atfm.models", False),
        ("flow", "atfm.flow.path", False),
        ("flow", "atfm.distributions.low_rank_normal", True),
        ("metrics", "atfm.data.case", True),
        ("data", "atfm.disk.atomic", False),
    ],
)
def test_the_watch_itself(own: str, module: str, wrong: bool) -> None:
    assert upward(own, module) is wrong
