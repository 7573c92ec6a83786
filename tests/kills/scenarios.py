"""What is killed: a command for each that writes, what it leaves behind, and how much of it is safe before it ends."""

import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from asking import ask_service, make_series
from PIL import Image
from safetensors.numpy import load_file

from atfm.errors import AtfmError
from atfm.models import load

__all__ = ["SCENARIOS", "Scenario", "make_inputs", "outcome"]

TINY = "--set stages.gtr.steps=24 --set method.widths=[4,8] --set validate_cases=4"


Drive = Callable[["subprocess.Popen[bytes]", Path, Path], None]


@dataclass(frozen=True)
class Scenario:
    """A command that writes.

    Args:
        name: of the scenario.
        command: the words after `atfm`; it runs in the folder of a trial, two below that of the inputs.
        kept: how much is safe in such a folder, in whatever unit; it may never fall.
        drive: of a command that goes on until it is told to end: called with its process, a file of what it says on
            standard output, and the folder; it ends the process.
        given: a folder of the inputs that is copied into that of a trial, since the command edits it where it lies.
    """

    name: str
    command: str
    kept: Callable[[Path], int]
    drive: Drive | None = None
    given: str = ""

    def begin(self, folder: Path) -> None:
        """Make the folder of a trial."""
        folder.mkdir(parents=True, exist_ok=True)  # a disk may be mounted there
        if self.given:
            shutil.copytree(folder.parents[1] / "inputs" / self.given, folder / self.given)

    @property
    def words(self) -> list[str]:
        """The command's words."""
        return self.command.split()


def make_inputs(folder: Path) -> None:
    """Write the images, the store and the model that the commands read."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:48, :48]
    for number in range(150):
        case = folder / "scans" / f"p{number // 3:02d}-{number:03d}"
        case.mkdir(parents=True)
        centre = rng.uniform(16, 32, 2)
        near = np.hypot(rows - centre[0], columns - centre[1])
        grey = np.clip(200 - 8 * near + rng.normal(0, 20, near.shape), 0, 255)
        Image.fromarray(grey.astype(np.uint8)).save(case / "image.png")
        for reader in range(3):
            Image.fromarray(((near < 6 + 2 * reader) * 255).astype(np.uint8)).save(case / f"mask-{reader}.png")
    for number in range(3):
        (folder / "images").mkdir(exist_ok=True)
        pixels = rng.random((32, 32))
        Image.fromarray((255 * pixels).astype(np.uint8)).save(folder / "images" / f"{number}.png")
    make_series(folder / "series.zip")
    for command in (
        "data import phantom --cases 60 --seed 1 --out store",
        "data pack store --out store.pack",
        f"train gtr-phantom {TINY} --set validate_every=100 --out model",
        f"train gtr-phantom --data store {TINY} --set validate_every=100 --out of-store",
    ):
        subprocess.run([sys.executable, "-m", "atfm", *command.split()], cwd=folder, check=True, capture_output=True)


# ---- how much is safe ----


def kept_by_import(folder: Path) -> int:
    # Without a journal a partial folder that is whole only lacks its name, see `StoreWriter`.
    if (folder / "store" / "store.json").exists() or any(folder.glob(".store.partial-*/store.json")):
        return 2**30
    return sum(len(file.read_bytes().split(b"\n")) - 1 for file in folder.glob(".store.partial-*/journal"))


def kept_by_train(folder: Path) -> int:
    return max((int(file.stem.split("-")[1]) for file in folder.rglob("checkpoint-*.json")), default=0)


def kept_by_folds(folder: Path) -> int:
    if (folder / "run" / "summary.json").exists():
        return 2**30
    rows = sum(len(file.read_bytes().split(b"\n")) - 2 for file in folder.glob("run/scores-*/*.jsonl"))
    return rows + sum(kept_by_train(fold) for fold in folder.glob("run/fold-*"))


def kept_by_evaluate(folder: Path) -> int:
    if (folder / "scores" / "summary.json").exists():
        return 2**30
    return sum(len(file.read_bytes().split(b"\n")) - 2 for file in folder.glob("**/parts/*.jsonl"))


def kept_by_sample(folder: Path) -> int:
    return len(list((folder / "masks").glob("*/sample.json")))


def kept_by_ablate(folder: Path) -> int:
    runs = {file.parent for file in folder.rglob("checkpoint-*.json")}
    return sum(kept_by_train(run) for run in runs)


def kept_by_unpack(folder: Path) -> int:
    return int((folder / "store" / "store.json").exists())


def kept_by_export(folder: Path) -> int:
    return int((folder / "cases").exists())


def kept_by_compare(folder: Path) -> int:
    return len(list(folder.rglob("evaluations/*/summary.json")))


def kept_by_leaderboard(folder: Path) -> int:
    trained = sum(kept_by_train(run) for run in folder.glob("board/on-phantom/runs/*"))
    return trained + len(list(folder.rglob("evaluations/*/summary.json")))


def kept_by_service(folder: Path) -> int:
    return len(list((folder / "answers").glob("*.json")))


def kept_by_edit(folder: Path) -> int:
    (weights,) = folder.glob("*/weights.safetensors")
    try:
        load(weights)
    except AtfmError:
        return 0
    return 1


def kept_by_file(folder: Path) -> int:
    return int((folder / "store.pack").exists())


SCENARIOS = (
    Scenario(
        "import",
        "data import folder ../../inputs/scans --images {case}/image.png --masks {case}/mask-{annotator}.png "
        "--patient (p[0-9]+) --out store",
        kept_by_import,
    ),
    Scenario(
        "train",
        f"train gtr-phantom --data ../../inputs/store {TINY} --set save_every=4 --set validate_every=12 --threads 1 "
        "--out run",
        kept_by_train,
    ),
    Scenario(
        "folds",
        f"train gtr-phantom --data ../../inputs/store --folds 2 {TINY} --set save_every=6 --set validate_every=6 "
        "--set patience=3 --set keep=better --samples 4 --threads 1 --out run",
        kept_by_folds,
    ),
    Scenario(
        "evaluate",
        "evaluate ../../inputs/model ../../inputs/store --split train --samples 8 --limit 12 --batch 2 --threads 1 "
        "--out scores",
        kept_by_evaluate,
    ),
    Scenario(
        "sample",
        "sample ../../inputs/model ../../inputs/images/0.png ../../inputs/images/1.png ../../inputs/images/2.png "
        "--n 6 --threads 1 --out masks",
        kept_by_sample,
    ),
    Scenario(
        "ablate",
        "ablate --preset gtr-phantom --data ../../inputs/store --row wide method.widths=[8,8] --rows reference wide "
        "--seeds 0 --budget 12 --samples 6 --limit 4 --set method.widths=[4,8] --set save_every=4 --threads 1 "
        "--out table",
        kept_by_ablate,
    ),
    Scenario("pack", "data pack ../../inputs/store --out store.pack", kept_by_file),
    Scenario("card", "card model --set temperature=1.3 --set notes=edited", kept_by_edit, given="model"),
    Scenario(
        "fingerprint",
        "data fingerprint ../../inputs/store --card of-store/weights.json",
        kept_by_edit,
        given="of-store",
    ),
    Scenario("export", "data export ../../inputs/store --split test --out cases", kept_by_export),
    Scenario(
        "compare",
        "compare one=../../inputs/model two=../../inputs/model --store ../../inputs/store --split train "
        "--samples 6 --limit 4 --no-time --threads 1 --out board",
        kept_by_compare,
    ),
    Scenario(
        "leaderboard",
        "leaderboard --methods gtr medfm --budget 6 --seeds 0 --samples 4 --limit 4 --no-time --threads 1 --out board",
        kept_by_leaderboard,
    ),
    Scenario(
        "serve",
        "serve ../../inputs/model --port 0 --threads 1 --device cpu --json --scratch .",
        kept_by_service,
        ask_service,
    ),
    Scenario("unpack", "data unpack ../../inputs/store.pack --out store", kept_by_unpack),
)


# ---- what is compared ----

TIMES = ("seconds", "minutes", "images_per_second", "when", "date", "began", "ended", "resumed", "took", "pace")
SKIPPED = (".html", ".pdf", ".svg")  # drawn from what is compared
OF_TIME = ("seconds.json",)


def outcome(folder: Path) -> dict[str, str]:
    """A digest of every file that a command left, but for what tells of time."""
    files = sorted(file for file in folder.rglob("*") if file.is_file() and "tensorboard" not in file.parts)
    return {
        str(file.relative_to(folder)): digest(file)
        for file in files
        if file.suffix not in SKIPPED and file.name not in OF_TIME
    }


def digest(file: Path) -> str:
    return hashlib.sha256(plain(file)).hexdigest()[:16]


def plain(file: Path) -> bytes:
    """The bytes of a file, without its times."""
    if file.suffix == ".json":
        return json.dumps(timeless(json.loads(file.read_text("utf-8"))), sort_keys=True).encode()
    if file.suffix == ".jsonl":
        lines = [timeless(json.loads(line)) for line in file.read_text("utf-8").splitlines()]
        lines = [line for line in lines if "processes" not in line]  # each process that began says so
        return json.dumps(lines, sort_keys=True).encode()
    if file.suffix == ".md":
        # Minutes in a table, too; a process killed between weights and clock leaves none.
        return re.sub(rb"\d+ (s|min)\b|\b\d+\.\d (?=\|)| (?= \|)", b"", file.read_bytes())
    if file.suffix == ".safetensors":
        tensors = load_file(file)
        return b"".join(name.encode() + tensors[name].tobytes() for name in sorted(tensors))
    return file.read_bytes()


def timeless(value: Any) -> Any:
    """A JSON value without what no two runs share: times, and digests of what holds them."""
    if isinstance(value, dict):
        return {
            name: timeless(entry)
            for name, entry in value.items()
            if not any(word in name for word in TIMES)
            and name not in ("sha256", "files", "bytes", "seal", "digest", "versions")
        }
    return [timeless(entry) for entry in value] if isinstance(value, list) else value
