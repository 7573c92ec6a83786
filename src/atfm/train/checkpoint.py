"""Tensors with a JSON description, written so that a killed process leaves the old pair or the new one.

A pair is `<name>.safetensors` and `<name>.json`; the JSON is written last and names the SHA-256 of the tensors, so a
pair that is half old and half new is recognised. Nothing here executes what it reads.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
from torch import Tensor

from atfm.errors import CheckpointError
from atfm.io.atomic import atomic_write
from atfm.io.decoding import brief

__all__ = ["VERSION", "load_pair", "named", "prefixed", "save_pair", "write_json"]

VERSION = 2

# Torch takes minutes over a tensor of 100,000 axes, and seconds over as many tensors: no network has the like.
_LARGEST_HEAD = 2**22
_MOST_AXES = 32


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write a JSON object atomically."""
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(value, indent=1, allow_nan=False) + "\n", "utf-8")


def prefixed(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors under names that begin with `prefix`."""
    return {prefix + name: value for name, value in tensors.items()}


def named(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Return the tensors whose names begin with `prefix`, without it."""
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def save_pair(path: Path, tensors: Mapping[str, Tensor], description: Mapping[str, Any]) -> None:
    """Write `path` (.safetensors) and the JSON beside it.

    Raises:
        DiskError: the disk is full or the folder cannot be written.
    """
    blob = safetensors.torch.save({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()})
    with atomic_write(path) as temporary:
        temporary.write_bytes(blob)
    header = {"version": VERSION, "sha256": hashlib.sha256(blob).hexdigest(), "bytes": len(blob)}
    write_json(path.with_suffix(".json"), header | dict(description))


def load_pair(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read a pair back.

    Args:
        path: the `.safetensors` file; the JSON lies beside it.

    Raises:
        CheckpointError: a file that is missing, truncated, damaged, of another version, or not the other's partner.
    """
    description = _description(path.with_suffix(".json"))
    try:
        blob = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read ({error.strerror}); give a complete weight file") from error
    if len(blob) != description.get("bytes"):
        wanted = brief(description.get("bytes"))
        raise CheckpointError(f"{path}: expected {wanted} bytes, got {len(blob)}: truncated; copy or train it again")
    if hashlib.sha256(blob).hexdigest() != description.get("sha256"):
        raise CheckpointError(f"{path}: its SHA-256 is not the one in its JSON: damaged; copy or train it again")
    try:
        _check_head(blob)
        return safetensors.torch.load(blob), description
    # Of a head that is no such thing it raises more than its own error: KeyError for a type that torch lacks, say.
    except (safetensors.SafetensorError, LookupError, TypeError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"{path}: is no safetensors file ({brief(error)}); copy or train it again") from error


def _check_head(blob: bytes) -> None:
    """Refuse a head that would keep torch busy for nothing; whatever else is wrong with it the library says."""
    size = int.from_bytes(blob[:8], "little")
    if size > _LARGEST_HEAD:
        raise ValueError(f"a head of {size} bytes, more than the {_LARGEST_HEAD} that one may have")
    for name, tensor in dict(json.loads(blob[8 : 8 + size])).items():
        if name != "__metadata__" and len(tensor["shape"]) > _MOST_AXES:
            raise ValueError(f"a tensor of {len(tensor['shape'])} axes")


def _description(path: Path) -> dict[str, Any]:
    try:
        description = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read ({error.strerror}); a weight file needs it beside it") from error
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path}: is not JSON ({brief(error)}); copy or train it again") from error
    version = description.get("version") if isinstance(description, dict) else None
    if version not in range(1, VERSION + 1):
        raise CheckpointError(f"{path}: expected version {VERSION}, got {brief(version)}; use the atfm that wrote it")
    return description
