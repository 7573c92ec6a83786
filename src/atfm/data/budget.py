"""`Budget`: how many bytes of cases a training may hold; more than these are streamed from their store."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from atfm.data.case import Case
from atfm.data.dataset import CaseDataset
from atfm.data.held import Held, held_bytes
from atfm.data.source import InMemory, Source, source_of
from atfm.data.streamed import Streamed, default_workers

__all__ = ["Budget"]

_CPU = 4 * 10**9
_SHARE = 0.25  # of a GPU's memory; the rest is for the networks


@dataclass(frozen=True)
class Budget:
    """What may be held, and who reads the rest.

    Args:
        bytes: the most that cases held on the device may take; None: 4 GB on a CPU, a quarter of a GPU's memory.
        workers: processes that read ahead where cases are streamed; None: half of the cores, at most 8.
    """

    bytes: int | None = None
    workers: int | None = None

    def limit(self, device: torch.device) -> int:
        """The budget on one device."""
        if self.bytes is not None:
            return self.bytes
        if device.type == "cuda":
            return int(_SHARE * torch.cuda.get_device_properties(device).total_memory)
        return _CPU

    def open(
        self,
        cases: Source | Sequence[Case],
        classes: int,
        device: torch.device | str = "cpu",
        *,
        crop: Sequence[int] | None = None,
        ignore_label: int | None = None,
    ) -> CaseDataset:
        """Hold the cases on the device if they fit, else stream them; the batches are the same.

        Args:
            cases: those of a store, or a list of them; such a list is in memory already, and held.
            classes: as for `Held`, as are those that follow.
            device: where the batches go.
            crop: size of the part that a batch shows.
            ignore_label: a label that says nothing.

        Raises:
            InputError: no case, or images that do not fit each other or the crop.
        """
        source, device = source_of(cases), torch.device(device)
        if self.holds(source, classes, device, crop=crop is not None):
            return Held(source, classes, device, crop=crop, ignore_label=ignore_label)
        workers = default_workers() if self.workers is None else self.workers
        return Streamed(source, classes, device, crop=crop, ignore_label=ignore_label, workers=workers)

    def holds(self, cases: Source | Sequence[Case], classes: int, device: torch.device | str, *, crop: bool) -> int:
        """Return how many bytes of these cases `open` will hold on the device; 0 where they are streamed."""
        source, device = source_of(cases), torch.device(device)
        size = held_bytes(source, classes, crop=crop)
        there = isinstance(source, InMemory) and device.type == "cpu"
        return size if there or size <= self.limit(device) else 0

    def told(self, cases: CaseDataset) -> dict[str, Any]:
        """Where cases that were opened with this budget are kept, for the record of a run."""
        reader = cases.reader
        size = held_bytes(reader.source, reader.classes, crop=reader.crop is not None)
        told = {"held": isinstance(cases, Held), "bytes": size, "budget": self.limit(cases.device)}
        return told | ({"workers": cases.workers} if isinstance(cases, Streamed) else {})
