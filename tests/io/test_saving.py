"""Many arrays in one file, written one at a time."""

from pathlib import Path

import nibabel
import numpy as np
import pytest

from atfm.errors import InputError
from atfm.io.saving import write_nifti, write_nifti_stack, write_npy_stack


def test_a_stack_written_one_by_one_is_the_array(tmp_path: Path) -> None:
    volumes = np.random.default_rng(0).integers(0, 9, (5, 2, 3, 4), np.uint8)  # [N, D, H, W]
    affine = np.array([[0.0, -0.6, 0, 5], [0.7, 0, 0, -3], [0, 0, 2.5, 40], [0, 0, 0, 1]])
    for name in ("a.nii.gz", "b.nii.gz"):
        write_nifti_stack(tmp_path / name, iter(volumes), 5, affine)
    write_nifti(tmp_path / "whole.nii.gz", volumes, affine)
    one, whole = (nibabel.load(tmp_path / name) for name in ("a.nii.gz", "whole.nii.gz"))
    np.testing.assert_array_equal(np.asarray(one.dataobj), volumes.T)
    np.testing.assert_allclose(one.affine, whole.affine, atol=1e-6)
    assert one.header == whole.header
    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()
    write_npy_stack(tmp_path / "a.npy", iter(volumes.astype(np.float32)), 5)
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), volumes)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ([np.zeros(3)] * 3, "expected 2 arrays, got 3"),
        ([np.zeros(3)], "expected 2 arrays, got 1"),
        ([np.zeros(3), np.zeros(4)], r"array 1: expected float64 \[3\] as the first, got float64 \[4\]"),
        ([np.zeros(3), np.zeros(3, bool)], "got bool"),
    ],
)
def test_a_stack_of_unlike_arrays_is_not_written(tmp_path: Path, arrays: list[np.ndarray], message: str) -> None:
    with pytest.raises(InputError, match=message):
        write_npy_stack(tmp_path / "a.npy", arrays, 2)
    assert not list(tmp_path.iterdir())
