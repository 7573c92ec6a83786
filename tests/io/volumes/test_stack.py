import nibabel
import numpy as np
import pytest

from atfm.errors import UnsupportedError
from atfm.io.saving import write_nifti, write_nifti_stack
from atfm.io.volumes.stack import read_volumes

STACK = np.random.default_rng(0).integers(0, 2, (7, 3, 4, 5)).astype(np.uint8)
AFFINE = np.diag([-1.0, -2.0, 3.0, 1.0])


def test_volumes_of_one_file_come_back_in_their_order(tmp_path) -> None:
    write_nifti_stack(tmp_path / "s.nii.gz", iter(STACK), 7, AFFINE)
    found = read_volumes(tmp_path / "s.nii.gz")
    assert (found.voxels == STACK).all() and found.geometry is not None and found.geometry.orientation == "LPS"


def test_one_volume_is_a_stack_of_one_and_the_fifth_axis_counts_too(tmp_path) -> None:
    write_nifti(tmp_path / "one.nii", STACK[0])
    found = read_volumes(tmp_path / "one.nii")
    assert (found.voxels == STACK[:1]).all() and found.geometry is None
    nibabel.save(nibabel.Nifti1Image(STACK.T[:, :, :, None], AFFINE), tmp_path / "five.nii")
    assert (read_volumes(tmp_path / "five.nii").voxels == STACK).all()


def test_two_further_axes_are_refused(tmp_path) -> None:
    nibabel.save(nibabel.Nifti1Image(np.zeros((3, 3, 3, 2, 2), np.uint8), AFFINE), tmp_path / "many.nii")
    with pytest.raises(UnsupportedError, match="one further axis"):
        read_volumes(tmp_path / "many.nii")
