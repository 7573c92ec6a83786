"""NRRD against pynrrd and SimpleITK: values, places, kinds of packing; and segmentations as 3D Slicer keeps them."""

from pathlib import Path

import nrrd
import numpy as np
import pytest
import SimpleITK

from atfm.errors import InputError, UnsupportedError
from atfm.io.images import read_mask, read_pixels
from atfm.io.volumes.nrrd import load_nrrd, nrrd_geometry

RNG = np.random.default_rng(3)
VOLUME = RNG.integers(-1000, 1000, (2, 3, 4)).astype(np.int16)  # [D, H, W]
TILTED = np.array([[0.6, 0.8, 0.0], [-1.2, 0.9, 0.0], [0.0, 0.0, 2.5]])  # a row for each of x, y, z


def write(path: Path, volume: np.ndarray = VOLUME, **fields: object) -> Path:
    head = {"space": "left-posterior-superior", "space directions": TILTED, "space origin": [4.0, -5.0, 6.0]} | fields
    nrrd.write(str(path), volume.T, {name: value for name, value in head.items() if value is not None})
    return path


@pytest.mark.parametrize("encoding", ["raw", "gzip", "bzip2", "ascii"])
@pytest.mark.parametrize("dtype", ["u1", "<i2", ">i2", "<u2", "i4", "f4", "f8"])
def test_values_are_those_of_pynrrd(tmp_path: Path, encoding: str, dtype: str) -> None:
    volume = np.abs(VOLUME // 8).astype(dtype)
    path = write(tmp_path / "a.nrrd", volume, encoding=encoding)
    read = read_pixels(path).pixels
    np.testing.assert_array_equal(read[0], nrrd.read(str(path))[0].T)
    assert read.dtype == np.dtype(dtype).newbyteorder("=")


@pytest.mark.parametrize("space", ["left-posterior-superior", "RAS", "left-anterior-superior"])
def test_it_lies_where_simpleitk_says(tmp_path: Path, space: str) -> None:
    path = write(tmp_path / "a.nrrd", space=space)
    image, geometry = SimpleITK.ReadImage(str(path)), read_pixels(path).geometry
    for x, y, z in [(0, 0, 0), (3, 0, 0), (0, 2, 0), (0, 0, 1), (3, 2, 1)]:
        lps = np.array(image.TransformIndexToPhysicalPoint((x, y, z)))
        np.testing.assert_allclose(geometry.affine @ [x, y, z, 1], [-lps[0], -lps[1], lps[2], 1], atol=1e-9)
    np.testing.assert_allclose(geometry.spacing, image.GetSpacing()[::-1])
    np.testing.assert_array_equal(nrrd_geometry(path).affine, geometry.affine)


@pytest.mark.parametrize(("unit", "factor"), [("mm", 1.0), ("um", 0.001), ("cm", 10.0), ("m", 1000.0)])
def test_a_unit_of_length_counts(tmp_path: Path, unit: str, factor: float) -> None:
    picture = read_pixels(write(tmp_path / "a.nrrd", **{"space units": [unit] * 3}))
    np.testing.assert_allclose(picture.spacing, np.array([2.5, 1.5, 1.0]) * factor)
    assert not picture.warnings


def test_an_unknown_unit_is_said(tmp_path: Path) -> None:
    assert "inch" in read_pixels(write(tmp_path / "a.nrrd", **{"space units": ["inch"] * 3})).warnings[0]


def test_spacings_alone_do_not_say_where_it_lies(tmp_path: Path) -> None:
    fields = {"space": None, "space directions": None, "space origin": None, "spacings": [1.0, 2.0, 3.0]}
    picture = read_pixels(write(tmp_path / "a.nrrd", **fields))
    assert picture.spacing == (3.0, 2.0, 1.0) and picture.geometry is None
    picture = read_pixels(write(tmp_path / "b.nrrd", **fields | {"spacings": [1.0, 0.0, 3.0]}))
    assert picture.spacing == (1.0, 1.0, 1.0) and not picture.meta["spacing known"]
    assert read_pixels(write(tmp_path / "c.nrrd", space="scanner-xyz")).geometry is None


def test_a_head_with_its_voxels_beside_it(tmp_path: Path) -> None:
    path = write(tmp_path / "a.nhdr")
    assert (tmp_path / "a.raw.gz").exists()
    np.testing.assert_array_equal(read_pixels(path).pixels[0], VOLUME)
    for name in ("../a.raw.gz", "/etc/passwd", "LIST", "a%03d.raw 1 4 1"):
        path.write_text(path.read_text().replace("a.raw.gz", name))
        with pytest.raises(UnsupportedError, match="only a single file in the same folder"):
            read_pixels(path)
        path.write_text(path.read_text().replace(name, "a.raw.gz"))
    (tmp_path / "a.raw.gz").unlink()
    with pytest.raises(InputError, match="is not beside it"):
        read_pixels(path)


def test_colours_are_channels_and_other_lists_are_not(tmp_path: Path) -> None:
    directions = np.vstack([np.full(3, np.nan), TILTED])
    colour = RNG.integers(0, 256, (2, 3, 4, 3)).astype(np.uint8)  # [D, H, W, C]
    kinds = {"space directions": directions, "kinds": ["RGB-color", "domain", "domain", "domain"]}
    picture = read_pixels(write(tmp_path / "a.nrrd", colour, **kinds))
    np.testing.assert_array_equal(picture.pixels, np.moveaxis(colour, -1, 0))
    with pytest.raises(UnsupportedError, match="6 values a voxel"):
        read_pixels(write(tmp_path / "b.nrrd", np.repeat(colour, 2, -1), **kinds))
    with pytest.raises(UnsupportedError, match="4 axes"):
        read_pixels(
            write(tmp_path / "c.nrrd", colour, **{"space": None, "space directions": None, "space origin": None})
        )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b"NRRD", b"NOPE", "does not begin with these letters"),
        (b"sizes: 4 3 2", b"sizes: 4 3 9", "more than the file holds; truncated"),
        (b"sizes: 4 3 2", b"sizes: 4000 3000 2000", "more than an image may have"),
        (b"sizes: 4 3 2", b"sizes: 4 3 0", "at least one voxel"),
        (b"sizes: 4 3 2", b"sizes: 4 3", "3 axes of 2 sizes"),
        (b"endian: little", b"endian: middle", "little or big"),
        (b"type: int16", b"type: block", "'block'; expected whole or floating"),
        (b"encoding: raw", b"encoding: zrl", "'zrl'; expected raw"),
        (b"encoding: raw", b"encoding: raw\nline skip: 2", "line skip"),
    ],
)
def test_lies_are_refused_in_one_line(tmp_path: Path, old: bytes, new: bytes, message: str) -> None:
    path = write(tmp_path / "a.nrrd", encoding="raw")
    content = path.read_bytes()
    assert old in content or new == b"NOPE"
    path.write_bytes(content.replace(old, new))
    with pytest.raises(InputError, match=message) as raised:
        read_pixels(path)
    assert str(path) in str(raised.value) and "\n" not in str(raised.value)


# ---- segmentations ----


def segmentation(path: Path, layers: np.ndarray, **fields: object) -> Path:
    """`layers` `[L, D, H, W]`, or `[D, H, W]` of one."""
    if layers.ndim == 3:
        return write(path, layers, **fields)
    directions = np.vstack([np.full(3, np.nan), TILTED])
    kinds = ["list", "domain", "domain", "domain"]
    return write(path, np.moveaxis(layers, 0, -1), **{"space directions": directions, "kinds": kinds} | fields)


def segment(number: int, **fields: object) -> dict[str, str]:
    return {f"Segment{number}_{name}": str(value) for name, value in fields.items()}


def test_one_layer_has_the_labels_that_it_states(tmp_path: Path) -> None:
    mask = np.zeros((2, 3, 4), np.uint8)
    mask[0, 0], mask[1, 1] = 1, 3
    fields = segment(0, Name="liver", Layer=0, LabelValue=1) | segment(1, Name="tumour", Layer=0, LabelValue=3)
    path = segmentation(tmp_path / "a.seg.nrrd", mask, **fields)
    np.testing.assert_array_equal(read_mask(path, classes=4), mask)
    assert load_nrrd(path, True, None).warnings == ("its segments became the labels 1 liver, 3 tumour",)
    with pytest.raises(UnsupportedError, match="with no image in it"):
        read_pixels(path)


def test_layers_overlap_and_the_last_one_has_what_both_want(tmp_path: Path) -> None:
    layers = np.zeros((2, 2, 3, 4), np.uint8)
    layers[0, 0, :2], layers[1, 0, 1:] = 1, 1
    fields = segment(0, Name="a", Layer=0, LabelValue=1) | segment(1, Name="b", Layer=1, LabelValue=1)
    path = segmentation(tmp_path / "a.seg.nrrd", layers, **fields)
    wanted = np.where(layers[1], 2, layers[0])
    np.testing.assert_array_equal(read_mask(path, classes=3), wanted)
    told = load_nrrd(path, True, None).warnings
    assert told == (
        "its segments became the labels 1 a, 2 b",
        "4 voxels are in more than one segment; the last one has them",
    )


def test_values_of_no_segment_are_counted(tmp_path: Path) -> None:
    mask = np.zeros((2, 3, 4), np.uint8)
    mask[0, 0], mask[1, 1, :2] = 1, 7
    path = segmentation(tmp_path / "a.seg.nrrd", mask, **segment(0, Name="liver", Layer=0, LabelValue=1))
    np.testing.assert_array_equal(read_mask(path), mask == 1)
    assert load_nrrd(path, True, None).warnings == ("2 voxels of no segment were left out, of the values [7]",)


@pytest.mark.parametrize("fields", [{"Layer": 2}, {"LabelValue": 0}, {"Layer": "x"}])
def test_a_segment_that_cannot_be_is_refused(tmp_path: Path, fields: dict[str, object]) -> None:
    path = segmentation(
        tmp_path / "a.seg.nrrd", np.ones((2, 3, 4), np.uint8), **segment(0, Name="a", **{"LabelValue": 1} | fields)
    )
    with pytest.raises(InputError, match=r"a.seg.nrrd: .*damaged"):
        read_mask(path)
