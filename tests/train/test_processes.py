import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from atfm.errors import InputError
from atfm.train.processes import Processes, Shard

MEET = """
import json, sys
from pathlib import Path
from atfm.train.processes import Processes, Shard
with Processes.current() as processes:
    told = processes.gather_objects({"rank": processes.rank, "own": processes.share(range(7))})
    half = processes.share(range(7), Shard.parse("2/2"))
    again = processes.rejoin([10 * piece for piece in processes.share(range(7))])
    processes.barrier()
    result = {"main": processes.main, "world": processes.world, "told": told, "half": half, "again": again}
    Path(sys.argv[1], f"{processes.rank}.json").write_text(json.dumps(result))
"""
END = """
import sys
from atfm.errors import ProcessError
from atfm.train.processes import Processes
processes = Processes.current()
if processes.rank == 1:
    sys.exit(0)
try:
    processes.barrier()
except ProcessError as error:
    print(error, file=sys.stderr)
"""
MISTAKE = """
import sys
from atfm.errors import AtfmError, InputError
from atfm.train.processes import Processes
try:
    with Processes.current() as processes:
        if sys.argv[1] == "all" or processes.rank == 1:
            raise InputError("store: nothing there")
        processes.barrier()
except AtfmError as error:
    sys.exit(f"said: {error}")
"""


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def launched(code: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run Python code in two processes, started by torch's launcher."""
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "--no-python"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    command = [*launcher, sys.executable, "-c", code, *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)


def test_two_processes_know_each_other(tmp_path: Path) -> None:
    done = launched(MEET, str(tmp_path))
    assert done.returncode == 0, done.stderr
    found = [json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(2)]
    assert [one["main"] for one in found] == [True, False] and [one["world"] for one in found] == [2, 2]
    for one in found:
        assert one["told"] == [{"rank": 0, "own": [0, 2, 4, 6]}, {"rank": 1, "own": [1, 3, 5]}]
    assert [one["again"] for one in found] == [[0, 10, 20, 30, 40, 50, 60]] * 2, "in the order of the work"
    assert [one["half"] for one in found] == [[1, 5], [3]], "every second of 1, 3, 5"


def test_whoever_waits_for_a_process_that_ended_is_told_in_one_line() -> None:
    done = launched(END)
    lines = [line for line in done.stderr.splitlines() if line.startswith("process 1 of 2")]
    assert len(lines) == 1 and "process 2 has ended" in lines[0] and "same command again" in lines[0]


def said(done: subprocess.CompletedProcess[str]) -> list[str]:
    assert done.returncode != 0
    return sorted(line for line in done.stderr.splitlines() if line.startswith("said:"))


def test_a_mistake_that_all_make_is_said_once() -> None:
    assert said(launched(MISTAKE, "all")) == ["said: process 1 of 2: store: nothing there"]


def test_a_mistake_of_one_is_said_by_it_and_the_other_names_it() -> None:
    first, second = said(launched(MISTAKE, "one"))
    assert first.startswith("said: process 1 of 2: process 2 has ended")
    assert second == "said: process 2 of 2: store: nothing there"


def test_alone_it_is_all(alone) -> None:
    with Processes.current("cpu") as processes:
        assert processes == Processes(0, 1, torch.device("cpu")) and processes.main
        assert processes.share("abc") == ["a", "b", "c"] and processes.gather_objects([1]) == [[1]]
        assert processes.rejoin("xyz") == ["x", "y", "z"]
        processes.barrier()


@pytest.mark.parametrize("count", [1, 2, 3, 5, 9])
@pytest.mark.parametrize("world", [1, 2, 4])
def test_every_piece_is_done_once(count: int, world: int) -> None:
    work = list(range(7))
    shares = [Processes(rank, world).share(work, Shard(i, count)) for i in range(count) for rank in range(world)]
    assert sorted(piece for share in shares for piece in share) == work
    assert all(share == sorted(share) for share in shares)
    assert max(map(len, shares)) <= -(-7 // count // world) + 1


def test_shards_are_counted_from_1() -> None:
    assert Shard.parse("2/5") == Shard(1, 5) and str(Shard(1, 5)) == "2/5" and Shard.parse("1/1") == Shard()


@pytest.mark.parametrize("text", ["0/5", "6/5", "2", "2/", "/5", "-1/5", "1/0", "a/b", "2/5/7", "1.0/2", ""])
def test_other_shards_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="shard: expected i/n with i from 1 to n, such as 2/5, got"):
        Shard.parse(text)


def test_half_of_the_launchers_variables_are_refused(alone) -> None:
    alone.setenv("WORLD_SIZE", "2")
    with pytest.raises(InputError, match="RANK and WORLD_SIZE: expected both or none"):
        Processes.current()
    alone.setenv("RANK", "first")
    with pytest.raises(InputError, match="RANK: expected a whole number"):
        Processes.current()


def test_each_process_has_a_gpu_of_its_own(alone) -> None:
    for name, value in {"RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2"}.items():
        alone.setenv(name, value)
    alone.setattr(torch.cuda, "device_count", lambda: 2)
    alone.setattr(torch.cuda, "set_device", lambda device: None)
    met = []
    alone.setattr(torch.distributed, "init_process_group", lambda backend, timeout: met.append(backend))
    assert Processes.current("cuda") == Processes(3, 4, torch.device("cuda", 1)) and met == ["nccl"]
    with pytest.raises(InputError, match="--device cuda:0: one GPU for 2 processes"):
        Processes.current("cuda:0")
    alone.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(InputError, match="2 processes and 1 GPUs on this machine"):
        Processes.current("cuda")
