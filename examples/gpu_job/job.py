"""The job: unpack, train side by side, score, measure, and leave what may travel.

    python job.py --out OUT --minutes 7 --deadline 570

Whatever fails or runs out of time, what is there by then is left in OUT, and the status says so.
"""

import argparse
import json
import shlex
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from halves import halved
from results import split
from trainings import EVALUATION, KEEP, MEASUREMENTS, TRAININGS
from watch import Task, Watch

__all__ = ["main"]

HERE = Path(__file__).resolve().parent
COLLECT = 15.0  # seconds that are kept for leaving the results
SCORES = ("ged", "ged_16", "ged_100", "hm_iou_16", "hm_iou_32", "mdm_32", "ece", "empty_predicted", "empty_drawn")


def main() -> int:
    """Do it all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, required=True, help="folder for what is to come back")
    parser.add_argument("--work", type=Path, default=Path("work"), help="folder for all else (default: work)")
    parser.add_argument("--minutes", type=float, default=7.0, help="of each training (default: 7)")
    parser.add_argument("--deadline", type=float, default=570.0, help="seconds for everything (default: 570)")
    parser.add_argument("--scoring", type=float, default=60.0, help="seconds of them kept for scoring (default: 60)")
    args = parser.parse_args()
    watch = Watch(args.work / "logs", time.monotonic() + args.deadline)
    facts: dict[str, object] = {}
    trainings = [training(name, args) for name in TRAININGS]
    try:
        unpack = Task("unpack", [words(f"data unpack {HERE / 'store.pack'} --out {args.work / 'store'}")])
        chip = Task("convolution", [[str(HERE / "speed.py"), "convolution"]])
        watch.together([unpack, chip], reserve=COLLECT)
        facts["chip"] = last_json(watch.logs / "convolution.txt")
        watch.say(f"a large convolution: {facts['chip']}")
        if unpack.status == 0:
            watch.together(trainings, reserve=COLLECT + args.scoring)
        there = [task for task in trainings if (folder(task.name, args) / "weights.json").exists()]
        watch.together([*map(scoring(args), there), *map(counting, there)], reserve=COLLECT)
        if there:
            measured = {name: words(filled(text, there[0].name, args)) for name, text in MEASUREMENTS.items()}
            watch.together([Task(name, [command]) for name, command in measured.items()], reserve=COLLECT)
    finally:
        facts["peak_memory_mib"] = watch.chip.peak
        facts["busy_percent"] = round(sum(watch.chip.busy) / max(1, len(watch.chip.busy)), 1)
        facts["trainings"] = {task.name: told(task, folder(task.name, args), facts, watch.logs) for task in trainings}
        facts["left_out"] = leave(trainings, watch.logs, args)
        facts["seconds"] = round(time.monotonic() - watch.started, 1)
        (args.out / "summary.json").write_text(json.dumps(facts, indent=1, default=str) + "\n", encoding="utf-8")
        watch.say(json.dumps(facts, default=str))
    return 0 if all(task.status == 0 for task in trainings) else 1


def words(text: str) -> list[str]:
    """A command of atfm as a process takes it."""
    return ["-m", "atfm", *shlex.split(text)]


def filled(text: str, name: str, args: argparse.Namespace) -> str:
    """A command with its places filled in."""
    return text.format(store=args.work / "store", run=folder(name, args), minutes=args.minutes)


def folder(name: str, args: argparse.Namespace) -> Path:
    """The run folder of a training."""
    return Path(args.work / "runs" / name)


def training(name: str, args: argparse.Namespace) -> Task:
    """The task of one training."""
    commands = [words(filled(text, name, args)) for text in TRAININGS[name]]
    return Task(name, commands, run=folder(name, args))


def scoring(args: argparse.Namespace) -> Callable[[Task], Task]:
    """What makes the task that scores a training."""
    return lambda task: Task(f"{task.name}-val", [[*words(filled(EVALUATION, task.name, args)), "--json"]])


def counting(task: Task) -> Task:
    """The task that counts the operations of a training."""
    return Task(f"{task.name}-operations", [[str(HERE / "speed.py"), "operations", str(task.run)]])


def told(task: Task, run: Path, facts: dict[str, object], logs: Path) -> dict[str, object]:
    """What there is to say of one training."""
    card = read(run / "weights.json")
    stages, operations = card.get("config", {}).get("stages", {}), last_json(logs / f"{task.name}-operations.txt")
    chip = facts.get("chip")
    peak = max(chip["per_second"].values()) if isinstance(chip, dict) and chip else None
    speeds = {}
    for stage, rate in task.steps_per_second().items():
        images = rate * stages.get(stage, {}).get("batch", 0)
        share = images * operations[stage] / peak if peak and stage in operations else None
        speeds[stage] = {"images_per_second": round(images), "share_of_convolution": share and round(share, 4)}
    scores = last_json(logs / f"{task.name}-val.txt").get("scores", {})
    return {
        "status": task.status,
        "seconds": round(task.seconds, 1),
        "views": views(card.get("training", {}), stages),
        "speeds": speeds,
        "scores": {name: round(scores[name]["mean"], 4) for name in SCORES if name in scores},
    }


def views(state: dict[str, Any], stages: dict[str, Any]) -> int:
    """Images that were looked at in the steps that were made."""
    left, seen = int(state.get("step", 0)), 0
    for plan in stages.values():
        steps = min(left, plan["steps"])
        seen, left = seen + steps * plan["batch"], left - steps
    return seen


def leave(trainings: list[Task], logs: Path, args: argparse.Namespace) -> list[str]:
    """Put what was made into files that may travel, the most wanted first; return what did not fit."""
    groups = [[(f"logs/{file.name}", file)] for file in sorted(logs.iterdir())]
    made: dict[str, dict[str, list[Path]]] = {}
    for task in trainings:
        run = folder(task.name, args)
        files = [run / name for name in ("config.json", "resolved.json", "log.jsonl") if (run / name).exists()]
        report = [file for name in ("rows.csv", "summary.json") for file in run.parent.glob(f"{task.name}-val/{name}")]
        groups += [[(f"{file.parent.name}/{file.name}", file)] for file in files + report]
        made[task.name] = halved(run, args.work / "halves" / task.name)
    for kind in KEEP:
        groups += [
            [(f"{name}/{file.name}", file) for file in files[kind]] for name, files in made.items() if files[kind]
        ]
    return split(groups, args.out)


def read(file: Path) -> dict[str, Any]:
    """A JSON file; nothing where there is none."""
    return json.loads(file.read_text("utf-8")) if file.exists() else {}


def last_json(file: Path) -> dict[str, Any]:
    """The JSON object in the last line of a log that is one; nothing where there is none."""
    lines = file.read_text("utf-8", "replace").splitlines() if file.exists() else []
    objects = [line for line in lines if line.startswith("{") and line.endswith("}")]
    return json.loads(objects[-1]) if objects else {}


if __name__ == "__main__":
    sys.exit(main())
