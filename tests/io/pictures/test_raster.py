"""A picture's first bytes tell its format, and a very large one stays on the disk while it is read."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from atfm.errors import InputError, UnsupportedError
from atfm.io.pictures import raster
from atfm.io.pictures.raster import Raster, kind_of, read_raster

GREY = np.arange(54, dtype=np.uint8).reshape(6, 9)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.gif", "a.bmp", "a.pgm", "a.tif"])
def test_a_large_file_is_read_from_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    path = tmp_path / name
    tifffile.imwrite(path, np.stack([GREY, GREY])) if name == "a.tif" else Image.fromarray(GREY).save(path)
    held = read_raster(path)
    monkeypatch.setattr(raster, "LARGEST_HELD", 0)
    found = read_raster(path)
    np.testing.assert_array_equal(found.shown, held.shown)
    assert found.shown.shape == ((1, 2, 6, 9) if name == "a.tif" else (1, 6, 9))
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(InputError, match=r"damaged|truncated"):
        read_raster(path)


@pytest.mark.parametrize(
    ("head", "kind"), [(b"II*\0", "TIFF"), (b"MM\0+", "TIFF"), (b"\x89PNG", "PNG"), (b"P5 9", "PPM"), (b"BM6", "BMP")]
)
def test_kinds(head: bytes, kind: str) -> None:
    assert kind_of(head, "a") == kind


def test_what_is_none_of_them() -> None:
    with pytest.raises(UnsupportedError, match="a JPEG XL file is not supported as a picture"):
        kind_of(b"\xff\x0a", "a")
    with pytest.raises(InputError, match="none of PNG, JPEG, TIFF, GIF, BMP"):
        kind_of(b"hello", "a")


def test_grey_is_grey_in_colours_too() -> None:
    grey = Raster(np.stack([GREY] * 3), None).grey
    assert grey is not None and (grey == GREY).all()
    assert Raster(np.stack([GREY, GREY, GREY + np.uint8(1)]), None).grey is None
