"""The parts of a step add up to the same numbers in one process and in two."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from atfm.errors import TrainingError
from atfm.nn.running import Running
from atfm.train.processes import Processes
from atfm.train.sums import Sums

CODE = """
import sys, torch
from safetensors.torch import save_file
sys.path.insert(0, sys.argv[2])
from test_sums import step
from atfm.train.processes import Processes
with Processes.current() as processes:
    save_file(step(processes), f"{sys.argv[1]}/{processes.rank}.safetensors")
"""


class Network(nn.Module):
    """A normalisation with running statistics, a weight that only the third part reaches, one that none reaches."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.norm, self.head = nn.BatchNorm1d(3), nn.Linear(3, 2)
        self.rare, self.unused = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))

    def losses(self, x: Tensor, part: int) -> dict[str, Tensor]:
        y = self.head(self.norm(x)) * (self.rare if part == 2 else 1.0)
        return {"square": y.square().mean(), "sum": y.mean()}


def parts(count: int = 3) -> list[Tensor]:
    return [torch.randn(5, 3, generator=torch.Generator().manual_seed(part)) for part in range(count)]


def step(processes: Processes) -> dict[str, Tensor]:
    """Everything that a step of three parts adds up to."""
    network = Network()
    sums = Sums(network, 3, processes)
    for part in processes.share(range(3)):
        sums.rewind()
        sums.add(network.losses(parts()[part], part))
    losses = {f"loss.{name}": loss for name, loss in sums.total().items()}
    sums.settle(torch.zeros(()))
    gradients = {f"gradient.{name}": p.grad for name, p in network.named_parameters() if p.grad is not None}
    return losses | gradients | dict(network.named_buffers())


def test_two_processes_add_up_to_one(tmp_path: Path) -> None:
    from safetensors.torch import load_file

    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "--no-python"]
    command = [*launcher, sys.executable, "-c", CODE, str(tmp_path), str(Path(__file__).parent)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    first, second = (load_file(tmp_path / f"{rank}.safetensors") for rank in range(2))
    one = step(Processes())
    assert first.keys() == second.keys() == one.keys()
    assert "gradient.rare" in one and "gradient.unused" not in one, "what no part reaches has no gradient, not 0"
    for name, value in one.items():
        assert torch.equal(first[name], second[name])
        torch.testing.assert_close(first[name], value)


def test_the_gradient_is_that_of_the_mean_over_the_parts() -> None:
    network, sums = Network(), step(Processes())
    losses = [network.losses(x, part) for part, x in enumerate(parts())]
    mean = sum(loss for one in losses for loss in one.values()) / 3
    reached = [name for name, _ in network.named_parameters() if name != "unused"]
    gradients = torch.autograd.grad(mean, [dict(network.named_parameters())[name] for name in reached])
    for name, gradient in zip(reached, gradients, strict=True):
        torch.testing.assert_close(sums[f"gradient.{name}"], gradient)
    torch.testing.assert_close(sums["loss.square"], torch.stack([one["square"] for one in losses]).mean())


def test_running_statistics_move_once_by_the_mean_over_the_parts() -> None:
    x = torch.stack(parts())
    moved = step(Processes())
    torch.testing.assert_close(moved["norm.running_mean"], 0.1 * x.mean((0, 1)))
    torch.testing.assert_close(moved["norm.running_var"], 0.9 + 0.1 * x.var(1).mean(0))
    assert moved["norm.num_batches_tracked"] == 1


def test_a_step_that_is_left_out_moves_no_statistics() -> None:
    network = Network()
    sums = Sums(network, 1, Processes())
    before = {name: buffer.clone() for name, buffer in network.named_buffers()}
    sums.rewind()
    sums.add(network.losses(torch.full((5, 3), float("nan")), 0))
    sums.total()
    sums.settle(torch.ones(()))
    assert all(torch.equal(buffer, before[name]) for name, buffer in network.named_buffers())


class Twice(Processes):
    """Two processes that do the same."""

    def add_up(self, tensor: Tensor) -> None:
        tensor *= 2

    def gather_objects(self, own: object) -> list[object]:
        return [own, own]


def test_losses_that_change_from_step_to_step_cannot_be_shared() -> None:
    network = Network()
    sums = Sums(network, 2, Twice(0, 2))
    sums.rewind()
    sums.add(network.losses(parts()[0], 0))
    sums.total()
    sums.begin()
    sums.rewind()
    sums.add(network.losses(parts()[0], 2))  # reaches one parameter more
    with pytest.raises(TrainingError, match="expected those of the first step"):
        sums.total()


def test_other_losses_in_another_part_are_refused() -> None:
    network = Network()
    sums = Sums(network, 2, Processes())
    sums.add({"square": network.losses(parts()[0], 0)["square"]})
    with pytest.raises(TrainingError, match="losses: expected square in every part, got square, sum"):
        sums.add(network.losses(parts()[1], 1))


@pytest.mark.parametrize("order", [(0, 1, 2, 3, 4), (3, 0, 4, 1, 2), (4, 3, 2, 1, 0)])
def test_the_order_of_the_parts_moves_no_bit_of_a_gradient(order: tuple[int, ...]) -> None:
    """Also of that of a bias before a normalisation, which is nothing but rounding errors."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 1))
    xs = parts(5)
    found = []
    for chosen in (range(5), order):
        sums = Sums(network, 5, Processes())
        for part in chosen:
            sums.rewind()
            sums.add({"loss": network(xs[part]).square().mean()})
        sums.total()
        found.append([parameter.grad for parameter in network.parameters() if parameter.grad is not None])
        sums.settle(torch.ones(()))
    assert float(found[0][1].abs().max()) < 1e-6
    assert all(torch.equal(one, other) for one, other in zip(*found, strict=True))


class Follower(Running):
    """Follows what it sees, half way each time."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("seen", torch.zeros(()))
        self.register_buffer("count", torch.zeros((), dtype=torch.long))
        self.weight = nn.Parameter(torch.ones(()))

    def losses(self, x: Tensor) -> dict[str, Tensor]:
        with torch.no_grad():
            self.seen.lerp_(x.mean(), 0.5)
            self.count.add_(1)
        return {"mean": self.weight * x.mean()}


def test_what_runs_along_moves_once_a_step_by_the_mean_over_its_parts() -> None:
    """Three parts are one step, also if a process makes them all."""
    network, xs = Follower(), parts()
    whole = torch.cat(xs).mean()
    for bad, seen, count in ((0.0, whole / 2, 1), (1.0, whole / 2, 1), (0.0, whole * 3 / 4, 2)):
        sums = Sums(network, 3, Processes())
        sums.begin()
        for x in xs:
            sums.rewind()
            sums.add(network.losses(x))
        sums.total()
        sums.settle(torch.tensor(bad))
        torch.testing.assert_close(network.seen, seen)
        assert int(network.count) == count
