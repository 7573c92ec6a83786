"""Where files of hospitals and microscopes are never read, the packages that read them need not be there."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import atfm

OPTIONAL = ("gdcm", "highdicom", "nibabel", "pydicom", "tensorboard", "tifffile")
FILES = sorted(Path(atfm.__file__).parent.rglob("*.py"))


SCRIPT = f"""
import json, sys
sys.modules.update(dict.fromkeys({OPTIONAL!r}))
sys.modules["torch.utils.tensorboard"] = None
from atfm.cli.main import main
for words in json.loads(sys.argv[1]):
    status = main(words + ["--device", "cpu", "--threads", "1"])
    if status:
        sys.exit(status)
"""


def test_from_a_packed_store_to_scores(tmp_path) -> None:
    """One process in which no optional package can be imported does what a GPU job does."""
    packed, store, run, report = (str(tmp_path / name) for name in ("one.pack", "store", "run", "report"))
    commands = [
        ["data", "import", "phantom", "--cases", "20", "--size", "32", "--out", str(tmp_path / "first")],
        ["data", "pack", str(tmp_path / "first"), "--out", packed],
        ["data", "unpack", packed, "--out", store],
        ["data", "check", store],
        ["train", "phantom", "--data", store, "--max-steps", "3", "--out", run],
        ["evaluate", run, store, "--split", "test", "--samples", "2", "--out", report],
    ]
    ended = subprocess.run([sys.executable, "-c", SCRIPT, json.dumps(commands)], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    for told in ("20 cases of 20 patients, verified", f"{store}: whole", f"{run}: 3 of", "2 cases of 2 patients"):
        assert told in ended.stdout
    assert (tmp_path / "report" / "report.html").exists()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_optional_packages_are_imported_where_they_are_used(file) -> None:
    """Not at the top of a module; an import for type checkers stands within an `if`."""
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        assert not {name.split(".")[0] for name in names} & set(OPTIONAL)
