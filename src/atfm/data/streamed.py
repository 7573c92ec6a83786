"""`Streamed`: cases read from their store while the training goes on, ahead of it, in processes of their own."""

import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import tee

import torch
from torch.utils.data import DataLoader, Dataset

from atfm.data.batch import Batch
from atfm.data.dataset import CaseDataset
from atfm.data.plan import Plan
from atfm.data.reading import Raw, Reader
from atfm.data.source import Source
from atfm.errors import AtfmError

__all__ = ["Streamed", "default_workers"]

_AHEAD = 2  # batches that each process reads ahead


class Streamed(CaseDataset):
    """Cases that stay in their store; memory does not grow with their number.

    The batch of a step is a function of its number alone, so it does not depend on how many processes read.

    Args:
        source: the cases.
        classes: 1 for binary masks, else the number of labels.
        device: where the batches go.
        crop, ignore_label: as for `Held`.
        workers: processes that read ahead; 0: the training reads for itself.

    Raises:
        InputError: no case, or images that do not fit each other or the crop.
    """

    def __init__(
        self,
        source: Source,
        classes: int,
        device: torch.device | str = "cpu",
        *,
        crop: Sequence[int] | None = None,
        ignore_label: int | None = None,
        workers: int = 0,
    ) -> None:
        super().__init__(Reader(source, classes, crop=crop, ignore_label=ignore_label), device)
        self.workers = workers

    def batches(self, plan: Plan, asked: Iterable[tuple[int, int]]) -> Iterator[Batch]:
        asked, sent = tee(asked)  # the second runs ahead by as many as are read ahead
        loader = DataLoader(
            _Steps(self.reader, plan),
            batch_size=None,  # a step is a batch already
            sampler=sent,
            num_workers=self.workers,
            prefetch_factor=_AHEAD if self.workers else None,
            pin_memory=self.device.type == "cuda",
            generator=torch.Generator(),  # else it would draw from that of the training
        )
        for (step, part), raw in zip(asked, loader, strict=True):
            if isinstance(raw, AtfmError):
                raise raw
            indices, drawn = plan(step, part)
            yield self._finished(raw, indices.tolist(), drawn, tuple(plan.window))


class _Steps(Dataset[Raw | AtfmError]):
    """The raw batch of every step, and part of it, of a plan."""

    def __init__(self, reader: Reader, plan: Plan) -> None:
        self.reader, self.plan = reader, plan

    def __getitem__(self, asked: tuple[int, int]) -> Raw | AtfmError:
        indices, drawn = self.plan(*asked)
        try:
            return self.reader.read(indices.tolist(), drawn, tuple(self.plan.window))
        except AtfmError as error:  # raised where it can be told in one line; torch would add a traceback to it
            return error


def default_workers() -> int:
    """Half of the cores that this process may use, 1 to 8."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(max(cores // 2, 1), 8)
