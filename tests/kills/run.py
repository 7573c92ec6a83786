"""Kill, fill, race and deny the real programme: `python tests/kills/run.py --count 200 --seed 0`.

In each trial a command that writes is disturbed twice in one folder (SIGKILL at a random moment, or at the n-th rename,
fsync, unlink, mkdir or opening for writing; an error of the machine there; a full disk; a second process with the same
command) and then run to its end. Nothing that was safe may be gone, every refusal is one line, the outcome is that of
the undisturbed command bit for bit but for its times, and nothing is left behind. Prints a table and ends with 1 if
anything was lost. `--only N` repeats a single trial.
"""

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from scenarios import SCENARIOS, make_inputs
from trials import drawn, mounts_here, refer, trial

__all__ = ["main"]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=200, help="trials in all (default: 200)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--scenario", action="append", choices=[one.name for one in SCENARIOS], help="default: all")
    parser.add_argument("--only", type=int, help="the number of a single trial")
    parser.add_argument("--keep", action="store_true", help="keep the folder of a trial that failed")
    args = parser.parse_args()
    chosen = [one for one in SCENARIOS if not args.scenario or one.name in args.scenario]
    place = Path(tempfile.mkdtemp(prefix="atfm-kills-"))
    began, lost, table = time.monotonic(), 0, Counter[tuple[str, str]]()
    try:
        make_inputs(place / "inputs")
        references = {one.name: refer(one, place / "references" / one.name) for one in chosen}
        mounts = mounts_here(place / "disk")
        for number in range(args.count) if args.only is None else [args.only]:
            scenario = chosen[number % len(chosen)]
            rng = random.Random(f"{args.seed} {number}")
            happens = [drawn(rng, references[scenario.name], mounts) for _ in range(2)]
            folder = place / "trials" / str(number)
            wrong = trial(scenario, references[scenario.name], folder, happens)
            table.update((scenario.name, one.kind) for one in happens)
            lost += bool(wrong)
            for line in wrong:
                text = "; ".join(f"{one.kind} {one.at}" for one in happens)
                print(f"trial {number}: {scenario.name} ({text}): {' '.join(line.split())}", flush=True)
            if not (wrong and args.keep):
                shutil.rmtree(folder, ignore_errors=True)
        show(table, mounts, lost, time.monotonic() - began)
    finally:
        if args.keep and lost:
            print(f"kept: {place}")
        else:
            shutil.rmtree(place, ignore_errors=True)
    return int(lost > 0)


def show(table: "Counter[tuple[str, str]]", mounts: bool, lost: int, seconds: float) -> None:
    """The table of `docs/reliability.md`."""
    kinds = ("moment", "call", "error", "full disk", "two writers")
    print("| command | killed at a moment | killed at a call | error of the machine | full disk | two writers |")
    print("|---|---|---|---|---|---|")
    for name in dict.fromkeys(name for name, _ in table):
        print(f"| {name} | {' | '.join(str(table[name, kind]) for kind in kinds)} |")
    print(f"{sum(table.values())} disturbances, {lost} trials in which anything was lost, {seconds:.0f} s")
    if not mounts:
        print("a full disk was not tried: this takes the rights to mount one")


if __name__ == "__main__":
    sys.exit(main())
