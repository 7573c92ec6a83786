"""Seals: a JSON object that carries the SHA-256 of itself, so that a changed letter is found; digests of tensors.

A seal finds accidents, and edits made by hand; it is no signature. Whoever can run this code can seal anything.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

__all__ = ["SEAL", "canonical", "digest_of", "is_sealed", "sealed", "tensors_digest"]

SEAL = "seal"


def canonical(value: Any) -> bytes:
    """Return JSON that is the same for equal values: keys in order, no spaces, ASCII.

    Raises:
        ValueError: a number that is not finite.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")


def digest_of(value: Any) -> str:
    """Return the SHA-256 of the canonical JSON of a value."""
    return hashlib.sha256(canonical(value)).hexdigest()


def sealed(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return the object with its seal, the digest of everything else in it; one that it had is replaced."""
    rest = {name: entry for name, entry in value.items() if name != SEAL}
    return rest | {SEAL: digest_of(rest)}


def is_sealed(value: Mapping[str, Any]) -> bool:
    """Whether the object carries its own seal: one that is missing, or of something else, is none."""
    try:
        return bool(value.get(SEAL) == sealed(value)[SEAL])
    except (ValueError, RecursionError):  # what JSON cannot hold was never sealed
        return False


def tensors_digest(tensors: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 of tensors: names, types, shapes and values, in the order of their names."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        value = tensors[name].detach().cpu().contiguous()
        digest.update(canonical([name, str(value.dtype), list(value.shape)]))
        digest.update(value.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
