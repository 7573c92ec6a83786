"""Build the folder that travels: the packed data, the scripts, and what the machine lacks.

python examples/gpu_job/build.py lidc-store --window 88 88 --most val=600 --wheels wheels --source --out bundle
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

__all__ = ["build", "main"]

HERE = Path(__file__).resolve().parent
SCRIPTS = ("halves.py", "job.py", "job.sh", "results.py", "speed.py", "trainings.py", "watch.py")
MIB = 2**20


def build(out: Path, pack: Path, *, wheels: Path | None, source: bool) -> int:
    """Fill the folder; return its bytes.

    Args:
        out: the folder; what was built there before is replaced.
        pack: the packed data.
        wheels: folder of wheels for what the machine lacks.
        source: put the package in too, without its shipped weights.
    """
    for name in ("wheels", "src"):
        shutil.rmtree(out / name, ignore_errors=True)
    out.mkdir(parents=True, exist_ok=True)
    for name in SCRIPTS:
        shutil.copy2(HERE / name, out / name)
    if pack.resolve() != (out / "store.pack").resolve():
        shutil.copy2(pack, out / "store.pack")
    if wheels is not None:
        (out / "wheels").mkdir()
        for file in sorted(wheels.glob("*.whl")):
            shutil.copy2(file, out / "wheels" / file.name)
    if source:
        package = HERE.parents[1] / "src" / "atfm"
        shutil.copytree(package, out / "src" / "atfm", ignore=shutil.ignore_patterns("__pycache__", "*.safetensors"))
    return sum(file.stat().st_size for file in out.rglob("*") if file.is_file())


def main() -> int:
    """Pack the store, unless it is packed already, and build the folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("store", type=Path, help="store, or a file that `atfm data pack` made of it")
    parser.add_argument("--out", type=Path, required=True, help="folder to make")
    parser.add_argument("--window", nargs="+", default=[], help="central part of every image to take along")
    parser.add_argument("--splits", nargs="+", default=["train", "val"], help="default: train val")
    parser.add_argument("--most", nargs="+", default=[], metavar="SPLIT=N", help="cases of a split at most")
    parser.add_argument("--wheels", type=Path, help="folder of wheels for what the machine lacks")
    parser.add_argument("--source", action="store_true", help="take the package itself along")
    parser.add_argument(
        "--limit", type=float, default=64.0, metavar="MIB", help="that the folder may have (default: 64)"
    )
    args = parser.parse_args()
    pack = args.store
    if pack.is_dir():
        pack = args.out / "store.pack"
        pack.unlink(missing_ok=True)
        command = [sys.executable, "-m", "atfm", "data", "pack", str(args.store), "--out", str(pack)]
        for flag, given in (("--window", args.window), ("--splits", args.splits), ("--most", args.most)):
            command += [flag, *given] if given else []
        if status := subprocess.run(command).returncode:
            return status
    size = build(args.out, pack, wheels=args.wheels, source=args.source)
    print(f"{args.out}: {size / MIB:.1f} MiB, of them {pack.stat().st_size / MIB:.1f} of data")
    if size > args.limit * MIB:
        print(
            f"more than the {args.limit:g} MiB that may travel: take a smaller --window or fewer cases", file=sys.stderr
        )
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
