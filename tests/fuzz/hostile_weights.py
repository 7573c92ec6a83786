"""Weights with their card: tensors and JSON that lie, with hashes that are right."""

import json
import shutil
import struct
import tempfile
from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

import torch
from corpus import Files, Kind
from hostile_pickles import PICKLES
from hostile_stores import archive, content, sha256, taken
from hostile_texts import JSONS

from atfm.models import publish
from atfm.train.checkpoint import save_pair
from atfm.train.config import override
from atfm.train.presets import resolve

__all__ = ["pair_kind", "weights_kind"]


@cache
def pair() -> dict[str, bytes]:
    folder = Path(tempfile.mkdtemp())
    tensors = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.ones(2, dtype=torch.bfloat16), "c": torch.tensor(3)}
    save_pair(folder / "w.safetensors", tensors, {"step": 3, "config": {"seed": 0}})
    files = mended_pair(taken(folder))
    shutil.rmtree(folder)
    return files


def pair_kind() -> Kind:
    return Kind(
        {"pair": pair()},
        {name: partial(lied, blob) for name, blob in tensors_hostile().items()} | cards(pair),
        mended_pair,
    )


def mended_pair(files: Files) -> Files:
    """The JSON names the size and hash of the tensors that lie beside it.

    As version 2 has it: a card with a seal would be refused for that, and nothing behind it be tried.
    """
    blob = bare(content(files, "w.safetensors"))
    try:
        card = json.loads(content(files, "w.json"))
        card |= {"sha256": sha256(blob), "bytes": len(blob)}
        card |= {"version": 2} if card.pop("seal", None) else {}
        return {**files, "w.safetensors": blob, "w.json": json.dumps(card).encode()}
    except (ValueError, TypeError, RecursionError, AttributeError):
        return files


def bare(blob: bytes) -> bytes:
    """The tensors without the card in their head, if there is one."""
    size = int.from_bytes(blob[:8], "little")
    try:
        head = json.loads(blob[8 : 8 + size])
        if "card" not in head.pop("__metadata__"):
            return blob
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return blob
    text = json.dumps(head).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + blob[8 + size :]


def lied(blob: bytes) -> Files:
    return mended_pair(pair() | {"w.safetensors": blob})


def safetensors(head: bytes, body: bytes = bytes(24), size: int | None = None) -> bytes:
    return struct.pack("<Q", len(head) if size is None else size) + head + body


def one_tensor(kind: str = "F32", shape: Any = (2, 3), at: Any = (0, 24), name: str = "a") -> bytes:
    return json.dumps({name: {"dtype": kind, "shape": shape, "data_offsets": at}}).encode()


def tensors_hostile() -> dict[str, bytes]:
    head = one_tensor()
    made = {
        "a head of 2^64 - 1": safetensors(head, size=2**64 - 1),
        "a head of 2^63": safetensors(head, size=2**63),
        "a head of 10^8": safetensors(head, size=10**8),
        "a head of nothing": safetensors(b""),
        "a head of spaces": safetensors(b" " * 10**6),
        "a shape of 2^63": safetensors(one_tensor(shape=[2**63, 2])),
        "a shape of 2^40 x 2^40": safetensors(one_tensor(shape=[2**40, 2**40])),
        "a shape below nothing": safetensors(one_tensor(shape=[-2, -3])),
        "a shape of 0 x 2^63": safetensors(one_tensor(shape=[0, 2**63 - 1], at=[0, 0]), b""),
        "a shape of 70 axes": safetensors(one_tensor(shape=[1] * 70 + [6])),
        "a shape of 10^5 axes": safetensors(one_tensor(shape=[1] * 10**5 + [6])),
        "offsets that run back": safetensors(one_tensor(at=[24, 0])),
        "offsets beyond": safetensors(one_tensor(at=[0, 10**12])),
        "offsets of 2^64 - 1": safetensors(one_tensor(at=[2**64 - 25, 2**64 - 1])),
        "offsets that leave a hole": safetensors(one_tensor(at=[8, 32]), bytes(32)),
        "an unknown type": safetensors(one_tensor("X99")),
        "a type of four bits": safetensors(one_tensor("F4", [6, 8])),
        "complex numbers": safetensors(one_tensor("C64", [3])),
        "a name of lines": safetensors(one_tensor(name="a\nb\u2028")),
        "a name of surrogates": safetensors(b'{"\\ud800": {"dtype": "F32", "shape": [6], "data_offsets": [0, 24]}}'),
        "two of a name": safetensors(head[:-1] + b"," + head[1:]),
        "a string for a tensor": safetensors(b'{"a": "b"}'),
        "metadata that is a list": safetensors(b'{"__metadata__": []}'),
        "metadata of lines": safetensors(b'{"__metadata__": {"a": "b\\nc"}}', b""),
        "10^5 tensors of nothing": safetensors(
            json.dumps(
                {f"t{i}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for i in range(10**5)}
            ).encode(),
            b"",
        ),
        "a zip": archive(),
    }
    made |= {f"json, {name}": safetensors(text, b"") for name, text in JSONS.items()}
    return made | {f"a pickle, {name}": blob for name, blob in PICKLES.items()}


def cards(files: Callable[[], Mapping[str, bytes]]) -> dict[str, Callable[[], Files]]:
    """Every JSON as the card of these weights."""
    made: dict[str, Callable[[], Files]] = {}
    for name, text in JSONS.items():
        made[f"card: {name}"] = partial(carded, files, text)
    for name, fields in {
        "bytes that are text": {"bytes": "24"},
        "bytes that are infinite": {"bytes": float("inf")},
        "bytes of 10^6 letters": {"bytes": "b" * 10**6},
        "bytes of lines": {"bytes": "1\n2"},
        "a hash of 10^6 letters": {"sha256": "a" * 10**6},
        "a hash that is a list": {"sha256": [1]},
    }.items():
        made[f"card with {name}"] = partial(annotated, files, fields)
    return made


def carded(files: Callable[[], Mapping[str, bytes]], text: bytes) -> Files:
    return {**files(), "w.json": text}


def annotated(files: Callable[[], Mapping[str, bytes]], fields: Mapping[str, Any]) -> Files:
    return {**files(), "w.json": json.dumps(json.loads(files()["w.json"]) | fields).encode()}


# ---- a whole model ----


@cache
def weights() -> dict[str, bytes]:
    folder = Path(tempfile.mkdtemp())
    small = {"gtr": {"widths": [4, 4], "rank": 2}, "sfm": {"widths": [4, 4], "context_widths": [4, 4]}}
    config = override(resolve("phantom"), {"method": small})
    method = config.build(in_channels=1, channels=1, size=(8, 8))
    card = {"config": config.model_dump(mode="json"), "patients": ["0" * 16], "training": {"stage": "energy"}}
    publish(folder / "w.safetensors", method, card)
    files = mended_pair(taken(folder))
    shutil.rmtree(folder)
    return files


def weights_kind() -> Kind:
    hostile = cards(weights)
    for name, fields in card_hostile().items():
        hostile[f"card with {name}"] = partial(annotated, weights, fields)
    for name, fields in config_hostile().items():
        hostile[f"configuration with {name}"] = partial(configured, fields)
    return Kind({"weights": weights()}, hostile, mended_pair)


def configured(fields: Mapping[str, Any]) -> Files:
    config = json.loads(weights()["w.json"])["config"]
    for path, value in fields.items():
        *parts, field = path.split(".")
        target = config
        for part in parts:
            target = target[part]
        target[field] = value
    return annotated(weights, {"config": config})


def card_hostile() -> dict[str, dict[str, Any]]:
    values = {
        "in_channels": (-1, 0, 2, 10**9, "1", 1.5, None),
        "channels": (-1, 0, 2, 10**9, "1"),
        "size": ([], [8], [-8, -8], [0, 0], [10**9, 10**9], [8, 8, 8], [8] * 50, "88", 8, [8.0, 8.0], ["8", "8"]),
        "version": (0, 1, 3, "2", None),
        "training": ({}, 3, [], {"stage": "gtr"}, {"stage": "os.system"}, {"stage": ["gtr"]}, {"stage": None}),
        "patients": (None, 3, [[1]], [1], "abc", {"a": 1}),
        "config": (None, [], {}, "lidc", 3),
    }
    return {f"{key} {str(value)[:40]}": {key: value} for key, several in values.items() for value in several}


def config_hostile() -> dict[str, dict[str, Any]]:
    values = {
        "method.gtr.widths": ([], [0], [-4, 4], [10**6, 10**6], [10**9], [4] * 40, [2**62], [4, 4.5], [True, 4]),
        "method.gtr.blocks": (10**6, 10**12, 0),
        "method.gtr.rank": (10**9, 10**30, -1),
        "method.gtr.patch": (8, 3, 10**9),
        "method.gtr.monte_carlo": (10**12, 3),
        "method.sfm.widths": ([], [10**6, 10**6], [4] * 40),
        "method.sfm.context_widths": ([], [10**6, 10**6], [4] * 40),
        "method.sfm.blocks": (10**6, 10**12),
        "method.sfm.patch": (8, 3),
        "method.sfm.temperature": (float("inf"), float("nan"), 0),
        "method.sfm.steps": (10**12, 0),
        "method.sfm.solver": ("os.system", "rk5"),
        "window": ([], [0, 0], [-8, -8], [8, 9], [4, 4], [8]),
        "method.name": ("gtr", "os.system", 3, None),
        "stages.gtr.batch": (0, "many"),
        "stages.own": ({}, 3),
        "a\nb": (1,),
        "preset": ("p" * 10**5, "a\nb"),
    }
    return {f"{key} {str(value)[:40]!r}": {key: value} for key, several in values.items() for value in several}
