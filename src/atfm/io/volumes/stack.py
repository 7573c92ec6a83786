"""Several volumes in one NIfTI, along its fourth axis: samples of one image, as `write_nifti_stack` keeps them."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from atfm.errors import UnsupportedError
from atfm.io.decoding import decoding
from atfm.io.volumes.geometry import Geometry
from atfm.io.volumes.nifti import open_nifti, place_of
from atfm.io.volumes.voxels import near_whole

__all__ = ["Volumes", "read_volumes"]


class Volumes(NamedTuple):
    """What a file holds.

    Args:
        voxels: `[N, D, H, W]`, the file's own values, whole where a scale has left a little beside whole numbers.
        geometry: where they lie; None where the file does not say.
        warnings: a sentence for whatever was guessed or ignored.
    """

    voxels: np.ndarray
    geometry: Geometry | None
    warnings: tuple[str, ...]


def read_volumes(path: Path) -> Volumes:
    """Read one volume, or several of one size.

    Raises:
        InputError: no NIfTI, damaged, or voxels that the file cannot hold.
        UnsupportedError: colours, complex numbers, or more than four axes.
    """
    volume = open_nifti(path)
    place = place_of(volume, path)
    shape = tuple(volume.shape)
    if volume.get_data_dtype().kind not in "biuf":
        raise UnsupportedError(f"{path}: voxels of {volume.get_data_dtype()}; expected one number a voxel")
    # Some writers put what is counted along the fifth axis and leave the fourth, time, at 1.
    counted = [n for n in shape[3:] if n != 1]
    if len(shape) < 2 or len(counted) > 1:
        raise UnsupportedError(f"{path}: shape {list(shape)}; expected volumes along one further axis")
    with decoding(path, "NIfTI"):
        voxels = np.asanyarray(volume.dataobj)
    stack = voxels.reshape((*(*shape, 1, 1)[:3], counted[0] if counted else 1)).T  # [X, Y, Z, N] -> [N, Z, Y, X]
    return Volumes(near_whole(stack), Geometry.of(place.affine, stack.shape[1:]), place.warnings)
