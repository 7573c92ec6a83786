"""`Source`: what a file or a folder holds, before any model is asked about it."""

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from atfm.errors import InputError
from atfm.io.images import EXTENSIONS, Picture, read_pixels
from atfm.io.naming import is_folder_name
from atfm.io.volumes.turn import Turn

__all__ = ["Source", "read_source", "title"]

DICOM_EXTENSIONS = (".dcm", ".dicom", ".ima")


class Source(NamedTuple):
    """An image as its file has it.

    Args:
        picture: the file's own values; a DICOM is a volume `[1, D, H, W]` in the units of its modality, or in colour
            `[3, D, H, W]`.
        files: the DICOM file of each slice; empty for other formats.
        frames: the frame of each slice in its file.
        display: the window that a DICOM asks to be shown with, or None.
        turn: from the file's order to the one in which a model sees it.
    """

    picture: Picture
    files: tuple[Path, ...] = ()
    frames: tuple[int, ...] = ()
    display: tuple[float, float] | None = None
    turn: Turn = Turn()

    @property
    def seen(self) -> Picture:
        """The picture in the order in which a model sees it."""
        pixels, dims = self.picture.pixels, self.picture.pixels.ndim - 1
        return self.picture._replace(
            pixels=self.turn.array(pixels, dims), spacing=self.turn.numbers(self.picture.spacing)
        )

    @property
    def in_units(self) -> bool:
        """Whether the values are in the units of a modality, such as Hounsfield's."""
        return bool(self.files) and self.picture.pixels.dtype != np.uint8

    @property
    def spacing(self) -> tuple[float, ...] | None:
        """Millimetres along each axis; None where nobody said."""
        meta = self.picture.meta
        return self.picture.spacing if meta.get("spacing known", meta.get("format") == "nifti") else None

    def voxel(self, point: Sequence[float], name: str) -> tuple[int, ...]:
        """The voxel `(x, y, z)` of the file that is nearest to a point in millimetres: RAS for a NIfTI, LPS for others.

        Raises:
            InputError: an image that says nothing of where it lies, or a point without its three numbers.
        """
        affine = self.picture.meta.get("affine")
        if affine is None:
            raise InputError(f"{name}: --at-mm: it does not say where it lies; give pixels with --at")
        if len(point) != 3 or not all(map(math.isfinite, point)):
            raise InputError(f"{name}: --at-mm: expected three finite numbers, got {list(point)}")
        sign = 1.0 if self.picture.meta.get("format") == "nifti" else -1.0
        ras = np.array([sign * point[0], sign * point[1], point[2], 1.0])
        try:
            voxel = np.linalg.solve(affine, ras)[:3]
        except np.linalg.LinAlgError:
            raise InputError(f"{name}: --at-mm: its affine cannot be inverted; give pixels with --at") from None
        return tuple(int(np.clip(at, -(2**31), 2**31)) for at in np.rint(voxel))


def read_source(path: Path, *, spatial_dims: int | None, series: str | None = None) -> Source:
    """Read a file, or a folder with a DICOM series.

    Args:
        path: PNG, JPEG, TIFF, NPY, NIfTI, NRRD, MetaImage, a DICOM file, or a folder with DICOM files.
        spatial_dims: see `read_pixels`; a DICOM is always a volume.
        series: the UID of the series to take where a folder holds several.

    Raises:
        InputError: nothing there, an unreadable file, several series or none.
    """
    if path.is_dir() or is_dicom(path):
        return read_dicom(path, series)
    if series is not None:
        raise InputError(f"{path}: --series chooses among DICOM series, but this is no DICOM; leave it out")
    return Source(read_pixels(path, spatial_dims=spatial_dims))


def read_dicom(path: Path, series: str | None) -> Source:
    """One series as a volume."""
    from atfm.io.dicom.series import read_series

    if path.is_dir() and not any(path.iterdir()):
        raise InputError(f"{path}: an empty folder; give an image, or a folder with the files of a DICOM series")
    found = read_series(path, series=series)
    colour = found.pixels.ndim == 4
    pixels = np.moveaxis(found.pixels, -1, 0) if colour else found.pixels[None]  # [C, D, H, W]
    meta: dict[str, Any] = {
        "format": "dicom",
        "affine" if found.placed else "base affine": found.ras_affine,
        "modality": found.modality,
        "frame of reference": found.frame_of_reference,
        "letters": found.letters,
        "spacing known": found.spacing_known,
    }
    return Source(
        Picture(pixels, found.spacing, meta, found.warnings), found.slice_files, found.frames, ends(found.window)
    )


def ends(window: tuple[float, float] | None) -> tuple[float, float] | None:
    """The values that a window (centre, width) shows as black and white, by DICOM's linear function (C.11.2.1.2.1)."""
    if window is None or window[1] <= 1:
        return None
    middle, half = window[0] - 0.5, (window[1] - 1) / 2
    return middle - half, middle + half


def is_dicom(path: Path) -> bool:
    """Whether a file is a DICOM: by its name, or by how it begins where the name says nothing."""
    from atfm.io.dicom.file import is_dicom_file

    name = path.name.lower()
    return name.endswith(DICOM_EXTENSIONS) or (not name.endswith(EXTENSIONS) and is_dicom_file(path))


def title(path: Path) -> str:
    """The name of a file without its format, of a folder as it is: it names the results and their noise.

    What is left of it is the name of a folder: of a file called `..png` or `...png` nothing would be but a way out of
    the folder of the results, so these keep their whole name.
    """
    name = os.path.basename(os.path.abspath(path))  # `.` has a name, and a link keeps its own
    known = sorted((*EXTENSIONS, *DICOM_EXTENSIONS), key=len, reverse=True)
    suffix = next((suffix for suffix in known if name.lower().endswith(suffix)), "")
    stem = name[: len(name) - len(suffix)]
    return stem if is_folder_name(stem) else name if is_folder_name(name) and stem else "image"
