"""Samples in chunks: memory is bounded by one of them, a caller sees how far it is, and can stop."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch

from atfm.data.geometry.masks import masks_back
from atfm.errors import InputError
from atfm.methods.method import Method
from atfm.methods.samples import Samples
from atfm.predict.memory import samples_at_a_time
from atfm.predict.prepared import Prepared, Trained
from atfm.seeding import Noise

__all__ = ["Chunk", "check_counts", "stream"]


class Chunk(NamedTuple):
    """Some of the samples of an image.

    Args:
        first: number of the first of them.
        of: how many are wanted in all.
        masks: `[s, C, *spatial]` bool, on the pixels of the image.
        weights: `[s]` with sum 1; None where all samples are equal.
        empty: probability that nothing is there, where the method knows it exactly; else None.
    """

    first: int
    of: int
    masks: np.ndarray
    weights: np.ndarray | None
    empty: float | None

    @property
    def done(self) -> int:
        """How many samples there are up to here."""
        return self.first + len(self.masks)


def stream(
    model: Trained, prepared: Prepared, n: int, *, seed: int = 0, steps: int | None = None, chunk: int | None = None
) -> Iterator[Chunk]:
    """Draw `n` samples of an image, chunk by chunk; nothing of an earlier chunk is kept.

    The noise belongs to (seed, key of the image, sample). All slices of an image share it: what differs between two
    slices of a sample is what the model sees in them.

    Args:
        model: a loaded model; it is not changed.
        prepared: the image.
        n: number of samples, at least 1.
        seed: of the noise.
        steps: of the solver, in place of the model's own, where it has one.
        chunk: samples at a time; None: as many as fit.

    Raises:
        InputError: `n`, `chunk` or `steps` below 1, a seed that is no whole number, or more memory than there is.
        ConfigError: `steps` for a method without a solver.
    """
    check_counts(n=n, chunk=chunk, steps=steps)
    if not isinstance(seed, int | np.integer) or isinstance(seed, bool):
        raise InputError(f"seed: expected a whole number, got {seed!r}")
    method = model.method if steps is None else model.method.with_steps(steps)
    return _chunks(method, prepared, n, seed, chunk or samples_at_a_time(method, prepared, int(n)))


def check_counts(**counts: object) -> None:
    """Refuse a number below 1, and one that is not whole; None stands for the usual one.

    Raises:
        InputError: as told.
    """
    for name, value in counts.items():
        if value is not None and (not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1):
            raise InputError(f"{name}: expected a whole number, at least 1{' sample' * (name == 'n')}, got {value}")


def _chunks(method: Method, prepared: Prepared, n: int, seed: int, chunk: int) -> Iterator[Chunk]:
    device = next(method.parameters()).device
    image = torch.from_numpy(prepared.image).to(device)
    by_slice = image.dim() > len(method.size) + 1
    planes = list(image.unbind(1)) if by_slice else [image]  # [C_in, *spatial] each
    noise = Noise(seed, [prepared.key])
    for first in range(0, n, chunk):
        # In a call of its own, so that the probabilities of one chunk are gone before those of the next are made.
        count = min(chunk, n - first)
        masks, weights, empty = _drawn(method, prepared, planes, count, noise, first)
        yield Chunk(first, n, masks, weights, empty)


def _drawn(
    method: Method, prepared: Prepared, planes: list[torch.Tensor], count: int, noise: Noise, first: int
) -> tuple[np.ndarray, np.ndarray | None, float | None]:
    """The masks `[s, C, *spatial]` of one chunk, on the pixels of the image, and what is known of them."""
    drawn = [method.sample(plane.unsqueeze(0), count, noise=noise, first=first) for plane in planes]
    masks = [(samples.probabilities if prepared.soft else samples.masks)[0].cpu().numpy() for samples in drawn]
    joined = np.stack(masks, 2) if len(masks) > 1 or prepared.image.ndim > len(method.size) + 1 else masks[0]
    if prepared.grid is not None:
        back = np.empty((len(joined), joined.shape[1], *prepared.place.size), bool)
        for row, mask in zip(back, masks_back(prepared.grid, joined), strict=True):
            row[:] = mask.reshape(row.shape)
        joined = back
    elif prepared.field is not None:
        joined = prepared.field.back(joined)
    return joined.reshape(*joined.shape[:2], *prepared.place.size), _weights(drawn), _empty(drawn)


def _weights(drawn: list[Samples]) -> np.ndarray | None:
    """Weights `[s]` of the samples; a sample of several slices weighs what its slices weigh on average."""
    known = [samples.weights for samples in drawn]
    if any(weights is None for weights in known):
        return None
    return np.mean([weights[0].double().cpu().numpy() for weights in known if weights is not None], axis=0)


def _empty(drawn: list[Samples]) -> float | None:
    """Of a single plane what the method knows; of several nobody knows how they hang together."""
    if len(drawn) > 1 or drawn[0].empty is None:
        return None
    return float(drawn[0].empty[0])
