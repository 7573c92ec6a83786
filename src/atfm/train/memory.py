"""`Memory`: what a training will hold, told before it begins, and refused where it cannot fit."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from atfm.data.batch import Batch
from atfm.data.dataset import CaseDataset
from atfm.data.geometry.fitted import Fitted
from atfm.data.held import Held, held_bytes
from atfm.data.streamed import Streamed
from atfm.errors import ConfigError
from atfm.methods.config import StageConfig
from atfm.methods.method import Method, Stage
from atfm.train.counted import Counted, TooMuch

__all__ = ["Memory", "check_fits", "foreseen", "spoken"]

_AHEAD = 2  # batches that each reader holds, and one that is on its way
_KERNELS = 2**26  # what the kernels keep for themselves, as measured; no tensor of ours
_MOST_IMAGES = 2  # that are looked at to see what one takes; normalisation over a batch wants two


@dataclass(frozen=True)
class Memory:
    """Bytes of one process, by what they are for.

    Args:
        cases: held on the device.
        streamed: of cases that stay in their store.
        reading: of batches that are read ahead, and of the cases that are resampled for them.
        resampling: of one case, while cases are taken into memory; see `Fitted.passing_bytes`.
        weights: parameters and buffers, and their moving average.
        gradients: with the sums over the parts of a step.
        optimiser: its two moments.
        step: what the largest part of a step takes besides, forward and backward: an estimate from two images.
        stage: the stage that this part belongs to; empty where no step is left to make.
        writing: of a checkpoint, as it is put together.
    """

    cases: int
    streamed: int
    reading: int
    weights: int
    gradients: int
    optimiser: int
    step: int
    stage: str
    writing: int
    resampling: int = 0

    @property
    def peak(self) -> int:
        """The most that is held at a time."""
        lasting = self.cases + self.reading + self.weights + self.optimiser
        return max(lasting + max(self.gradients + self.step, self.writing), self.cases + self.resampling)

    @property
    def hints(self) -> str:
        """What to do about it where it is too much."""
        hints = ["give --hold 0, which streams the cases"] if self.cases > self.step else []
        if self.stage:
            hints.append(f"lower stages.{self.stage}.batch, or raise stages.{self.stage}.parts")
        return ", or ".join(hints) or "take smaller networks"

    def as_json(self) -> dict[str, Any]:
        """All of it, with the peak."""
        return {**vars(self), "peak": self.peak}

    def __str__(self) -> str:
        kept = [f"{spoken(self.cases)} of cases held"] if self.cases or not self.streamed else []
        kept += [f"{spoken(self.streamed)} of cases streamed"] if self.streamed else []
        parts = [*kept, f"weights {spoken(self.weights)}", f"optimiser {spoken(self.optimiser)}"]
        if self.stage:
            parts.append(f"a step of stage {self.stage} {spoken(self.gradients + self.step)}")
        return f"about {spoken(self.peak)} of memory at most: {', '.join(parts)}"


def spoken(size: int) -> str:
    """Bytes in words, with three digits at most: `812 kB`, `1.24 GB`."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6)):
        if size >= 0.9995 * scale:
            return f"{size / scale:.3g} {unit}"
    return f"{size / 1e3:.3g} kB"


def foreseen(
    method: Method,
    stages: Mapping[str, StageConfig],
    train: CaseDataset,
    validation: CaseDataset | None,
    *,
    done: int = 0,
    end: int | None = None,
    limit: int | None = None,
) -> Memory:
    """Return what a training will hold.

    A step is measured with at most two images of noise on a copy of the method, for each stage of which steps are left;
    the method itself stays as it is.

    Args:
        method: on its device.
        stages: how its stages are trained.
        train: training cases.
        validation: validation cases, None for none.
        done: steps that were made in all.
        end: steps after which it will stop; None: after all.
        limit: bytes that there are; measuring stops where one step alone would take more, and tells what it took by
            then.
    """
    taken, first, largest = (0, ""), 0, (0, 0)
    for stage in method.stages():
        plan = stages[stage.name]
        last = first + plan.steps
        if plan.steps and last > done and (end is None or first < end):
            taken = max(taken, (_step(method, stage, plan, train, limit), stage.name))
            trained = size_of(stage.trained, parameters=True)
            largest = max(largest, (trained, trained * (1 if plan.parts == 1 else 5)))  # float64 message, and its parts
        first = last
    weights = 2 * size_of(method)
    sets = [cases for cases in (train, validation) if cases is not None]
    return Memory(
        cases=sum(_bytes(cases) for cases in sets if isinstance(cases, Held)),
        streamed=sum(_bytes(cases) for cases in sets if not isinstance(cases, Held)),
        reading=_ahead(train, method, max((plan.batch // plan.parts for plan in stages.values()), default=1)),
        weights=weights,
        gradients=largest[1],
        optimiser=2 * largest[0],
        step=taken[0],
        stage=taken[1],
        writing=weights + 2 * largest[0] if train.device.type == "cpu" and largest[0] else 0,
        resampling=max(_passing(cases) for cases in sets),
    )


def check_fits(memory: Memory, free: int | None) -> None:
    """Refuse a training that there is no room for.

    Raises:
        ConfigError: it holds more at a time than is free.
    """
    if free is not None and memory.peak > free:
        raise ConfigError(f"this training holds {memory}; {spoken(free)} are free; {memory.hints}")


def size_of(module: nn.Module, *, parameters: bool = False) -> int:
    """Bytes of a module's parameters, and of its buffers too unless told otherwise."""
    tensors = [*module.parameters(), *([] if parameters else module.buffers())]
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def _bytes(cases: CaseDataset) -> int:
    return held_bytes(cases.reader.source, cases.reader.classes, crop=cases.reader.crop is not None)


def _ahead(cases: CaseDataset, method: Method, images: int) -> int:
    """Bytes of the batches that are read ahead."""
    if not isinstance(cases, Streamed):
        return 0
    batch = _noise(cases, method, 1)
    size = batch.image.numel() * 4 + batch.present.numel() * batch.image[0, 0].numel()
    return size * images * (_AHEAD * cases.workers + 1) + _passing(cases) * max(1, cases.workers)


def _passing(cases: CaseDataset) -> int:
    """Bytes that one case takes while it is resampled; 0 where none is."""
    source = cases.reader.source
    return source.passing_bytes if isinstance(source, Fitted) else 0


def _noise(cases: CaseDataset, method: Method, images: int) -> Batch:
    """A batch like those of these cases, of noise: image, and masks of which half the pixels are marked."""
    source, window, device = cases.reader.source, method.window, cases.device
    generator = torch.Generator().manual_seed(0)
    annotators = int(source.annotators.max())
    labels = torch.randint(2, (images, annotators, 1, *window), generator=generator).float()
    image = torch.rand((images, cases.channels, *window), generator=generator)
    other = labels if method.channels == 1 else torch.cat([1 - labels, labels], 2)
    rest = max(0, method.channels - other.shape[2])
    masks = torch.cat([other, torch.zeros((images, annotators, rest, *window))], 2)
    return Batch(image.to(device), masks.to(device), torch.ones(images, annotators, dtype=torch.bool, device=device))


def _step(method: Method, stage: Stage, plan: StageConfig, cases: CaseDataset, limit: int | None) -> int:
    """Bytes that a part of a step takes besides weights and gradients."""
    part = plan.batch // plan.parts
    images = min(part, _MOST_IMAGES)
    batch = _noise(cases, method, images)
    own = next(own for own in copy.deepcopy(method).stages() if own.name == stage.name)
    own.trained.requires_grad_(True)
    own.method.eval()
    own.trained.train()
    size = size_of(own.trained, parameters=True)
    devices = [cases.device] if cases.device.type == "cuda" else []
    counted = Counted(None if limit is None else int(limit * images / part) + size)
    with torch.random.fork_rng(devices), torch.enable_grad(), counted:
        torch.manual_seed(0)
        try:
            torch.stack(list(own.loss(batch).values())).sum().backward()
        except TooMuch:
            return counted.peak * part // images
    return max(0, counted.peak - size) * part // images + _KERNELS
