"""The command `atfm`: find the subcommand, run it, print its result, and turn a user's error into one line.

Each command is a module of this package with `add_parser(subparsers)`. It sets two defaults on its parser:

    run     function(args) -> the result, a mapping that JSON can hold; None where another process tells it
    show    function(result) -> the text for a person (without it: a line for each entry)

The modules import torch inside `run`, so that `atfm --help` answers at once.
"""

import argparse
import difflib
import errno
import json
import math
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from atfm import __version__
from atfm.cli import ablate, bench, card, compare, data, evaluate, leaderboard, methods, plan, sample, train
from atfm.cli.common_flags import add_common, apply_threads
from atfm.disk.links import refuse_link
from atfm.disk.machine import in_words
from atfm.errors import AtfmError, AtfmWarning

__all__ = ["build_parser", "main"]

USER_ERROR = 2
INTERRUPTED = 128 + 2  # what a shell reports of a program that SIGINT ended
BROKEN_PIPE = 128 + 13  # ... and of one that SIGPIPE ended


class Parser(argparse.ArgumentParser):
    """An argument parser that answers a mistake in one line and knows the nearest word.

    Args:
        later: adds what the parser holds once it is used, where that takes a while to import.
        options: as those of `argparse.ArgumentParser`.
    """

    def __init__(self, *, later: Callable[[argparse.ArgumentParser], None] | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.later = later

    def parse_known_args(self, *words: Any, **options: Any) -> Any:
        if self.later is not None:
            add, self.later = self.later, None
            add(self)
            for leaf in leaves(self):
                add_common(leaf)
        known, extra = super().parse_known_args(*words, **options)
        if extra:  # here, where it is known whose they are: the whole command line would name its own help
            self.error(f"unrecognized arguments: {' '.join(extra)}{self._nearest(extra[0])}")
        return known, extra

    def _nearest(self, word: str) -> str:
        """The flag that was meant, if one is near."""
        flags = [flag for action in self._actions for flag in action.option_strings]
        near = difflib.get_close_matches(word.partition("=")[0], flags, n=1) if word.startswith("--") else []
        return f"; did you mean {near[0]}?" if near else ""

    def error(self, message: str) -> NoReturn:
        self.exit(USER_ERROR, f"{self.prog}: {message} (see `{self.prog} --help`)\n")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is None or value in action.choices:
            return
        choices = [str(choice) for choice in action.choices]
        near = difflib.get_close_matches(str(value), choices, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"choose from {', '.join(choices)}"
        raise argparse.ArgumentError(None, f"unknown {action.metavar or action.dest} {value!r}; {hint}")


def build_parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    parser = Parser(
        prog="atfm",
        description="Learn the plausible segmentations of a medical image, draw them, and score them.",
        epilog="example: atfm sample lidc nodule.png --n 16 --out samples",
    )
    parser.add_argument("--version", action="version", version=f"atfm {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="command", required=True)
    for command in (data, methods, plan, train, sample, evaluate, compare, leaderboard, card, ablate, bench):
        command.add_parser(subparsers)
    for leaf in leaves(parser):
        add_common(leaf)
    return parser


def leaves(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """The parsers that run something: those without subcommands of their own, as far as they are known yet."""
    if isinstance(parser, Parser) and parser.later is not None:
        return
    branches = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    for branch in branches:
        for child in branch.choices.values():
            yield from leaves(child)
    if not branches:
        yield parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status.

    Args:
        argv: the words after `atfm`; those of this process if None.

    Returns:
        0; 2 for a mistake of the user's or a refusal of the machine, told in one line; 130 if interrupted; 141 if the
        reader of the output left.
    """
    args = build_parser().parse_args(argv)
    try:
        apply_threads(args.threads)
        if isinstance(getattr(args, "out", None), Path):
            refuse_link(args.out)
        with telling() as told:
            result = args.run(args)
        if result is not None:
            if told:
                result = {**result, "warnings": [*told, *result.get("warnings", ())]}
            print(rendered(args, result), flush=True)
    except AtfmError as error:
        return complain(str(error), USER_ERROR)
    except KeyboardInterrupt:
        return complain("interrupted", INTERRUPTED)
    except BrokenPipeError:
        # The interpreter flushes standard output once more as it ends; let it have somewhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except OSError as error:
        if error.errno in (None, errno.EBADF):  # not the machine's word, or about a file that we have lost: our fault
            raise
        return complain(in_words(error), USER_ERROR)
    return 0


@contextmanager
def telling() -> Iterator[list[str]]:
    """Say what the package warns of in a line on standard error, each once, and keep it for the result."""
    told: list[str] = []
    with warnings.catch_warnings():
        usual = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
            if not issubclass(category, AtfmWarning):
                usual(message, category, *where, **more)
            elif str(message) not in told:
                told.append(str(message))
                complain(f"warning: {message}", 0)

        warnings.showwarning = show
        warnings.simplefilter("always", AtfmWarning)
        yield told


def complain(message: str, status: int) -> int:
    """Say `message` in one line on standard error and pass `status` on."""
    print("atfm:", " ".join(message.split()), file=sys.stderr)
    return status


def rendered(args: argparse.Namespace, result: Mapping[str, object]) -> str:
    """The result of a command as one JSON object, or as text for a person."""
    if args.json:
        return json.dumps(without_nan(result), allow_nan=False, default=str)
    show = getattr(args, "show", None)
    return show(result) if show else "\n".join(f"{name}: {value}" for name, value in result.items())


def without_nan(value: object) -> object:
    """The same value with null for NaN and infinity, which JSON does not have; arrays become lists."""
    if isinstance(value, Mapping):
        return {str(name): without_nan(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(entry) for entry in value]
    if hasattr(value, "tolist"):
        return without_nan(value.tolist())
    return None if isinstance(value, float) and not math.isfinite(value) else value
