"""MetaImage against SimpleITK: values, places, kinds of packing."""

import re
from pathlib import Path

import numpy as np
import pytest
import SimpleITK

from atfm.errors import AmbiguousError, InputError, UnsupportedError
from atfm.io.images import read_pixels
from atfm.io.volumes.metaimage import metaimage_geometry

RNG = np.random.default_rng(4)
VOLUME = RNG.integers(-1000, 1000, (2, 3, 4)).astype(np.int16)  # [D, H, W]


def write(path: Path, volume: np.ndarray = VOLUME, *, colour: bool = False, packed: bool = False) -> Path:
    image = SimpleITK.GetImageFromArray(volume, isVector=colour)
    if image.GetDimension() == 3:
        image.SetSpacing((0.7, 0.8, 2.5))
        image.SetOrigin((4, -5, 6))
        image.SetDirection((0.6, -0.8, 0, 0.8, 0.6, 0, 0, 0, -1))
    SimpleITK.WriteImage(image, str(path), packed)
    return path


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("suffix", [".mha", ".mhd"])
@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4", "f4", "f8"])
def test_values_are_those_of_simpleitk(tmp_path: Path, suffix: str, dtype: str, packed: bool) -> None:
    volume = np.abs(VOLUME // 8).astype(dtype)
    path = write(tmp_path / f"a{suffix}", volume, packed=packed)
    read = read_pixels(path).pixels
    np.testing.assert_array_equal(read[0], SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path))))
    assert read.dtype == np.dtype(dtype)


def test_it_lies_where_simpleitk_says(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mha")
    image, geometry = SimpleITK.ReadImage(str(path)), read_pixels(path).geometry
    for x, y, z in [(0, 0, 0), (3, 0, 0), (0, 2, 0), (0, 0, 1), (3, 2, 1)]:
        lps = np.array(image.TransformIndexToPhysicalPoint((x, y, z)))
        np.testing.assert_allclose(geometry.affine @ [x, y, z, 1], [-lps[0], -lps[1], lps[2], 1], atol=1e-9)
    np.testing.assert_allclose(geometry.spacing, image.GetSpacing()[::-1])
    np.testing.assert_array_equal(metaimage_geometry(path).affine, geometry.affine)


def test_colours_and_flat_pictures(tmp_path: Path) -> None:
    colour = RNG.integers(0, 256, (2, 3, 4, 3)).astype(np.uint8)
    np.testing.assert_array_equal(
        read_pixels(write(tmp_path / "a.mha", colour, colour=True)).pixels, np.moveaxis(colour, -1, 0)
    )
    flat = read_pixels(write(tmp_path / "b.mha", VOLUME[0]))
    np.testing.assert_array_equal(flat.pixels, VOLUME[:1])
    assert flat.geometry is None  # a plane without a third axis lies nowhere in a patient


def test_text_and_the_other_byte_order(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mha")
    head = path.read_bytes()[: -VOLUME.nbytes]
    path.write_bytes(head.replace(b"ByteOrderMSB = False", b"ByteOrderMSB = True") + VOLUME.astype(">i2").tobytes())
    np.testing.assert_array_equal(read_pixels(path).pixels[0], VOLUME)
    words = " ".join(map(str, VOLUME.ravel())).encode()
    path.write_bytes(head.replace(b"BinaryData = True", b"BinaryData = False") + words)
    np.testing.assert_array_equal(read_pixels(path).pixels[0], VOLUME)


def test_voxels_behind_a_head_of_their_own(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mhd")
    raw = tmp_path / "a.raw"
    raw.write_bytes(bytes(10) + raw.read_bytes())
    for skip in ("-1", "10"):
        text = path.read_text().replace("ElementDataFile", f"HeaderSize = {skip}\nElementDataFile")
        (tmp_path / "b.mhd").write_text(text)
        np.testing.assert_array_equal(read_pixels(tmp_path / "b.mhd").pixels[0], VOLUME)


def test_a_spacing_of_0_is_unknown(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mha")
    path.write_bytes(re.sub(rb"ElementSpacing = .*", b"ElementSpacing = 0.7 0.8 0", path.read_bytes()))
    picture = read_pixels(path)
    assert picture.spacing == (1.0, 1.0, 1.0) and picture.geometry is None and not picture.meta["spacing known"]


@pytest.mark.parametrize(
    ("old", "new", "kind", "message"),
    [
        (b"DimSize = 4 3 2", b"DimSize = 4 3 9", InputError, "more than the file holds; truncated"),
        (b"DimSize = 4 3 2", b"DimSize = 4000 3000 2000", InputError, "more than an image may have"),
        (b"DimSize = 4 3 2", b"DimSize = 4 3 -2", InputError, "at least one voxel"),
        (b"DimSize = 4 3 2", b"DimSize = 4 3 2 1", InputError, "3 axes of 4 sizes"),
        (b"MET_SHORT", b"MET_OTHER", UnsupportedError, "expected whole or floating"),
        (b"= LOCAL", b"= LIST", UnsupportedError, "only a single file in the same folder"),
        (b"= LOCAL", b"= ../../etc/passwd", UnsupportedError, "only a single file in the same folder"),
        (b"= LOCAL", b"= " + b"x" * 999, InputError, r"x{60} \.\.\.', which is not beside it"),
        (b"= LOCAL", b"= a\x1b[2Jb", InputError, r"a\?\[2Jb"),
        (b"= LOCAL", b"= gone.raw", InputError, "is not beside it"),
        (b"Offset = 4", b"Offset = nan", InputError, "Offset: expected 3 numbers"),
        (b"CompressedData = False", b"ElementToIntensityFunctionSlope = 2", AmbiguousError, "its head has a scale"),
        (b"ElementDataFile", b"ElementData", InputError, "cannot be read as MetaImage"),
        (b"ObjectType = Image", b"ObjectType = Tube", UnsupportedError, "Tube of 3 axes"),
    ],
)
def test_lies_are_refused_in_one_line(tmp_path: Path, old: bytes, new: bytes, kind: type, message: str) -> None:
    path = write(tmp_path / "a.mha")
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new, 1))
    with pytest.raises(kind, match=message) as raised:
        read_pixels(path)
    assert str(path) in str(raised.value) and "\n" not in str(raised.value)
