"""`atfm bench`: speed, memory and operations beside the paper's preset; of the scores (`metrics`); of large `data`."""

import argparse
import sys
from collections.abc import Callable
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
        "bench data` measures the memory that a million crops and volumes of 512^3 take. For times that mean much, "
        "let the machine do nothing else.",
        epilog="example: atfm bench --threads 2 --store lidc-store --limit 200 --figure pareto.svg",
    )
    parser.add_argument("what", nargs="?", choices=["sampling", "metrics", "data"], default="sampling",
                        metavar="WHAT", help="sampling (default), metrics or data")  # fmt: skip
    parser.add_argument("--samples", type=int, default=100, metavar="N", help="masks of each image (default: 100)")
    parser.set_defaults(run=run, show=show)
    sampling = parser.add_argument_group("sampling")
    sampling.add_argument("--model", default="lidc", help="ours: weights, run folder or preset (default: lidc)")
    sampling.add_argument("--against", default="paper", metavar="PRESET", help="the other (default: paper)")
    sampling.add_argument("--repeats", type=int, default=5, metavar="N", help="rounds, in turn (default: 5)")
    sampling.add_argument(
        "--sample-steps", type=int, default=2, metavar="N", help="samples that the other's time stands on (default: 2)"
    )
    sampling.add_argument("--batch", type=int, default=64, metavar="N", help="images in the batch; 0: none")
    sampling.add_argument("--steps", default="1,2,4,8", metavar="N,N", help="solver steps (default: 1,2,4,8); '': none")
    sampling.add_argument("--store", type=Path, help="score the steps on this store")
    sampling.add_argument("--split", default="val", help="of the store (default: val)")
    sampling.add_argument("--limit", type=int, metavar="N", help="score a fixed subset of N cases")
    sampling.add_argument("--figure", type=Path, metavar="FILE", help="score against time, SVG, PNG or PDF")
    sampling.add_argument("--try", dest="variants", default="", metavar="WAY,WAY", help="bf16, compile, graphs, "
                          "contiguous, inference, chunk=N, joined by +")  # fmt: skip
    sampling.add_argument("--train-steps", type=int, default=6, metavar="N", help="of each stage; 0: no training")
    sampling.add_argument("--train-batch", type=int, metavar="N", help="images in a step (default: the preset's)")
    sampling.add_argument("--no-memory", action="store_true", help="leave out peak memory")
    metrics = parser.add_argument_group("metrics")
    metrics.add_argument("--cases", type=int, default=1000, metavar="N", help="images (default: 1000)")
    metrics.add_argument("--size", type=int, default=128, metavar="N", help="of the masks, in pixels (default: 128)")
    metrics.add_argument("--annotators", type=int, default=4, metavar="N", help="of each image (default: 4)")
    metrics.add_argument("--large", action="store_true", help="time and memory of 512x512 with 1,000 samples too")
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


def _sampling(args: argparse.Namespace) -> dict[str, object]:
    from atfm.bench.comparison import Request
    from atfm.bench.figure import write_pareto
    from atfm.bench.pareto import Scoring
    from atfm.bench.speed import Extras, measure
    from atfm.data.store import Store
    from atfm.errors import InputError

    if args.figure is not None and args.store is None:
        raise InputError(f"--figure {args.figure}: the figure shows scores; give a --store to score on")
    request = Request(
        args.model, args.against, args.samples, args.repeats, args.sample_steps, args.batch, not args.no_memory
    )
    scoring = Scoring(Store.open(args.store), args.split, args.limit, args.seed) if args.store else None
    extras = Extras(_numbers(args.steps), scoring, _words(args.variants), args.train_steps, args.train_batch)
    first, *others = _devices(args.device)
    result = measure(request, extras, first, _teller(str(first)))
    for device in others:
        result["gpu"] = measure(request, extras, device, _teller(str(device)))
    if args.figure is not None:
        where = (
            f"{args.model}: {result['steps'][0]['cases']} cases of {args.split}; {first}, {result['threads']} threads"
        )
        write_pareto(args.figure, result["steps"], args.samples, about=where)
        result["figure"] = str(args.figure)
    return result


def _devices(name: str) -> list[Any]:
    """The CPU, and the GPU if there is one; or the one that `--device` names."""
    from atfm.cli.common_flags import resolve_device

    found = resolve_device(name)
    return [resolve_device("cpu"), found] if name == "auto" and found.type != "cpu" else [found]


def _numbers(text: str) -> tuple[int, ...]:
    from atfm.errors import InputError

    try:
        return tuple(int(word) for word in _words(text))
    except ValueError:
        raise InputError(f"--steps {text}: expected whole numbers with commas between them, as 1,2,4,8") from None


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _teller(device: str) -> Callable[[str], None]:
    return lambda text: print(f"{device}: {text}", file=sys.stderr, flush=True)
