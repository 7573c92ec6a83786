"""Arrays to files, each whole or not at all: PNG, NPY and NIfTI, also many of them in one file, one at a time."""

import gzip
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from atfm.disk.atomic import atomic_write
from atfm.errors import InputError

if TYPE_CHECKING:
    from nibabel.nifti1 import Nifti1Image

__all__ = ["alike", "write_nifti", "write_nifti_stack", "write_npy", "write_npy_stack", "write_png"]


def write_png(path: Path | str, pixels: np.ndarray) -> None:
    """Write `[H, W]` grey or `[H, W, 3 or 4]` colour uint8 as PNG, whole or not at all.

    Raises:
        InputError: another type or shape.
        DiskError: the file cannot be written.
    """
    if pixels.dtype != np.uint8 or not (pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] in (3, 4))):
        raise InputError(f"{path}: expected uint8 [H, W] or [H, W, 3 or 4], got {pixels.dtype} {list(pixels.shape)}")
    with atomic_write(Path(path)) as temporary:
        Image.fromarray(np.ascontiguousarray(pixels)).save(temporary, format="PNG")


def write_npy(path: Path | str, array: np.ndarray) -> None:
    """Write an array as NPY, whole or not at all.

    Raises:
        DiskError: the file cannot be written.
    """
    with atomic_write(Path(path)) as temporary, temporary.open("wb") as stream:
        np.save(stream, array, allow_pickle=False)


def write_npy_stack(path: Path | str, arrays: Iterable[np.ndarray], count: int) -> None:
    """Write `count` arrays of one shape and type as one NPY `[count, ...]`, holding one of them at a time.

    Raises:
        InputError: another number of them, or one of another shape or type.
        DiskError: the file cannot be written.
    """
    with atomic_write(Path(path)) as temporary, temporary.open("wb") as stream:
        for number, array in enumerate(alike(Path(path), arrays, count)):
            if number == 0:
                head = {"descr": array.dtype.str, "fortran_order": False, "shape": (count, *array.shape)}
                np.lib.format.write_array_header_1_0(stream, head)
            stream.write(np.ascontiguousarray(array).tobytes())


def write_nifti_stack(
    path: Path | str,
    volumes: Iterable[np.ndarray],
    count: int,
    affine: np.ndarray | None = None,
    spacing: Sequence[float] | None = None,
) -> None:
    """Write `count` volumes along the fourth axis of one `.nii.gz`, holding one of them at a time.

    The same volumes give the same bytes: no date and no name stands in the file.

    Args:
        path: ends in `.nii.gz`.
        volumes: `[D, H, W]` each.
        count: how many there are.
        affine: as for `write_nifti`.
        spacing: as for `write_nifti`.

    Raises:
        InputError: another number of them, or one of another shape or type.
        DiskError: the file cannot be written.
    """
    with (
        atomic_write(Path(path)) as temporary,
        temporary.open("wb") as raw,
        gzip.GzipFile("", "wb", compresslevel=1, fileobj=raw, mtime=0) as stream,
    ):
        for number, volume in enumerate(alike(Path(path), volumes, count)):
            if number == 0:
                shape = (*volume.shape[::-1], count)  # [X, Y, Z, N]
                head = _placed(np.broadcast_to(np.zeros((), volume.dtype), shape), affine, spacing).header
                head.set_slope_inter(1, 0)
                head.write_to(stream)
                stream.write(bytes(int(head["vox_offset"]) - stream.tell()))
            stream.write(np.ascontiguousarray(volume).tobytes())  # x runs fastest, as NIfTI has it


def alike(path: Path, arrays: Iterable[np.ndarray], count: int) -> Iterator[np.ndarray]:
    """Hand the arrays on, as long as they have one shape and type.

    Args:
        path: where they go, for an error.
        arrays: of any shape.
        count: how many there are to be.

    Raises:
        InputError: one of another shape or type, or in the end another number of them.
    """
    first: np.ndarray | None = None
    done = 0
    for array in arrays:
        first = array if first is None else first
        if array.shape != first.shape or array.dtype != first.dtype:
            raise InputError(
                f"{path}: array {done}: expected {first.dtype} {list(first.shape)} as the first, got {array.dtype} "
                f"{list(array.shape)}"
            )
        done += 1
        yield array
    if done != count:
        raise InputError(f"{path}: expected {count} arrays, got {done}")


def write_nifti(
    path: Path | str, array: np.ndarray, affine: np.ndarray | None = None, spacing: Sequence[float] | None = None
) -> None:
    """Write an array as NIfTI, whole or not at all.

    Args:
        path: `.nii` or `.nii.gz`.
        array: `[H, W]`, `[D, H, W]`, or `[N, D, H, W]` for `N` volumes in one file; bool is written as uint8.
        affine: 4x4 from `(column, row, slice, 1)` to RAS millimetres, as `read_image` gives it in `meta`; None where
            nobody knows, and then the file says so (its codes of the transforms are 0).
        spacing: without an affine, millimetres along `[(D,) H, W]`; None where not even that is known: pixels of 1, and
            no unit.

    Raises:
        InputError: another suffix or number of axes.
        DiskError: the file cannot be written.
    """
    import nibabel

    path = Path(path)
    if not path.name.endswith((".nii", ".nii.gz")) or not 2 <= array.ndim <= 4:
        raise InputError(f"{path}: expected a name ending in .nii or .nii.gz and 2 to 4 axes, got {array.ndim}")
    voxels = (array.astype(np.uint8) if array.dtype == bool else array).T  # [X, Y, Z, N]
    if voxels.ndim == 2:
        voxels = voxels[..., None]  # [X, Y, 1]
    with atomic_write(path) as temporary:
        nibabel.save(_placed(voxels, affine, spacing), temporary)


def _placed(voxels: np.ndarray, affine: np.ndarray | None, spacing: Sequence[float] | None) -> "Nifti1Image":
    """Voxels `[X, Y, Z]`, or `[X, Y, Z, N]`, with what is known of where they lie."""
    from nibabel.nifti1 import Nifti1Image

    image = Nifti1Image(voxels, affine)
    head = image.header
    if affine is None and spacing is not None:
        head.set_zooms((*spacing[::-1], 1.0, 1.0)[:3] + (1.0,) * (voxels.ndim - 3))
    if affine is not None or spacing is not None:
        head.set_xyzt_units("mm")
    return image
