"""The masks of a case are laid on its image by where they lie, and both are turned to the orientation of the store."""

from pathlib import Path

import numpy as np

from atfm.errors import InputError
from atfm.io.picture import Picture
from atfm.io.volumes.geometry import Geometry, check_same_place, onto
from atfm.io.volumes.turn import turn

__all__ = ["laid_on", "turned_to"]

ON_GRID = 0.1  # of a voxel: how far a part of a volume may lie beside its voxels


def laid_on(marks: Picture, file: Path, image: Picture, name: Path) -> tuple[np.ndarray, tuple[str, ...]]:
    """A mask on the pixels of its image, and what was guessed for that.

    Where both say where they lie, the mask is turned to the axes of the image. Where only one of them does, or none, it
    has to be of the same size, and its place is taken on trust.

    Args:
        marks: `[1, *spatial]` labels.
        file: of the mask.
        image: `[C, *spatial]`.
        name: of the image.

    Raises:
        InputError: a mask that lies elsewhere, both places named, or one of another size.
    """
    size = image.pixels.shape[1:]
    here, there = image.geometry, marks.geometry
    if marks.meta.get("nothing marked"):  # Slicer keeps no geometry of a segmentation without a mark
        return np.zeros(size, np.uint8), ()
    if here is None or there is None:
        if marks.pixels.shape[1:] != size:
            raise InputError(f"{file}: a mask of {list(marks.pixels.shape[1:])} pixels beside an image of {list(size)}")
        silent = "" if here is there else "masks do not say" if there is None else "images do not say"
        told = f"{silent} where they lie; their place was taken on trust, array for array" if silent else ""
        return marks.pixels[0], (told,) if told else ()
    if marks.meta.get("part of a volume") and there.shape != here.shape:
        return pasted(marks.pixels[0], file, there, here, size), ()
    by = check_same_place(here, there, file, name)
    return np.ascontiguousarray(by.array(marks.pixels[0], len(size))), ()


def pasted(mask: np.ndarray, file: Path, there: Geometry, here: Geometry, size: tuple[int, ...]) -> np.ndarray:
    """A mask that was kept for a part of the image alone, as Slicer does, on all of it; 0 elsewhere.

    What lies outside of the image has to be empty.
    """
    by = onto(there, here)
    box, part = there.turned(by), by.array(mask.reshape(there.shape))
    first = np.linalg.solve(here.affine, box.affine[:, 3])[:3][::-1]  # its first voxel, in those of the image
    last = np.linalg.solve(here.affine, np.append(box.corners[-1], 1))[:3][::-1]
    begin, end = np.rint(first).astype(int), np.rint(last).astype(int) + 1
    aside = max(np.abs(first - begin).max(), np.abs(last + 1 - end).max())
    if aside > ON_GRID or (end - begin != box.shape).any():
        raise InputError(
            f"{file}: lies beside the voxels of the image: it is {there}, the image is {here}; give it on those voxels"
        )
    whole = np.zeros(here.shape, mask.dtype)
    inside = tuple(slice(max(0, low), max(0, high)) for low, high in zip(begin, end, strict=True))
    own = tuple(
        slice(max(0, -low), max(0, -low) + max(0, min(high, length) - max(0, low)))
        for low, high, length in zip(begin, end, here.shape, strict=True)
    )
    whole[inside] = part[own]
    if np.count_nonzero(whole) != np.count_nonzero(part):
        raise InputError(
            f"{file}: marks voxels outside of the image: it is {there}, the image is {here}; give it on those voxels"
        )
    return whole.reshape(size)


def turned_to(
    letters: str | None, image: Picture, masks: list[np.ndarray], name: Path
) -> tuple[Picture, list[np.ndarray]]:
    """An image and its masks in another orientation; as they are where nobody says how they lie.

    Raises:
        InputError: a single slice of another plane.
    """
    geometry = image.geometry
    if letters is None or geometry is None or geometry.orientation == letters:
        return image, masks
    by, dims = turn(geometry.orientation, letters), image.pixels.ndim - 1
    if dims == 2 and not by.in_plane:
        raise InputError(
            f"{name}: a single slice that lies {geometry.orientation} cannot be turned to {letters}, which is another "
            "plane; import the slices of each plane by themselves, or give --orientation"
        )
    pixels = np.ascontiguousarray(by.array(image.pixels, dims))
    meta = image.meta | {"affine": geometry.turned(by).affine}
    turned = image._replace(pixels=pixels, spacing=by.numbers(image.spacing), meta=meta)
    return turned, [np.ascontiguousarray(by.array(mask, dims)) for mask in masks]
