"""Tensors and a JSON card in one file, written whole or not at all, and checked down to the bit when they are read.

`<name>.safetensors` holds the card in its own metadata; `<name>.json` beside it is a copy to read, and may be missing.
The card is sealed (`atfm.disk.sealed`) and tells the digest of the tensors. Version 2, and the weights that come with
the package, keep the card in `<name>.json` alone, with the SHA-256 and size of the file of tensors. Nothing here
executes what it reads.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import safetensors
import safetensors.torch
from torch import Tensor

from atfm.disk.atomic import atomic_write
from atfm.disk.machine import reading
from atfm.disk.sealed import is_whole, sealed
from atfm.errors import CheckpointError
from atfm.io.decoding import brief
from atfm.io.tensors import tensors_digest

__all__ = [
    "OWN",
    "SEAL",
    "VERSION",
    "load_pair",
    "mend_copy",
    "named",
    "prefixed",
    "save_pair",
    "seal_beside",
    "write_json",
]

VERSION = 3
SEAL = "seal"  # the field of a card that holds the SHA-256 of all others
SEALED = 3  # the first version whose cards carry a seal
OWN = ("version", "sha256", "bytes", SEAL)  # of the file, not of what it holds

_CARD = "card"
# Torch takes minutes over a tensor of 100,000 axes, and seconds over as many tensors: no network has the like.
_LARGEST_HEAD = 2**27
_MOST_TENSORS = 2**15
_MOST_AXES = 32


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write a JSON object atomically."""
    with atomic_write(path) as temporary:
        temporary.write_bytes(_lines(value))


def _lines(value: Mapping[str, Any]) -> bytes:
    return (json.dumps(value, indent=1, allow_nan=False) + "\n").encode()


def prefixed(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors under names that begin with `prefix`."""
    return {prefix + name: value for name, value in tensors.items()}


def named(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Return the tensors whose names begin with `prefix`, without it."""
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def save_pair(path: Path, tensors: Mapping[str, Tensor], description: Mapping[str, Any]) -> dict[str, Any]:
    """Write `path` (.safetensors) with a card in it, then a copy of the card beside it.

    Args:
        path: the file; it is replaced in one move, card and tensors together.
        tensors: what it holds.
        description: the card; its `OWN` fields are those of this file, whatever is given.

    Returns:
        The card as it was written.

    Raises:
        DiskError: the disk is full or the folder cannot be written.
    """
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    rest = {name: value for name, value in description.items() if name not in OWN}
    card = sealed({"version": VERSION, "sha256": tensors_digest(plain)} | rest, SEAL)
    blob = safetensors.torch.save(plain, {_CARD: json.dumps(card, allow_nan=False)})
    with atomic_write(path) as temporary:
        temporary.write_bytes(blob)
    write_json(path.with_suffix(".json"), card)
    return card


def mend_copy(path: Path, card: Mapping[str, Any]) -> None:
    """Write the copy of a card that lies within a file, if it is missing or of an earlier card.

    Raises:
        DiskError: the folder cannot be written.
    """
    copy = path.with_suffix(".json")
    if SEAL in card and _bytes(copy) != _lines(card):
        write_json(copy, card)


def seal_beside(path: Path, card: Mapping[str, Any]) -> dict[str, Any]:
    """Write the card of a file of tensors that has none in it, sealed, beside it; return what was written.

    Raises:
        DiskError: the disk is full or the folder cannot be written.
    """
    written = sealed({**card, "version": VERSION}, SEAL)
    write_json(path.with_suffix(".json"), written)
    return written


def load_pair(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read tensors and their card back.

    Args:
        path: the `.safetensors` file.

    Raises:
        CheckpointError: a file that is missing, truncated, damaged, edited, of another version, or not the partner of
            the JSON beside it.
        DiskError: the machine refuses to read it.
    """
    blob, copy = _bytes(path), path.with_suffix(".json")
    if blob is None:
        raise CheckpointError(f"{path}: no such file; give a complete weight file")
    text = _card_within(blob)
    if text is None:
        card = _beside(copy, blob, path)
    else:
        card = _card(text, path)
        _check_copy(copy, path)
    try:
        _check_head(blob, path)
        tensors = safetensors.torch.load(blob)
    # Of a head that is no such thing it raises more than its own error: KeyError for a type that torch lacks, say.
    except (safetensors.SafetensorError, LookupError, TypeError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"{path}: is no safetensors file ({brief(error)}); copy or train it again") from error
    if text is not None and tensors_digest(tensors) != card.get("sha256"):
        _refuse(path, "its tensors are not those that its card tells the SHA-256 of: damaged")
    return tensors, card


def _bytes(path: Path) -> bytes | None:
    """What a file holds; None if it is not there."""
    try:
        with reading(path):
            return path.read_bytes()
    except FileNotFoundError:
        return None


def _refuse(path: Path, what: str) -> NoReturn:
    raise CheckpointError(f"{path}: {what}; copy or train it again")


def _head(blob: bytes) -> tuple[dict[str, Any], int]:
    """The head of a safetensors file, and where its tensors begin."""
    size = int.from_bytes(blob[:8], "little")
    if size > _LARGEST_HEAD:
        raise ValueError(f"a head of {size} bytes, more than the {_LARGEST_HEAD} that one may have")
    return dict(json.loads(blob[8 : 8 + size])), 8 + size


def _card_within(blob: bytes) -> Any:
    """The card in the head of a file; None where there is none, or no head."""
    try:
        return _head(blob)[0]["__metadata__"].get(_CARD)
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError):
        return None


def _check_head(blob: bytes, path: Path) -> None:
    """Refuse a head that would keep torch busy for nothing; whatever else is wrong with it the library says."""
    head, begin = _head(blob)
    tensors = {name: tensor for name, tensor in head.items() if name != "__metadata__"}
    if len(tensors) > _MOST_TENSORS:
        raise ValueError(f"{len(tensors)} tensors, more than the {_MOST_TENSORS} that one may have")
    for tensor in tensors.values():
        if len(tensor["shape"]) > _MOST_AXES:
            raise ValueError(f"a tensor of {len(tensor['shape'])} axes")
    end = begin + max((tensor["data_offsets"][1] for tensor in tensors.values()), default=0)
    if len(blob) < end:
        _refuse(path, f"expected {end} bytes, got {len(blob)}: truncated")


def _card(text: Any, path: Path) -> dict[str, Any]:
    """The card within a file."""
    try:
        card = json.loads(text)
    except (TypeError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{path}: its card is not JSON ({brief(error)}); copy or train it again") from error
    _check_version(card, path)
    if card["version"] < SEALED or not is_whole(card, SEAL):
        _refuse(path, "its card is not the one that was written: damaged")
    return dict(card)


def _check_copy(copy: Path, path: Path) -> None:
    """Refuse a copy that was changed: who edited it would believe that it counts.

    One of an earlier card, left by a kill between the two files, is as good as none; so is one of a version before
    seals.
    """
    text = _bytes(copy)
    if text is None:
        return
    try:
        card = json.loads(text)
        version = card["version"]
        whole = is_whole(card, SEAL) if SEAL in card or version not in range(1, SEALED) else True
    except (LookupError, TypeError, ValueError, RecursionError):
        whole = False
    if not whole:
        raise CheckpointError(
            f"{copy}: was edited or is damaged; it is a copy of the card in {path.name}: remove it, and change a card "
            f"by `atfm card {path} --set FIELD=VALUE`"
        )


def _beside(copy: Path, blob: bytes, path: Path) -> dict[str, Any]:
    """The card beside a file that has none within, of which it tells the SHA-256."""
    text = _bytes(copy)
    if text is None:
        raise CheckpointError(f"{copy}: no such file; {path.name} has no card in it and needs that one beside it")
    try:
        card = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{copy}: is not JSON ({brief(error)}); copy or train it again") from error
    _check_version(card, copy)
    if (card["version"] >= SEALED or SEAL in card) and not is_whole(card, SEAL):
        raise CheckpointError(
            f"{copy}: is not the card that was written: it was edited or is damaged; copy or train it again, and "
            f"change a card by `atfm card {path} --set FIELD=VALUE`"
        )
    if "bytes" not in card and card["version"] >= SEALED:
        _refuse(path, "the card that was in it is gone: truncated or damaged")
    if len(blob) != card.get("bytes"):
        _refuse(path, f"expected {brief(card.get('bytes'))} bytes, got {len(blob)}: truncated")
    if hashlib.sha256(blob).hexdigest() != card.get("sha256"):
        _refuse(path, "its SHA-256 is not the one in its JSON: damaged")
    return dict(card)


def _check_version(card: Any, path: Path) -> None:
    version = card.get("version") if isinstance(card, dict) else None
    if type(version) is not int or not 1 <= version <= VERSION:
        raise CheckpointError(f"{path}: expected version {VERSION}, got {brief(version)}; use the atfm that wrote it")
