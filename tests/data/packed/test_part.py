"""Parts come back number for number, whatever their coding."""

import zlib

import numpy as np
import pytest

from atfm.data.packed import part as part_module
from atfm.data.packed.part import decode, encode, from_jp2, mosaic, tiling, to_jp2, to_zlib
from atfm.errors import InputError, StoreError


@pytest.mark.parametrize("n", [1, 2, 3, 4, 7, 47, 48])
@pytest.mark.parametrize("size", [(1, 1), (2, 9), (16, 16)])
def test_jp2_is_exact(n, size) -> None:
    planes = np.random.default_rng(n).integers(0, 256, (n, *size), np.uint8)
    part, _ = encode("x", planes)
    part = part.model_copy(update={"coding": "jp2"})
    np.testing.assert_array_equal(from_jp2(to_jp2(planes), part), planes)
    depth, rows, columns = tiling(n)
    assert mosaic(planes).shape[:2] == (rows * size[0], columns * size[1]) and depth * rows * columns >= n


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_the_smallest_coding_is_taken(dtype) -> None:
    smooth = np.add.outer(np.zeros(6), np.add.outer(np.arange(40), np.arange(40) * 2)).astype(dtype)
    noise = np.random.default_rng(0).integers(0, 9, smooth.shape).astype(dtype)
    part, data = encode("x", smooth + noise)
    np.testing.assert_array_equal(decode(part, data), smooth + noise)
    assert part.coding == ("jp2" if dtype == np.uint8 else "zlib") and part.name == f"x.{part.coding}"
    part, data = encode("x", np.zeros_like(smooth))
    assert part.coding == "zlib" and len(data) < 80


def test_bytes_of_equal_weight_lie_together() -> None:
    array = np.array([[1.0, -2.5, 3.25]], "<f4")
    raw = np.frombuffer(zlib.decompress(to_zlib(array)), np.uint8).reshape(4, 3)
    np.testing.assert_array_equal(np.frombuffer(raw.T.tobytes(), "<f4"), array[0])


def test_a_bomb_is_not_inflated() -> None:
    part, _ = encode("x", np.zeros(10, np.uint8))
    for wrong in (zlib.compress(bytes(2**24), 9), zlib.compress(bytes(9), 9), zlib.compress(bytes(10), 9)[:-1]):
        with pytest.raises(StoreError, match=r"x\.zlib: damaged: it does not hold 10 bytes"):
            decode(part, wrong)
    with pytest.raises(StoreError, match=r"x\.zlib: damaged: its SHA-256"):
        decode(part, zlib.compress(bytes(9) + b"1", 9))
    with pytest.raises(StoreError, match="cannot be"):
        decode(part.model_copy(update={"shape": (2**40,)}), b"")


def test_a_pillow_without_jpeg_2000_is_named(monkeypatch) -> None:
    monkeypatch.setattr(part_module.features, "check", lambda name: False)
    with pytest.raises(InputError, match="this Pillow has no JPEG 2000"):
        encode("x", np.zeros((3, 4, 4), np.uint8))
