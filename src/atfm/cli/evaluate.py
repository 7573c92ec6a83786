"""`atfm evaluate`: scores for each case of a split, their summary, and a report."""

import argparse
import re
import shlex
from pathlib import Path
from typing import Any

from atfm.cli.progress import bar

__all__ = ["add_parser"]

TABLE = ("ged", "ged_16", "ged_32", "ged_100", "hm_iou_16", "hm_iou_32", "mdm_32", "d_max_32", "diversity")


def add_parser(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "evaluate",
        help="score a model on a split",
        description="Draw samples of every case of a split, compare them with its annotators, and write rows.csv (one "
        "row for each case), summary.json and report.html. MODEL is a run folder, a weight file or the name of shipped "
        "weights. A model is not scored on patients that it was trained on.",
        epilog="example: atfm evaluate lidc lidc-store --split test --limit 200 --out report",
    )
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("store", metavar="STORE", type=Path, help="folder made by `atfm data import`")
    parser.add_argument("--split", default="test", help="default: test")
    parser.add_argument("--samples", type=int, default=100, metavar="N", help="masks of each case (default: 100)")
    parser.add_argument("--limit", type=int, metavar="N", help="score a fixed subset of N cases")
    parser.add_argument("--steps", type=int, metavar="N", help="solver steps (default: the model's own)")
    parser.add_argument("--batch", type=int, default=4, metavar="N", help="cases drawn at a time (default: 4)")
    parser.add_argument("--no-references", action="store_true", help="leave out GTR alone and the reference rows")
    parser.add_argument(
        "--allow-leak", action="store_true", help="score patients the model has seen; the report says so"
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder (default: MODEL-STORE-SPLIT, by their names)")
    parser.set_defaults(run=run, show=show)


def run(args: argparse.Namespace) -> dict[str, object]:
    """Score, write the files, and return the summary."""
    from dataclasses import replace

    from atfm.cli.common_flags import resolve_device
    from atfm.data.store import Store
    from atfm.errors import InputError
    from atfm.evaluate.classes import scored_classes
    from atfm.evaluate.rows import RowFile, columns
    from atfm.evaluate.save import save
    from atfm.evaluate.score import evaluate, numbers_of_samples
    from atfm.models import load

    if args.batch < 1:
        raise InputError(f"--batch: expected at least 1, got {args.batch}")
    device = resolve_device(args.device)
    store, model = Store.open(args.store), load(args.model, device)
    if args.steps is not None:
        model = replace(model, method=model.method.with_steps(args.steps))
    out = args.out or Path(default_folder(args.model, store.info.name, args.split))
    metrics = columns(numbers_of_samples(args.samples), scored_classes(store.info))
    with RowFile(out / "rows.csv", metrics) as rows, bar("scoring") as progress:
        evaluation = evaluate(
            model,
            store,
            split=args.split,
            samples=args.samples,
            limit=args.limit,
            seed=args.seed,
            batch=args.batch,
            device=device,
            compare_with=None if args.no_references else getattr(model.method, "truncation", None),
            references=not args.no_references,
            allow_leak=args.allow_leak,
            keep=rows.add,
            progress=progress,
        )
    return save(evaluation, out, command(args))


def default_folder(model: str, store: str, split: str) -> str:
    """`lidc-lidc-test`: a folder name of the names of what is scored; of a path its last part."""
    names = (Path(model).resolve().name.removesuffix(".safetensors"), store, split)
    return "-".join(re.sub(r"[^\w.]+", "-", name).strip("-") for name in names)


def command(args: argparse.Namespace) -> str:
    """The command line that makes the same report again."""
    words = ["atfm", "evaluate", args.model, str(args.store), "--split", args.split, "--samples", str(args.samples)]
    for flag, value in (("--limit", args.limit), ("--steps", args.steps), ("--seed", args.seed or None)):
        words += [flag, str(value)] if value is not None else []
    words += ["--no-references"] * args.no_references + ["--allow-leak"] * args.allow_leak
    return shlex.join(words)


def show(result: dict[str, Any]) -> str:
    """The main scores as a table, and where the files are."""
    methods = {result["method"]: result["scores"], "gtr alone": result["gtr"] or {}, **result["references"]}
    floor = {
        name.removeprefix("floor_"): score for name, score in result["scores"].items() if name.startswith("floor_")
    }
    rows = {name: scores for name, scores in {**methods, "perfect model": floor}.items() if scores}
    columns = [metric for metric in TABLE if metric in result["scores"]]
    lines = [" " * 15 + "".join(f"{metric:>11}" for metric in columns)]
    for name, scores in rows.items():
        lines.append(f"{name:<15}" + "".join(f"{mean(scores, metric):>11}" for metric in columns))
    lines += ["", *class_lines(result, columns)] if result.get("classes") else []
    lines.append("")
    if result["leak"]["patients"]:
        lines.append(f"LEAKY: the model was trained on {result['leak']['patients']} of these patients")
    lines += [f"note: {warning}" for warning in result["warnings"]]
    lines.append(
        f"{result['cases']} cases of {result['patients']} patients, {result['samples']} samples, "
        f"{result['seconds']:.0f} s; see {result['report']}"
    )
    return "\n".join(lines)


def class_lines(result: dict[str, Any], columns: list[str]) -> list[str]:
    """A further table: the model's scores of each class."""
    head = f"{result['method']}, by class"
    width = max(15, len(head) + 1, *(len(name) + 1 for name in result["classes"]))
    lines = [f"{head:<{width}}" + "".join(f"{metric:>11}" for metric in columns)]
    for name in result["classes"]:
        scores = "".join(f"{mean(result['scores'], f'{metric}/{name}'):>11}" for metric in columns)
        lines.append(f"{name:<{width}}{scores}")
    return lines


def mean(scores: dict[str, Any], metric: str) -> str:
    """A mean with three digits, or a dash."""
    return f"{scores[metric]['mean']:.3f}" if metric in scores else "-"
