"""One trial: a command is disturbed twice, then runs to its end; nothing may be lost and the outcome is the same."""

import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from scenarios import Scenario, outcome

__all__ = ["Disturbance", "Reference", "drawn", "refer", "trial"]

SHIM = Path(__file__).resolve().parent / "shim.py"
ERRORS = ("ENOSPC", "EIO", "EDQUOT", "EACCES", "EROFS")
LEFTOVERS = (".writing", "atfm-serve-", ".half", ".partial", ".lock", ".new", ".tmp")
TOLD = ("atfm: warning: ", "atfm: note: ")  # lines that are no refusal
PATIENCE = 300.0


class Disturbance(NamedTuple):
    """What happens to a command.

    Args:
        kind: "moment", "call", "error", "full disk" or "two writers".
        at: seconds; a place for the shim; or a share of the disk that the outcome takes.
    """

    kind: str
    at: str


class Reference(NamedTuple):
    """A command as it runs when nobody disturbs it.

    Args:
        files: digests of what it leaves.
        calls: how often it makes each call.
        seconds: what it takes.
        size: bytes of what it leaves.
    """

    files: dict[str, str]
    calls: dict[str, int]
    seconds: float
    size: int


class Ended(NamedTuple):
    """How a process ended."""

    status: int
    said: str


def refer(scenario: Scenario, folder: Path) -> Reference:
    """Run a command undisturbed."""
    scenario.begin(folder)
    counted = folder.with_name(f"{folder.name}-calls.json")
    began = time.monotonic()
    ended = run([str(SHIM), "--count", str(counted), "--", *scenario.words], folder, scenario)
    if ended.status != 0:
        raise SystemExit(f"{scenario.name}: fails undisturbed: {ended.said[-2000:]}")
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return Reference(outcome(folder), json.loads(counted.read_text()), time.monotonic() - began, size)


def drawn(rng: random.Random, reference: Reference, mounts: bool) -> Disturbance:
    """Draw what happens."""
    kind = rng.choices(("moment", "call", "error", "full disk", "two writers"), (30, 40, 14, 8 * mounts, 8))[0]
    if kind == "moment":
        return Disturbance(kind, f"{rng.uniform(0.3, 1.05) * reference.seconds:.2f}")
    if kind == "full disk":
        return Disturbance(kind, f"{rng.uniform(0.02, 0.95):.2f}")
    if kind == "two writers":
        return Disturbance(kind, "")
    call = rng.choice(sorted(name for name, count in reference.calls.items() if count))
    place = f"{call}:{rng.randint(1, reference.calls[call])}"
    return Disturbance(kind, place if kind == "call" else f"{place}+={rng.choice(ERRORS)}")


def trial(scenario: Scenario, reference: Reference, folder: Path, disturbances: Sequence[Disturbance]) -> list[str]:
    """Disturb a command, let it end, and return what was wrong: nothing, if all is well."""
    wrong: list[str] = []
    mounted = any(one.kind == "full disk" for one in disturbances)
    if mounted:
        folder.mkdir(parents=True)
        mount(folder, 64 * 2**20 + 8 * reference.size)
    scenario.begin(folder)
    try:
        for one in disturbances:
            before = scenario.kept(folder)
            wrong += disturb(scenario, reference, folder, one)
            after = scenario.kept(folder)
            if after < before:
                wrong.append(f"{one.kind} {one.at}: {before} were safe, {after} are left")
        last = run(["-m", "atfm", *scenario.words], folder, scenario)
        # What was published before it could say so is there; to make it again is refused.
        if last.status != 0 and "exists already" not in last.said:
            wrong.append(f"does not go on, status {last.status}: {last.said[-500:]}")
        else:
            wrong += different(reference.files, outcome(folder))
        wrong += [f"left behind: {file.relative_to(folder)}" for file in leftovers(folder)]
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(folder)], check=False)
    return wrong


def disturb(scenario: Scenario, reference: Reference, folder: Path, one: Disturbance) -> list[str]:
    """Run a command while something happens to it; what was wrong with what it said."""
    plain = ["-m", "atfm", *scenario.words]
    if one.kind == "moment":
        return told(one, run(plain, folder, scenario, kill_after=float(one.at)), killed=True)
    if one.kind == "call":
        return told(one, run([str(SHIM), "--at", one.at, "--", *scenario.words], folder, scenario), killed=True)
    if one.kind == "error":
        return told(one, run([str(SHIM), "--at", one.at, "--", *scenario.words], folder, scenario))
    if one.kind == "full disk":
        taken = sum(file.stat().st_blocks * 512 for file in folder.rglob("*") if file.is_file())
        remount(folder, taken + int(float(one.at) * reference.size) + 4096)
        ended = run(plain, folder, scenario)
        remount(folder, 64 * 2**20 + 8 * reference.size)
        return told(one, ended)
    first, second = begin(plain, folder, scenario), begin(plain, folder, scenario)
    return told(one, finish(first)) + told(one, finish(second))


def told(one: Disturbance, ended: Ended, *, killed: bool = False) -> list[str]:
    """A command ends well, is killed, or says in one line what the matter is."""
    lines = [line for line in ended.said.splitlines() if line.startswith("atfm: ") and not line.startswith(TOLD)]
    if ended.status == 0 or (killed and ended.status == -9):
        return []
    if ended.status == 2 and len(lines) == 1 and "Traceback" not in ended.said:
        return []
    return [f"{one.kind} {one.at}: status {ended.status}, said: {ended.said[-600:]}"]


def different(wanted: dict[str, str], found: dict[str, str]) -> list[str]:
    names = [name for name in sorted(wanted.keys() | found.keys()) if wanted.get(name) != found.get(name)]
    return [f"other than undisturbed: {', '.join(names[:8])}"] if names else []


def leftovers(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if any(word in path.name for word in LEFTOVERS)]


# ---- processes and disks ----


def begin(words: Sequence[str], folder: Path, scenario: Scenario) -> "subprocess.Popen[bytes]":
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    number, name = tempfile.mkstemp(prefix="atfm-kills-said-")
    with os.fdopen(number, "wb") as said:
        process = subprocess.Popen(
            [sys.executable, *words], cwd=folder, env=environment, stdout=said, stderr=subprocess.PIPE
        )
    threading.Thread(target=_drive, args=(scenario, process, Path(name), folder)).start()
    return process


def _drive(scenario: Scenario, process: "subprocess.Popen[bytes]", said: Path, folder: Path) -> None:
    """Do with a process what its scenario asks for, if anything, and forget what it said."""
    try:
        if scenario.drive is not None:
            scenario.drive(process, said, folder)
    finally:
        said.unlink(missing_ok=True)


def finish(process: "subprocess.Popen[bytes]", kill_after: float | None = None) -> Ended:
    try:
        _, said = process.communicate(timeout=PATIENCE if kill_after is None else kill_after)
    except subprocess.TimeoutExpired:
        process.kill()
        _, said = process.communicate()
        if kill_after is None:
            return Ended(-1, f"took more than {PATIENCE:g} s")
    return Ended(process.returncode, said.decode("utf-8", errors="replace"))


def run(words: Sequence[str], folder: Path, scenario: Scenario, kill_after: float | None = None) -> Ended:
    return finish(begin(words, folder, scenario), kill_after)


def mounts_here(folder: Path) -> bool:
    """Whether a small disk can be made here; that takes the rights to mount one."""
    folder.mkdir(parents=True, exist_ok=True)
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    subprocess.run(["umount", "-l", str(folder)], capture_output=True, check=False)
    return made.returncode == 0


def mount(folder: Path, size: int) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], check=True)


def remount(folder: Path, size: int) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size}", str(folder)], check=True)
