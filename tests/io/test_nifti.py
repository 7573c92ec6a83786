"""Heads of NIfTI that promise what the file does not hold are refused before anything is reserved."""

import gzip
import struct
import tracemalloc
from pathlib import Path

import nibabel
import numpy as np
import pytest

from atfm.errors import InputError
from atfm.io.images import read_image
from atfm.io.nifti import open_nifti

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
    with pytest.raises(InputError, match="expected one grey"):
        read_image(nii(nibabel.Nifti1Image(voxels, np.eye(4)).to_bytes()))
