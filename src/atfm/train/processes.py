"""Several processes that share one piece of work: which of them this is, its device, and its share of a list.

Two things split work, and either may split what the other has left: torch's launcher (`torchrun --nproc-per-node N -m
atfm ...`), whose processes run together and can wait for each other, and `--shard i/n` of a batch scheduler, whose jobs
know nothing of one another.
"""

import os
import re
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from types import FrameType, TracebackType
from typing import Any, Self, TypeVar, cast

import torch
from torch import Tensor, distributed

from atfm.errors import AtfmError, InputError, ProcessError
from atfm.metrics.processes import from_all

__all__ = ["Processes", "Shard"]

Piece = TypeVar("Piece")


@dataclass(frozen=True)
class Shard:
    """One of `count` equal shares of some work: every `count`-th piece, the first being number `index`.

    Args:
        index: from 0 to `count - 1`.
        count: how many shares there are.
    """

    index: int = 0
    count: int = 1

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the share that `i/n` names, from `1/n` to `n/n`.

        Raises:
            InputError: anything else.
        """
        match = re.fullmatch(r"(\d{1,9})/(\d{1,9})", text.strip())
        if match is None or not 1 <= int(match[1]) <= int(match[2]):
            raise InputError(f"shard: expected i/n with i from 1 to n, such as 2/5, got {text!r}")
        return cls(int(match[1]) - 1, int(match[2]))

    def __str__(self) -> str:
        return f"{self.index + 1}/{self.count}"

    def of(self, work: Sequence[Piece]) -> list[Piece]:
        """Return this share's pieces, in their order; there may be none."""
        return list(work[self.index :: self.count])


@dataclass(frozen=True)
class Processes:
    """The processes of one run, seen from this one. Leave them as a context manager does.

    Args:
        rank: number of this process, from 0.
        world: how many there are.
        device: where this one computes; each process has a GPU of its own.
    """

    rank: int = 0
    world: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    @classmethod
    def current(cls, device: torch.device | str = "cpu", *, patience: timedelta = timedelta(minutes=30)) -> Self:
        """Return the processes that torch's launcher has started this one with, or this one alone.

        Whether it was launched is told by the variables RANK and WORLD_SIZE. Several processes meet here (gloo on CPUs,
        NCCL on GPUs), so that all of them have to call it.

        Args:
            device: the user's choice; "cuda" without a number becomes the GPU of the process's number on its machine.
            patience: how long one waits for another before it is taken for dead.

        Raises:
            InputError: fewer GPUs than processes on a machine, one GPU named for several, or half of the variables.
            ProcessError: the others do not come.
        """
        rank, world = _number("RANK", 0), _number("WORLD_SIZE", 1)
        if ("RANK" in os.environ) != ("WORLD_SIZE" in os.environ):
            raise InputError("RANK and WORLD_SIZE: expected both or none; start several processes with torchrun")
        if world == 1:
            return cls(device=torch.device(device))
        own = _own_device(torch.device(device))
        if own.type == "cuda":
            torch.cuda.set_device(own)
        if not distributed.is_initialized():
            with _together(cls(rank, world, own)):
                distributed.init_process_group("nccl" if own.type == "cuda" else "gloo", timeout=patience)
        return cls(rank, world, own)

    def __enter__(self) -> Self:
        if self.world > 1 and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self._stopped)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.world == 1:
            return
        if threading.current_thread() is threading.main_thread():
            # Whoever ends with an error has a line to say first, and is not to be cut short by what others do of it.
            signal.signal(signal.SIGTERM, signal.SIG_DFL if error is None else signal.SIG_IGN)
        if error is None:
            distributed.destroy_process_group()  # else by its end alone, so that the others hear of it after the line
        elif not isinstance(error, AtfmError) or isinstance(error, ProcessError):
            error.add_note(f"in {self}")
        elif self._said_by_main(str(error)):
            raise SystemExit(2) from None  # the status of a user's mistake, as the command line has it
        else:
            raise type(error)(f"{self}: {error}") from error

    def __str__(self) -> str:
        return f"process {self.rank + 1} of {self.world}"

    def _said_by_main(self, message: str) -> bool:
        """Whether the main process ends with the very same message: a mistake of the user's is said once."""
        store = distributed.distributed_c10d._get_default_store()
        if self.main:
            store.set("last words", message)
            return False
        with suppress(RuntimeError):  # the main process has nothing to say, or has gone with the store
            store.wait(["last words"], timedelta(seconds=2))
            return bool(store.get("last words").decode() == message)
        return False

    def _stopped(self, number: int, frame: FrameType | None) -> None:
        """What a SIGTERM does: the launcher sends it to all others when a process has died."""
        raise ProcessError(
            f"{self}: told to stop (SIGTERM), as all are when another one has ended; see which one the launcher names, "
            "and run the same command again to go on"
        )

    @property
    def main(self) -> bool:
        """Whether this is the one process that writes what all have made, and prints."""
        return self.rank == 0

    @property
    def beside(self) -> int:
        """How many of them are on this machine, this one counted, as torch's launcher tells."""
        return max(1, _number("LOCAL_WORLD_SIZE", 1)) if self.world > 1 else 1

    def barrier(self) -> None:
        """Wait until all processes are here.

        Raises:
            ProcessError: one of them has ended.
        """
        if self.world > 1:
            with _together(self):
                distributed.barrier()

    def add_up(self, tensor: Tensor) -> None:
        """Put the sum over all processes in the place of a tensor; every process then holds the same bits.

        Raises:
            ProcessError: one of them has ended.
        """
        if self.world > 1:
            with _together(self):
                distributed.all_reduce(tensor)

    def from_main(self, own: Any) -> Any:
        """Return what the main process gave (numbers, text, lists, dictionaries), in every process.

        Raises:
            ProcessError: one of them has ended.
        """
        return self.gather_objects(own if self.main else None)[0]

    def gather_objects(self, own: Any) -> list[Any]:
        """Return what every process gave (numbers, text, lists, dictionaries), by rank, in every process.

        Raises:
            ProcessError: one of them has ended.
        """
        if self.world == 1:
            return [own]
        with _together(self):
            return from_all(own)

    def rejoin(self, own: Sequence[Piece]) -> list[Piece]:
        """Return the results of all pieces in the order of the work, from those of each process's `share`.

        Args:
            own: a result for each piece of this process's share, of numbers, text, lists and dictionaries.

        Raises:
            ProcessError: one of the processes has ended.
        """
        shares = self.gather_objects(list(own))
        whole = [None] * sum(map(len, shares))
        for rank, share in enumerate(shares):
            whole[rank :: self.world] = share
        return cast(list[Piece], whole)

    def share(self, work: Sequence[Piece], shard: Shard | None = None) -> list[Piece]:
        """Return the pieces that this process has to do of all, or of a shard of them, in their order.

        With what the other processes and shards return it is every piece once. It depends on nothing but the arguments,
        so that no process need know what another has done.
        """
        return Shard(self.rank, self.world).of((shard or Shard()).of(work))


def _number(variable: str, otherwise: int) -> int:
    text = os.environ.get(variable, str(otherwise))
    if not text.isdigit():
        raise InputError(f"{variable}: expected a whole number, as torchrun sets it, got {text!r}")
    return int(text)


def _own_device(device: torch.device) -> torch.device:
    """The GPU of this process among those of its machine; of CPUs there is one for all."""
    if device.type != "cuda":
        return device
    local, beside = _number("LOCAL_RANK", 0), _number("LOCAL_WORLD_SIZE", 1)
    if device.index is not None and beside > 1:
        raise InputError(f"--device {device}: one GPU for {beside} processes; give --device cuda, and each has its own")
    if local >= torch.cuda.device_count():
        raise InputError(
            f"--device cuda: {beside} processes and {torch.cuda.device_count()} GPUs on this machine; start no more "
            "processes than there are GPUs, or give --device cpu"
        )
    return device if device.index is not None else torch.device("cuda", local)


@contextmanager
def _together(processes: Processes) -> Iterator[None]:
    """Say in one line that another process has ended, which torch tells by whatever its network said last."""
    try:
        yield
    except RuntimeError as error:
        other = f"process {2 - processes.rank}" if processes.world == 2 else "another one"
        raise ProcessError(
            f"{processes}: {other} has ended or does not answer; see what it said above or what the launcher says of "
            "it, and run the same command again to go on"
        ) from error
