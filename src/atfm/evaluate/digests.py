"""Digests of what decides the samples of a method: its weights, and its settings."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import is_dataclass

import torch

from atfm.methods.method import Method

__all__ = ["settings_digest", "sha256_of", "weights_digest"]


def settings_digest(method: Method) -> str:
    """Return the SHA-256 of what decides how a method draws beside its weights and its steps."""
    return sha256_of(_settings(method))


def _settings(method: Method) -> Iterator[str]:
    """What decides how a method draws beside its weights: solver, temperature, the part of the image that it sees."""
    for name, module in method.named_modules():
        for field, value in sorted(vars(module).items()):
            # What is drawn at a time bounds memory and changes nothing; tensors and networks are among the weights.
            simple = value is None or isinstance(value, bool | int | float | str | tuple) or is_dataclass(value)
            if simple and not field.startswith("_") and field not in ("training", "chunk", "steps"):
                yield f"{name}.{field} = {value!r}"


def sha256_of(lines: Iterable[str]) -> str:
    """Return the SHA-256 of lines of text."""
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def weights_digest(method: Method) -> str:
    """Return the SHA-256 of a method's weights, their names and shapes."""
    total = hashlib.sha256()
    for name, tensor in sorted(method.state_dict().items()):
        total.update(f"{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
        total.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return total.hexdigest()
