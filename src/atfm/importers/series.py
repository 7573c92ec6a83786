"""A DICOM series as the image of a case, and the masks that lie on it.

A DICOM Segmentation or an RT Structure Set is held against the series by its coordinates, and so are NIfTI, NRRD and
MetaImage. Pictures and arrays have none, so they are taken for a single slice alone, pixel for pixel.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from atfm.errors import InputError, UnsupportedError
from atfm.importers.naming import natural
from atfm.io.dicom.file import is_dicom_file
from atfm.io.dicom.grid import Grid, grid_of
from atfm.io.dicom.observers import read_observers
from atfm.io.dicom.series import read_series
from atfm.io.images import EXTENSIONS, Picture

__all__ = ["Drawn", "is_series", "read_drawn", "read_volume"]

PLACED = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd")  # formats with coordinates of their own


class Drawn(NamedTuple):
    """The masks of one file.

    Args:
        masks: `[*spatial]` uint8 of each observer, by name.
        warnings: what was left out or guessed.
    """

    masks: dict[str, np.ndarray]
    warnings: tuple[str, ...]


def is_series(path: Path) -> bool:
    """Whether a path is a folder, or a file that no other format claims by its name and that begins as a DICOM does.

    Raises:
        InputError: a file that cannot be opened.
    """
    return path.is_dir() or (not path.name.lower().endswith(EXTENSIONS) and is_dicom_file(path))


def read_volume(image: Path, masks: Mapping[str, Path], spatial_dims: int | None) -> tuple[Picture, Grid]:
    """Read a series with the values of its modality, and where its pixels lie.

    Args:
        image: a DICOM file, or a folder with those of one series.
        masks: files of the same case, which are none of the image's wherever they lie.
        spatial_dims: 2 or 3; None makes a picture of a single slice.

    Raises:
        InputError: as `atfm.io.dicom.series.read_series`, or other axes than expected.
    """
    found = read_series(image, apart=masks.values())
    pixels = np.moveaxis(found.pixels, -1, 0) if found.pixels.ndim == 4 else found.pixels[None]  # [C, D, H, W]
    spacing: tuple[float, ...] = found.spacing
    if spatial_dims == 2 and len(found.pixels) > 1:
        raise InputError(f"{image}: expected 2 spatial axes, got a series of {len(found.pixels)} slices")
    if spatial_dims != 3 and len(found.pixels) == 1:
        pixels, spacing = pixels[:, 0], spacing[1:]
    meta = {
        "format": "dicom",
        "affine" if found.placed else "base affine": found.ras_affine,
        "modality": found.modality,
        "spacing known": found.spacing_known,
    }
    return Picture(pixels, spacing, meta, found.warnings), grid_of(found, str(image))


def read_drawn(who: str, file: Path, grid: Grid, picture: Picture, *, classes: int, roi: str | None) -> Drawn | None:
    """Read the masks of one file that lie on a series.

    Args:
        who: the observer that its name tells.
        file: the file.
        grid: of the series.
        picture: of the series.
        classes: 1 for binary masks.
        roi: see `atfm.io.dicom.observers`.

    Returns:
        None where the file is no DICOM, to be read as what it is.

    Raises:
        InputError: masks that do not lie on the series, or as `read_observers`.
        UnsupportedError: a file of coordinates of its own, or several classes.
    """
    if not is_dicom_file(file):
        if grid.shape[0] == 1 or file.name.lower().endswith(PLACED):
            return None
        raise UnsupportedError(
            f"{file}: a mask on a DICOM series is read from a DICOM Segmentation, an RT Structure Set or a volume that "
            f"says where it lies ({', '.join(PLACED)})"
        )
    if classes != 1:
        raise UnsupportedError(
            f"{file}: of a DICOM, structures are read as binary masks, not as classes; choose by --roi"
        )
    found = read_observers(file, grid, roi)
    shape = picture.pixels.shape[1:]
    masks = {
        "/".join(filter(None, (who, observer))): found.masks[observer].reshape(shape).astype(np.uint8)
        for observer in sorted(found.masks, key=natural)
    }
    return Drawn(masks, found.warnings)
