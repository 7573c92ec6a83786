"""Heads of NIfTI that promise what the file does not hold are refused before anything is reserved."""

import gzip
import struct
import tracemalloc
from pathlib import Path

import nibabel
import numpy as np
import pytest

from atfm.errors import AmbiguousError, InputError, UnsupportedError
from atfm.io.images import read_image, read_mask, read_pixels
from atfm.io.volumes.nifti import nifti_geometry, open_nifti

WHOLE = nibabel.Nifti1Image(np.arange(24, dtype=np.uint8).reshape(4, 3, 2), np.diag([1, 2, 3, 1])).to_bytes()


def edited(at: int, form: str, *values: object) -> bytes:
    content = bytearray(WHOLE)
    content[at : at + struct.calcsize(form)] = struct.pack(form, *values)
    return bytes(content)


@pytest.fixture(params=[".nii", ".nii.gz"])
def nii(request: pytest.FixtureRequest, tmp_path: Path):
    def write(content: bytes) -> Path:
        path = tmp_path / f"a{request.param}"
        path.write_bytes(gzip.compress(content) if request.param == ".nii.gz" else content)
        return path

    return write


def test_a_whole_file_opens(nii) -> None:
    np.testing.assert_array_equal(np.asarray(open_nifti(nii(WHOLE)).dataobj).ravel(), np.arange(24))


def test_the_other_byte_order_opens(nii) -> None:
    image = nibabel.Nifti1Image(np.ones((4, 3, 2), ">i2"), np.eye(4), nibabel.Nifti1Header(endianness=">"))
    assert open_nifti(nii(image.to_bytes())).shape == (4, 3, 2)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (edited(40, "<8h", 3, 1000, 1000, 1000, 1, 1, 1, 1), "takes 1000000000 bytes, more than the file holds"),
        (edited(40, "<8h", 3, 2000, 2000, 2000, 1, 1, 1, 1), "more than an image may have"),
        (edited(108, "<f", 1e9), "begin at byte 1e\\+09"),
        (edited(108, "<f", float("nan")), "begin at byte nan"),
        (edited(108, "<f", 400.0)[:348] + struct.pack("<4sii", b"\1\0\0\0", 2**30, 4) + bytes(100), "an extension of"),
        (edited(108, "<f", 400.0)[:348] + struct.pack("<4sii", b"\1\0\0\0", -1, 4) + bytes(100), "an extension of -1"),
        (edited(0, "<i", 349), "its head has no size of 348 or 540 bytes"),
        (edited(0, "<i", 0), "its head has no size of 348 or 540 bytes"),
        (
            edited(0, ">i", 348),
            "its head has no size of 348 or 540 bytes",
        ),  # one byte order in the head, another behind it
        (WHOLE[:200], "cannot be read as NIfTI"),
        (b"", "cannot be read as NIfTI"),
    ],
)
def test_lies_are_refused_without_much_memory(nii, content: bytes, message: str) -> None:
    path = nii(content)
    tracemalloc.start()
    with pytest.raises(InputError, match=message):
        open_nifti(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6


def test_a_matrix_of_no_numbers_is_refused(nii) -> None:
    with pytest.raises(InputError, match="its affine holds NaN"):
        read_image(nii(edited(280, "<4f", *[float("nan")] * 4)))


def test_a_small_archive_of_many_zeros_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "a.nii.gz"
    path.write_bytes(gzip.compress(edited(108, "<f", 1e9) + bytes(2**26)))
    with pytest.raises(InputError, match="begin at byte"):
        open_nifti(path)


@pytest.mark.parametrize("mm", [0.0, float("nan"), float("inf")])
def test_a_spacing_that_says_nothing_is_unknown(nii, mm: float) -> None:
    content = bytearray(edited(76, "<4f", 1, mm, mm, mm))
    content[252:256] = struct.pack("<hh", 0, 1)
    assert read_image(nii(bytes(content))).spacing == (3.0, 2.0, 1.0)  # the matrix knows it
    content[252:256] = struct.pack("<hh", 0, 0)  # nobody said where it lies
    picture = read_image(nii(bytes(content)))
    assert picture.spacing == (1.0, 1.0, 1.0) and picture.geometry is None and not picture.meta["spacing known"]


@pytest.mark.parametrize("voxels", [np.ones((4, 3, 2, 5), np.uint8), np.ones((4, 3, 2), np.complex64)])
def test_several_volumes_and_other_numbers_are_no_image(nii, voxels: np.ndarray) -> None:
    with pytest.raises(UnsupportedError, match="expected one grey"):
        read_image(nii(nibabel.Nifti1Image(voxels, np.eye(4)).to_bytes()))


AFFINE = np.array([[-0.6, 1.6, 0, 4], [0.8, 1.2, 0, -5], [0, 0, 2.5, 6], [0, 0, 0, 1]])
VOLUME = np.arange(24, dtype=np.int16).reshape(4, 3, 2)  # [X, Y, Z]


def image(
    *,
    kind: type = nibabel.Nifti1Image,
    unit: str = "mm",
    sform: np.ndarray | None = AFFINE,
    qform: np.ndarray | None = None,
) -> nibabel.Nifti1Image:
    made = kind(VOLUME, None)
    made.header.set_xyzt_units(unit)
    made.set_sform(sform, 0 if sform is None else 1)
    made.set_qform(qform, 0 if qform is None else 1)
    return made


@pytest.mark.parametrize("endian", ["<", ">"])
def test_version_2_is_read(nii, endian: str) -> None:
    made = nibabel.Nifti2Image(VOLUME, AFFINE, nibabel.Nifti2Header(endianness=endian))
    path = nii(made.to_bytes())
    picture, other = read_pixels(path), nibabel.load(path)
    np.testing.assert_array_equal(picture.pixels[0], np.asanyarray(other.dataobj).T)
    np.testing.assert_allclose(picture.geometry.affine, other.affine)
    np.testing.assert_allclose(nifti_geometry(path).affine, other.affine)


def test_an_extension_of_version_2_is_read(nii) -> None:
    made = image(kind=nibabel.Nifti2Image)
    made.header.extensions.append(nibabel.nifti1.Nifti1Extension("comment", b"twelve bytes"))
    content = made.to_bytes()
    np.testing.assert_array_equal(read_pixels(nii(content)).pixels[0], VOLUME.T)
    with pytest.raises(InputError, match="an extension of 9999 bytes"):
        read_pixels(nii(content[:544] + struct.pack("<i", 9999) + content[548:]))


@pytest.mark.parametrize(("unit", "factor"), [("mm", 1.0), ("meter", 1000.0), ("micron", 0.001), ("unknown", 1.0)])
def test_a_unit_of_length_counts(nii, unit: str, factor: float) -> None:
    picture = read_pixels(nii(image(unit=unit).to_bytes()))
    np.testing.assert_allclose(picture.spacing, np.array([2.5, 2.0, 1.0]) * factor)
    np.testing.assert_allclose(picture.geometry.affine[:3], AFFINE[:3] * factor)
    assert not picture.warnings


def test_an_unlikely_length_without_a_unit_is_said(nii) -> None:
    picture = read_pixels(nii(image(unit="unknown", sform=np.diag([1e-3] * 3 + [1]) @ AFFINE).to_bytes()))
    assert "taken for millimetres" in picture.warnings[0]


def test_the_sform_counts_before_the_qform(nii) -> None:
    assert not read_pixels(nii(image(qform=AFFINE).to_bytes())).warnings
    moved = AFFINE.copy()
    moved[0, 3] += 7
    picture = read_pixels(nii(image(qform=moved).to_bytes()))
    np.testing.assert_allclose(picture.geometry.affine, AFFINE)
    assert picture.warnings == ("its two matrices lie up to 7 mm apart; the sform was taken, not the qform",)
    alone = read_pixels(nii(image(sform=None, qform=moved).to_bytes()))
    np.testing.assert_allclose(alone.geometry.affine, moved, atol=1e-5)
    assert read_pixels(nii(image(sform=None).to_bytes())).geometry is None


def test_two_matrices_that_take_left_for_right_are_refused(nii) -> None:
    with pytest.raises(AmbiguousError, match=r"its two matrices disagree: the sform says .*, the qform says "):
        read_pixels(nii(image(sform=np.diag([-1.0, 1, 1, 1]), qform=np.eye(4)).to_bytes()))


def test_a_matrix_without_a_volume_says_nothing(nii) -> None:
    picture = read_pixels(nii(image(sform=np.diag([1.0, 1, 0, 1])).to_bytes()))
    assert picture.geometry is None and "spans no volume" in picture.warnings[0]


@pytest.mark.parametrize("slope", [1 / 255, 0.0039215688593685627, 1.0001])
def test_a_mask_with_a_scale_is_read(tmp_path: Path, slope: float) -> None:
    """A scale leaves labels a little beside whole numbers: "expected 0 and 1, got 0, 1" was said of them."""
    mask = np.zeros((4, 3, 2), np.uint8)
    mask[1:3, 1] = round(1 / slope)
    made = nibabel.Nifti1Image(mask, np.eye(4))
    made.header.set_slope_inter(slope, 0)
    path = tmp_path / "a.nii"
    path.write_bytes(made.to_bytes())
    content = bytearray(path.read_bytes())
    content[112:120] = struct.pack("<2f", slope, 0)
    path.write_bytes(bytes(content[:352]) + mask.tobytes("F"))
    assert not np.isin(nibabel.load(path).get_fdata(), (0, 1)).all()
    np.testing.assert_array_equal(read_mask(path), mask.T > 0)


def test_an_image_has_the_scale_of_its_file(tmp_path: Path) -> None:
    path = tmp_path / "a.nii"
    content = bytearray(image().to_bytes())
    content[112:120] = struct.pack("<2f", 2.5, -100)
    path.write_bytes(bytes(content))
    np.testing.assert_array_equal(read_pixels(path).pixels[0], VOLUME.T * 2.5 - 100)
    np.testing.assert_array_equal(read_pixels(path).pixels[0], nibabel.load(path).get_fdata().T)
