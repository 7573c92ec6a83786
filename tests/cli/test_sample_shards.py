"""`atfm sample` under several processes: the same files, whoever has drawn them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from atfm.cli.main import main

# One thread everywhere: rounding differs with their number, and may move a pixel that lies on the threshold.
WORDS = ("--n", "2", "--device", "cpu", "--threads", "1", "--out", "out")


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Five pictures of noise."""
    folder = tmp_path_factory.mktemp("images")
    rng = np.random.default_rng(0)
    for number in range(5):
        Image.fromarray(rng.integers(0, 256, (128, 128), np.uint8)).save(folder / f"{number}.png")
    return [str(folder / f"{number}.png") for number in range(5)]


def files(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.fixture(scope="module")
def by_one(images: list[str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of one process."""
    folder = tmp_path_factory.mktemp("one")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main(["sample", "lidc", *images, *WORDS]) == 0
    return files(folder)


def test_shards_draw_what_one_process_draws(images, by_one, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    told = []
    for shard in ("2/3", "3/3", "1/3"):
        assert main(["sample", "lidc", *images, *WORDS, "--shard", shard, "--json"]) == 0
        told += [Path(one["image"]).stem for one in json.loads(capsys.readouterr().out)["images"]]
    assert told == ["1", "4", "2", "0", "3"] and files(tmp_path) == by_one


def test_a_shard_without_an_image_draws_nothing(images, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["sample", "lidc", *images[:2], *WORDS, "--shard", "3/3", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["images"] == [] and not files(tmp_path)
    assert main(["sample", "lidc", *images[:2], *WORDS, "--shard", "0/3"]) == 2
    assert "shard: expected i/n" in capsys.readouterr().err


def test_two_processes_of_the_launcher_draw_what_one_does(images, by_one, tmp_path) -> None:
    launcher = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node",
        "2",
        "-m",
        "--",
        "atfm",
    ]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    command = [*launcher, "sample", "lidc", *images, *WORDS, "--json"]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert files(tmp_path) == by_one
    assert [one["image"] for one in json.loads(done.stdout)["images"]] == images, "one has printed, in their order"
