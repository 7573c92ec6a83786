"""What masks hold, as a digest: by it two cases of one name are told apart."""

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np

from atfm.metrics.masks import Array, as_array

__all__ = ["content_of"]


def content_of(parts: Mapping[str, Sequence[Array | None]]) -> dict[str, str]:
    """Return the digest of each part, by its name: 32 hexadecimal digits of BLAKE2b.

    Masks of the same shape and numbers have the same digest, whatever their type: bool, bytes, floats, on any device.

    Args:
        parts: arrays or tensors by name; what is None says so.
    """
    return {name: _digest(arrays) for name, arrays in parts.items()}


def _digest(arrays: Sequence[Array | None]) -> str:
    total = hashlib.blake2b(digest_size=16)
    for array in arrays:
        if array is None:
            total.update(b"none;")
            continue
        values = as_array(array)
        binary = values.dtype.kind in "biuf" and bool(((values == 0) | (values == 1)).all())
        total.update(f"{list(values.shape)};".encode())
        plain = np.packbits(values.astype(bool)) if binary else values.astype(np.float64)
        total.update(plain.tobytes())
    return total.hexdigest()
