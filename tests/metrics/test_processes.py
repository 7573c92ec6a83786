import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import torch.distributed as dist

from atfm.metrics.distribution import DistributionScores
from atfm.metrics.processes import from_all, rank
from atfm.metrics.single import GED

# Seven cases for two processes: the sampler gives the first one twice, so that both have four.
PARTS = [[0, 2, 4, 6], [1, 3, 5, 0]]
OTHER = """
import json, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from test_processes import meet
Path(sys.argv[2], "other.json").write_text(json.dumps(meet(Path(sys.argv[2]), 1)))
"""


def table(numbers: list[int]) -> dict[str, object]:
    """The figures of some cases, drawn and scored here, over all processes."""
    scores, watched, unnamed = DistributionScores(ns=(4,), seed=1), GED(4), GED(4)
    for number in numbers:
        masks = np.random.default_rng(number).random((7, 1, 8, 8)) < 0.4
        names = {"case_id": f"case {number}", "patient_id": f"patient {number // 2}"}
        scores.update(masks[:4], masks[4:], **names)
        watched.update(masks[:4], masks[4:], **names)
        unnamed.update(masks[:4], masks[4:])
    whole = scores.gather()
    return {
        "own": len(scores),
        "all": len(whole),
        "unnamed": len(unnamed.gather()),
        "scores": {name: list(interval.__dict__.values()) for name, interval in scores.compute().items()},
        "gathered twice": whole.compute()["ged"].mean,
        "watched": watched.compute(),
    }


def meet(folder: Path, number: int) -> dict[str, object]:
    """What one of two processes sees: with cases in both, and with cases in the first only."""
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    dist.init_process_group(
        "gloo", init_method=f"file://{folder}/meeting", rank=number, world_size=2, timeout=timedelta(seconds=100)
    )
    try:
        return {
            "ranks": from_all({"rank": rank()}),
            "both": table(PARTS[number]),
            "first": table([] if number else PARTS[0]),
        }
    finally:
        dist.destroy_process_group()


def test_two_processes_give_the_figures_of_one(tmp_path: Path) -> None:
    arguments = [sys.executable, "-c", OTHER, str(Path(__file__).parent), str(tmp_path)]
    other = subprocess.Popen(arguments, env=os.environ | {"OMP_NUM_THREADS": "1"}, stderr=subprocess.PIPE, text=True)
    try:
        results = [meet(tmp_path, 0)]
        _, errors = other.communicate(timeout=100)
    finally:
        other.kill()
    assert other.returncode == 0, errors
    results.append(json.loads((tmp_path / "other.json").read_text()))

    one, first = table(list(range(7))), table(PARTS[0])
    assert [result["both"]["own"] for result in results] == [4, 4]
    assert [result["first"]["own"] for result in results] == [4, 0]
    for result in results:
        assert result["ranks"] == [{"rank": 0}, {"rank": 1}]
        assert result["both"]["all"] == 7 and result["first"]["all"] == 4
        assert result["both"]["unnamed"] == 8  # names that each process made up are never the same
        for name in ("scores", "gathered twice", "watched"):
            assert result["both"][name] == one[name]
            assert result["first"][name] == first[name]


def test_one_process_is_all() -> None:
    assert from_all([1, "two"]) == [[1, "two"]] and rank() == 0


def test_only_plain_things_travel(tmp_path: Path) -> None:
    dist.init_process_group("gloo", init_method=f"file://{tmp_path}/meeting", rank=0, world_size=1)
    try:
        assert from_all({"a": [0.1, None]}) == [{"a": [0.1, None]}]
        with pytest.raises(TypeError):
            from_all({"a": object()})
    finally:
        dist.destroy_process_group()
