"""`atfm bench`: speed and memory beside the paper's preset; of the scores (`metrics`), large `data`, the service."""

import argparse
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from atfm.cli.bench_text import show

__all__ = ["add_parser"]


def add_parser(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "bench",
        help="measure speed, memory and operations",
        description="Measure 100 masks of one image and of a batch by MODEL and by the paper's preset, side by side in "
        "one run: operations, time, parameters, peak memory, then fewer and more solver steps, and training. The "
        "paper's time is measured on a few sample-steps and multiplied. With --store, the steps are scored too, and "
        "--figure draws score against time. `atfm bench metrics` times the scores against a plain double loop; `atfm "
        "bench data` measures the memory that a million crops and volumes of 512^3 take; `atfm bench serve` what "
        "callers of the service wait for, each answer checked. For times that mean much, let the machine do nothing "
        "else.",
        epilog="example: atfm bench --threads 2 --store lidc-store --limit 200 --figure pareto.svg",
    )
    parser.add_argument("what", nargs="?", choices=["sampling", "metrics", "data", "serve"], default="sampling",
                        metavar="WHAT", help="sampling (default), metrics, data or serve")  # fmt: skip
    parser.add_argument("--samples", type=int, default=100, metavar="N", help="masks of each image (default: 100)")
    parser.set_defaults(run=run, show=show)
    sampling = parser.add_argument_group("sampling")
    sampling.add_argument("--model", default="lidc", help="ours: weights, run folder or preset (default: lidc)")
    sampling.add_argument("--against", default="paper", metavar="PRESET", help="the other (default: paper)")
    sampling.add_argument("--repeats", type=int, default=5, metavar="N", help="rounds, in turn (default: 5)")
    sampling.add_argument(
        "--sample-steps",
        type=int,
        default=2,
        metavar="N",
        help="samples that the other's time stands on; 0: all (default: 2)",
    )
    sampling.add_argument("--batch", type=int, default=64, metavar="N", help="images in the batch; 0: none")
    sampling.add_argument("--steps", default="1,2,4,8", metavar="N,N", help="solver steps (default: 1,2,4,8); '': none")
    sampling.add_argument("--store", type=Path, help="score the steps on this store")
    sampling.add_argument("--split", default="val", help="of the store (default: val)")
    sampling.add_argument("--limit", type=int, metavar="N", help="score a fixed subset of N cases")
    sampling.add_argument("--figure", type=Path, metavar="FILE", help="score against time, SVG")
    sampling.add_argument("--train-steps", type=int, default=6, metavar="N", help="of each stage; 0: no training")
    sampling.add_argument("--train-batch", type=int, metavar="N", help="images in a step (default: the preset's)")
    sampling.add_argument("--no-memory", action="store_true", help="leave out peak memory")
    metrics = parser.add_argument_group("metrics")
    metrics.add_argument("--cases", type=int, default=1000, metavar="N", help="images (default: 1000)")
    metrics.add_argument("--size", type=int, default=128, metavar="N", help="of the masks, in pixels (default: 128)")
    metrics.add_argument("--annotators", type=int, default=4, metavar="N", help="of each image (default: 4)")
    metrics.add_argument("--large", action="store_true", help="time and memory of 512x512 with 1,000 samples too")
    serve = parser.add_argument_group("serve")
    serve.add_argument("--callers", type=int, default=16, metavar="N", help="at a time (default: 16, at most 64)")
    serve.add_argument("--seconds", type=float, default=30, metavar="S", help="for so long (default: 30)")
    serve.add_argument("--think", type=float, default=0, metavar="S", help="a caller's pause, on average (default: 0)")
    serve.add_argument("--images", type=int, default=8, metavar="N", help="different images (default: 8)")
    serve.add_argument("--address", help="of a service of MODEL on this machine (default: one is started)")
    data = parser.add_argument_group("data")
    data.add_argument("--crops", type=int, default=10**6, metavar="N", help="crops of 128x128 (default: 1,000,000)")
    data.add_argument("--side", type=int, default=512, metavar="N", help="of the volumes, in voxels (default: 512)")
    data.add_argument("--memory", type=float, default=8, metavar="GB", help="no process may have more (default: 8)")
    data.add_argument("--folder", type=Path, help="where the stores are made and removed (default: temporary files)")


def run(args: argparse.Namespace) -> dict[str, object]:
    """Measure, and draw the figure if one is asked for."""
    if args.what == "data":
        from atfm.bench.large import large_data

        limit = int(1e9 * args.memory)
        return large_data(crops=args.crops, side=args.side, limit=limit, folder=args.folder, tell=_teller("data"))
    if args.what == "serve":
        return _serving(args)
    if args.what == "metrics":
        from atfm.bench.metrics_speed import bench_memory, bench_metrics

        measured = bench_metrics(
            cases=args.cases,
            size=args.size,
            samples=args.samples,
            annotators=args.annotators,
            seed=args.seed,
            threads=args.threads or None,
        )
        return measured | ({"large": bench_memory(seed=args.seed)} if args.large else {})
    return _sampling(args)


def _serving(args: argparse.Namespace) -> dict[str, object]:
    import torch

    from atfm.bench.serving import Load, bench_serving, serving
    from atfm.models import load

    tell, threads = _teller("serve"), args.threads or 1
    torch.set_num_threads(threads)  # as the service has it: the last bits of a sum depend on it
    asked = Load(args.callers, args.seconds, args.samples, args.think, args.images, args.seed)
    model = load(args.model)
    if args.address is not None:
        return bench_serving(model, args.address, asked, tell)
    with serving(args.model, threads, tell) as address:
        return bench_serving(model, address, asked, tell)


def _sampling(args: argparse.Namespace) -> dict[str, object]:
    from atfm.bench.pareto import Scoring, pareto_chart
    from atfm.bench.sampling import Request
    from atfm.data.store import Store
    from atfm.disk.atomic import atomic_write
    from atfm.disk.lock import file_lock
    from atfm.errors import InputError

    if args.figure is not None and args.store is None:
        raise InputError(f"--figure {args.figure}: the figure shows scores; give a --store to score on")
    request = Request(
        args.model, args.against, args.samples, args.repeats, args.sample_steps, args.batch, not args.no_memory
    )
    scoring = Scoring(Store.open(args.store), args.split, args.limit, args.seed) if args.store else None
    first, *others = _devices(args.device)
    with file_lock(args.figure) if args.figure is not None else nullcontext():
        result = _measured(args, request, scoring, first)
        for device in others:
            result["gpu"] = _measured(args, request, scoring, device)
        if args.figure is not None:
            with atomic_write(args.figure) as temporary:
                temporary.write_text(pareto_chart(result["steps"], args.samples), "utf-8")
            result["figure"] = str(args.figure)
    return result


def _measured(args: argparse.Namespace, request: Any, scoring: Any, device: Any) -> dict[str, Any]:
    """Everything that is measured on one device."""
    from atfm.bench.contender import images, open_contender
    from atfm.bench.gauge import surroundings
    from atfm.bench.pareto import curve
    from atfm.bench.sampling import compare
    from atfm.bench.training import HOW, training_speed

    tell, steps = _teller(str(device)), _numbers(args.steps)
    result: dict[str, Any] = surroundings(device) | compare(request, device, tell)
    ours = open_contender(request.ours, device)
    if steps or scoring:
        tell("timing the numbers of steps in turn")
        image = images(ours.method, 1, device)
        result["steps"] = curve(
            ours, steps, image, request.samples, repeats=request.repeats, scoring=scoring, tell=tell
        )
    if args.train_steps:
        tell("timing training steps")
        result["training"] = training_speed(
            ours.config, ours.method, device, steps=args.train_steps, batch=args.train_batch
        )
        result["how"].append(HOW)
    return result


def _devices(name: str) -> list[Any]:
    """The CPU, and the GPU if there is one; or the one that `--device` names."""
    from atfm.cli.common_flags import resolve_device

    found = resolve_device(name)
    return [resolve_device("cpu"), found] if name == "auto" and found.type != "cpu" else [found]


def _numbers(text: str) -> tuple[int, ...]:
    from atfm.errors import InputError

    try:
        return tuple(int(word) for word in text.split(",") if word.strip())
    except ValueError:
        raise InputError(f"--steps {text}: expected whole numbers with commas between them, as 1,2,4,8") from None


def _teller(device: str) -> Callable[[str], None]:
    return lambda text: print(f"{device}: {text}", file=sys.stderr, flush=True)
