"""`atfm`: results, errors and exit statuses of the command line itself."""

import argparse
import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from atfm import __version__
from atfm.cli import main as command_line
from atfm.cli.common_flags import add_common
from atfm.cli.main import Parser, build_parser, leaves, main
from atfm.errors import InputError


@pytest.fixture
def run(monkeypatch):
    """Run `atfm do` with a given body in place of the real commands."""

    def run(body, *flags: str, **defaults) -> int:
        parser = Parser(prog="atfm")
        leaf = parser.add_subparsers(dest="command", required=True).add_parser("do")
        leaf.set_defaults(run=body, **defaults)
        add_common(leaf)
        monkeypatch.setattr(command_line, "build_parser", lambda: parser)
        return main(["do", *flags])

    return run


def raising(error: BaseException):
    def body(args: argparse.Namespace) -> dict[str, object]:
        raise error

    return body


def test_result_is_shown_to_a_person(run, capsys):
    assert run(lambda args: {"cases": 3}, show=lambda result: f"{result['cases']} cases") == 0
    assert capsys.readouterr().out == "3 cases\n"


def test_result_without_a_text_is_shown_line_by_line(run, capsys):
    assert run(lambda args: {"cases": 3, "name": "phantom"}) == 0
    assert capsys.readouterr().out == "cases: 3\nname: phantom\n"


def test_json_is_one_object_of_plain_values(run, capsys):
    result = {"ged": float("nan"), "rows": [np.float32(0.5), (1, 2)], "path": Path("a") / "b"}
    assert run(lambda args: result, "--json", show=lambda result: "text") == 0
    output = capsys.readouterr()
    assert json.loads(output.out) == {"ged": None, "rows": [0.5, [1, 2]], "path": os.path.join("a", "b")}
    assert output.err == ""


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (InputError("nodule.png: damaged;\nsave it again"), 2, "atfm: nodule.png: damaged; save it again\n"),
        (FileNotFoundError(errno.ENOENT, "No such file", "a.png"), 2, "atfm: a.png: no such file or folder;"),
        (PermissionError(errno.EACCES, "Permission denied", "a.png"), 2, "atfm: a.png: permission denied;"),
        (OSError(errno.ENOSPC, "No space left on device"), 2, "atfm: the disk is full;"),
        (
            OSError(errno.EIO, "Input/output error", "a.png"),
            2,
            "atfm: a.png: the disk or the connection to it has failed",
        ),
        (OSError(errno.EINVAL, "Invalid argument", "a.png"), 2, "atfm: a.png: Invalid argument (EINVAL)"),
        (TimeoutError(errno.ETIMEDOUT, "timed out"), 2, "atfm: the server of this folder does not answer"),
        (KeyboardInterrupt(), 130, "atfm: interrupted\n"),
    ],
)
def test_an_error_is_one_line(run, capsys, error, status, line):
    assert run(raising(error), "--json") == status
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith(line)
    assert output.err.count("\n") == 1


def test_a_fault_of_ours_is_not_hidden(run):
    with pytest.raises(ZeroDivisionError):
        run(raising(ZeroDivisionError()))
    with pytest.raises(OSError, match="Bad file"):
        run(raising(OSError(errno.EBADF, "Bad file descriptor")))


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["trian"], "atfm: unknown command 'trian'; did you mean 'train'?"),
        (["xyzzy"], "atfm: unknown command 'xyzzy'; choose from data, methods, plan, train, sample"),
        ([], "atfm: the following arguments are required: command"),
        (["train", "phantom", "--seed", "-1"], "atfm train: argument --seed: expected 0 or more, got -1"),
        (["train", "phantom", "--threads", "two"], "atfm train: argument --threads: expected a whole number"),
        (
            ["train", "x", "--stes", "3"],
            "atfm train: unrecognized arguments: --stes 3; did you mean --set? (see `atfm train",
        ),
        (["sample", "a", "b", "--zzz"], "atfm sample: unrecognized arguments: --zzz (see `atfm sample --help`)"),
        (["data", "info", "x", "y"], "atfm data info: unrecognized arguments: y (see `atfm data info --help`)"),
        (
            ["data", "import", "phantom", "--frac", "1", "--case", "3", "--nope"],
            "atfm data import phantom: argument --fractions: expected 3 arguments",
        ),
        (
            ["data", "import", "lidc-png", "x", "--split", "a", "--nope"],
            "atfm data import lidc-png: unrecognized arguments: --nope (see `atfm data import lidc-png --help`)",
        ),
    ],
)
def test_a_wrong_word_is_one_line(capsys, words, line):
    with pytest.raises(SystemExit) as stop:
        main(words)
    error = capsys.readouterr().err
    assert stop.value.code == 2
    assert error.startswith(line)
    assert error.count("\n") == 1


def test_every_command_has_the_common_flags_and_an_example():
    for leaf in leaves(build_parser()):
        text = leaf.format_help()
        assert all(flag in text for flag in ("--json", "--seed", "--device", "--threads")), leaf.prog
        assert leaf.epilog and "atfm " in leaf.epilog, leaf.prog
        assert callable(leaf.get_default("run")), leaf.prog


def test_a_command_keeps_its_own_flag():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=None)
    add_common(parser)
    assert parser.parse_args([]).seed is None


def test_unknown_device_is_one_line(run, capsys):
    from atfm.cli.common_flags import resolve_device

    assert run(lambda args: {"device": resolve_device(args.device)}, "--device", "tpu") == 2
    assert capsys.readouterr().err == "atfm: --device tpu: expected auto, cpu, cuda or cuda:N\n"
    assert run(lambda args: {"device": resolve_device(args.device)}, "--device", "cuda:99") == 2
    assert "--device cpu" in capsys.readouterr().err
    assert run(lambda args: {"device": resolve_device(args.device)}, "--device", "cpu", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"device": "cpu"}


def python(*words: str, **options) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False, **options)


def test_version():
    assert python("-m", "atfm", "--version").stdout == f"atfm {__version__}\n"


def test_help_loads_neither_torch_nor_the_importers():
    code = "import sys; from atfm.cli.main import build_parser; build_parser().format_help(); print(*sys.modules)"
    assert not {"torch", "atfm.importers"} & set(python("-c", code).stdout.split())


def test_reader_that_leaves_is_no_error(tmp_path):
    code = """if True:
        import argparse, sys
        from atfm.cli import main as command_line
        parser = argparse.ArgumentParser()
        parser.set_defaults(run=lambda args: {"text": "x" * 1_000_000}, json=False, threads=0)
        command_line.build_parser = lambda: parser
        sys.exit(command_line.main([]))
    """
    read, write = os.pipe()
    os.close(read)
    process = subprocess.run([sys.executable, "-c", code], stdout=write, stderr=subprocess.PIPE, check=False)
    os.close(write)
    assert (process.returncode, process.stderr) == (141, b"")
