"""`atfm serve`: the page and the service of one or several models."""

import argparse
import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

__all__ = ["add_parser"]

NEEDED = ("fastapi", "uvicorn", "prometheus_client")


def add_parser(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "serve",
        help="open the page of a model in a browser",
        description="Start the page and the service of MODEL, a run folder, a weight file or the name of shipped "
        "weights, on this machine alone, and say the address. Several models can be compared side by side. Images that "
        "are sent stay in memory and are forgotten after a while. An address that others reach (--host) asks for a "
        "bearer token, and should lie behind a proxy that speaks TLS.",
        epilog="example: atfm serve lidc",
    )
    parser.add_argument("models", metavar="MODEL", nargs="+")
    parser.add_argument("--store", type=Path, help="show its cases (default: the examples of the package)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--port", type=int, default=8000, help="0: any that is free (default: 8000)")
    parser.add_argument("--token-file", type=Path, metavar="FILE", help="a secret that every caller has to send")
    parser.add_argument("--log", action="store_true", help="a line of JSON for each request on standard error")
    parser.add_argument("--waiting", type=int, default=16, metavar="N", help="callers that may wait (default: 16)")
    parser.add_argument(
        "--keep", type=float, default=30, metavar="MIN", help="minutes that an image is kept (default: 30)"
    )
    parser.add_argument(
        "--upload", type=int, default=512, metavar="MB", help="largest image as it is sent (default: 512)"
    )
    parser.add_argument(
        "--scratch",
        type=Path,
        metavar="DIR",
        help="where private folders are made for as long as a file is written or a long series read (default: in "
        "memory where there is room, else the system's temporary files)",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Answer until a signal ends it."""
    from atfm.errors import InputError

    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise InputError(f"{', '.join(missing)}: not installed; the service is an extra: pip install atfm[serve]")
    if not 0 <= args.port < 2**16 or min(args.waiting, args.upload) < 1 or not 0 < args.keep < 10**6:
        raise InputError("--port: expected 0 to 65535; --waiting, --keep and --upload: at least 1")
    from atfm.serve.server import access_of, bound

    access = access_of(args.host, args.token_file)
    listening = bound(args.host, args.port)  # before the models are read: a port in use is told at once
    with listening:
        _serve(args, access, listening)


def _serve(args: argparse.Namespace, access: Any, listening: Any) -> None:
    from atfm.cli.common_flags import resolve_device
    from atfm.data.store import Store
    from atfm.models import load
    from atfm.serve.cases import Examples, StoreCases
    from atfm.serve.limits import Limits
    from atfm.serve.server import run as answer
    from atfm.serve.service import Service

    device = resolve_device(args.device)
    models = [load(name, device) for name in args.models]
    cases = Examples() if args.store is None else StoreCases(Store.open(args.store))
    limits = Limits(args.upload * 10**6, waiting=args.waiting, keep=60 * args.keep)
    service = Service(models, cases, limits, scratch=args.scratch)
    host, port = listening.getsockname()[:2]
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}/"

    def started() -> None:
        told = {"address": address, "models": list(service.models), "cases": len(cases)}
        words = f"{', '.join(service.models)}: open {address} (Ctrl+C ends it). Not for clinical use."
        print(json.dumps(told) if args.json else words, flush=True)

    answer(service, listening, access, log=args.log, started=started)
