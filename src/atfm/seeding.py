"""Randomness that belongs to (seed, case, sample), so that no result depends on a batch or on how many were drawn."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from atfm.errors import InputError

__all__ = ["Draw", "Noise", "seed_of", "step_generator"]


def seed_of(*parts: object) -> int:
    """Return a 63-bit seed that depends on every one of `parts` and on nothing else (BLAKE2b of their text)."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


def step_generator(seed: int, *parts: object, device: torch.device | str = "cpu") -> torch.Generator:
    """Return a fresh generator for one step of a training: resuming needs no stored state."""
    return torch.Generator(device=device).manual_seed(seed_of(seed, *parts))


class Draw(NamedTuple):
    """The noise of one name that a sample takes.

    Args:
        kind: "normal", standard; "uniform", in [0, 1); "gumbel", standard; "categorical", whole numbers, all alike.
        shape: of one sample's noise.
        categories: of "categorical", how many there are.
        on_device: drawn where it is used, for methods that take hundreds of draws: other numbers on another kind of
            device. Else they are drawn on the CPU, the same everywhere.
    """

    kind: Literal["normal", "uniform", "gumbel", "categorical"]
    shape: tuple[int, ...] = ()
    categories: int = 0
    on_device: bool = False


class Noise:
    """The noise of a batch of cases: sample `s` of a case is the same whatever else is drawn.

    Args:
        seed: the user's seed.
        keys: one name for each image of the batch, in general the case ids.
    """

    def __init__(self, seed: int, keys: Sequence[str]) -> None:
        self.seed = seed
        self.keys = tuple(keys)

    @classmethod
    def unnamed(cls, seed: int, count: int) -> "Noise":
        """Return the noise of `count` images that have no names, only places."""
        return cls(seed, [f"image-{number}" for number in range(count)])

    def __len__(self) -> int:
        return len(self.keys)

    def draw(
        self, needs: Mapping[str, Draw], n: int, device: torch.device | str = "cpu", *, first: int = 0
    ) -> dict[str, Tensor]:
        """Return the noise of samples `first` to `first + n - 1` of every case, `[B, n, *shape]` for each name."""
        return {name: self._draw(name, draw, n, device, first) for name, draw in needs.items()}

    def normal(
        self, name: str, n: int, shape: Sequence[int], device: torch.device | str = "cpu", *, first: int = 0
    ) -> Tensor:
        """Draw standard normals, `[B, n, *shape]` float32; `name` tells two drawings for the same sample apart."""
        return self._draw(name, Draw("normal", tuple(shape)), n, device, first)

    def uniform(
        self, name: str, n: int, shape: Sequence[int], device: torch.device | str = "cpu", *, first: int = 0
    ) -> Tensor:
        """Draw numbers in [0, 1), `[B, n, *shape]` float32."""
        return self._draw(name, Draw("uniform", tuple(shape)), n, device, first)

    def _draw(self, name: str, draw: Draw, n: int, device: torch.device | str, first: int) -> Tensor:
        if first < 0 or n < 0:
            raise InputError(f"samples: expected a first one from 0 on and a number of them, got {first} and {n}")
        source = torch.device(device if draw.on_device else "cpu")
        whole = draw.kind == "categorical"
        drawn = torch.empty(len(self.keys), n, *draw.shape, device=source, dtype=torch.long if whole else torch.float32)
        generator = torch.Generator(device=source)
        for row, key in zip(drawn, self.keys, strict=True):
            for sample, target in enumerate(row, start=first):
                _fill(target, draw, generator.manual_seed(seed_of(self.seed, key, sample, name)))
        return drawn.to(device)


def _fill(target: Tensor, draw: Draw, generator: torch.Generator) -> None:
    if draw.kind == "normal":
        target.normal_(generator=generator)
    elif draw.kind == "categorical":
        target.random_(0, draw.categories, generator=generator)
    else:
        target.uniform_(generator=generator)
        if draw.kind == "gumbel":  # -log(-log u); u = 0 would be infinite, and 1 - u never is 0
            target.neg_().add_(1).clamp_(max=1 - 2**-24).log_().neg_().log_().neg_()
