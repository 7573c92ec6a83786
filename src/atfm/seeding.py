"""Randomness that belongs to (seed, case, sample), so that no result depends on a batch or on how many were drawn."""

import hashlib
from collections.abc import Sequence

import torch
from torch import Tensor

__all__ = ["Noise", "as_noise", "seed_of", "step_generator"]


def seed_of(*parts: object) -> int:
    """Return a 63-bit seed that depends on every one of `parts` and on nothing else (BLAKE2b of their text)."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


def step_generator(seed: int, *parts: object, device: torch.device | str = "cpu") -> torch.Generator:
    """Return a fresh generator for one step of a training: resuming needs no stored state."""
    return torch.Generator(device=device).manual_seed(seed_of(seed, *parts))


class Noise:
    """Standard normal noise of a batch of cases: sample `s` of a case is the same whatever else is drawn.

    Args:
        seed: the user's seed.
        keys: one name for each image of the batch, in general the case ids.
        first: the number of the first sample: from 100 on nothing of 0 to 99 is drawn again.
    """

    def __init__(self, seed: int, keys: Sequence[str], first: int = 0) -> None:
        self.seed, self.first = seed, first
        self.keys = tuple(keys)

    def __len__(self) -> int:
        return len(self.keys)

    def normal(self, name: str, n: int, shape: Sequence[int], device: torch.device | str = "cpu") -> Tensor:
        """Draw `[B, n, *shape]` float32; `name` tells two drawings for the same sample apart.

        It is drawn on the CPU, so that every device gives the same samples.
        """
        drawn = torch.empty(len(self.keys), n, *shape)
        for row, key in zip(drawn, self.keys, strict=True):
            for sample, target in enumerate(row, start=self.first):
                target.normal_(generator=step_generator(self.seed, key, sample, name))
        return drawn.to(device)


def as_noise(generator: "Noise | torch.Generator", count: int) -> Noise:
    """Return `generator` itself, or a `Noise` for `count` unnamed images seeded by one draw from a torch generator.

    Raises:
        ValueError: a `Noise` with another number of keys than there are images.
    """
    if isinstance(generator, torch.Generator):
        seed = int(torch.randint(2**62, (1,), generator=generator, device=generator.device))
        return Noise(seed, [f"image-{number}" for number in range(count)])
    if len(generator) != count:
        raise ValueError(f"generator: expected one key for each of {count} images, got {len(generator)} keys")
    return generator
