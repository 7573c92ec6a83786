"""Masks as bits and values as one short text: how drawings travel in an evaluation's files and within its page."""

import base64
import json
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

__all__ = ["deflated", "inflated", "packed", "unpacked"]


def packed(masks: np.ndarray) -> dict[str, Any]:
    """`[n, C, D, H, W]` bool -> `shape` and `bits`: base64 of `numpy.packbits`, each mask on bytes of its own."""
    bits = np.packbits(masks.reshape(len(masks), -1), axis=1)
    return {"shape": list(masks.shape), "bits": base64.b64encode(bits.tobytes()).decode("ascii")}


def unpacked(value: Mapping[str, Any]) -> np.ndarray:
    """The masks `[n, C, D, H, W]` bool that `packed` took."""
    shape = tuple(value["shape"])
    bits = np.frombuffer(base64.b64decode(value["bits"]), np.uint8).reshape(shape[0], -1)
    return np.unpackbits(bits, axis=1, count=int(np.prod(shape[1:]))).view(bool).reshape(shape)


def deflated(value: Any) -> str:
    """JSON, compressed (zlib), as base64: there is no sign in it that HTML or JSON would take for its own."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return base64.b64encode(zlib.compress(text.encode(), 9)).decode("ascii")


def inflated(text: str) -> Any:
    """The value that `deflated` took."""
    return json.loads(zlib.decompress(base64.b64decode(text)))
