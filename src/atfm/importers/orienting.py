"""Which way the images of a data set lie, told by their heads alone, and to which all of them are turned."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from atfm.errors import AtfmError
from atfm.importers.series import is_series
from atfm.io.dicom.series import series_geometry
from atfm.io.images import suffix_of
from atfm.io.pictures.raster import RASTERS
from atfm.io.volumes.geometry import Geometry
from atfm.io.volumes.metaimage import metaimage_geometry
from atfm.io.volumes.nifti import nifti_geometry
from atfm.io.volumes.nrrd import nrrd_geometry
from atfm.io.volumes.turn import check_letters

__all__ = ["Chosen", "choose", "geometry_in"]

HEADS = {
    ".nii": nifti_geometry,
    ".nii.gz": nifti_geometry,
    ".nrrd": nrrd_geometry,
    ".nhdr": nrrd_geometry,
    ".mha": metaimage_geometry,
    ".mhd": metaimage_geometry,
}


class Chosen(NamedTuple):
    """The orientation of a store.

    Args:
        target: to which images that say how they lie are turned; None where none of them does.
        recorded: what the store says: three letters, "none" for mere pictures, "unknown" where some do not say.
        warnings: what was guessed.
    """

    target: str | None
    recorded: str
    warnings: tuple[str, ...]


def choose(images: Sequence[Path], stated: str | None) -> Chosen:
    """The orientation that is stated, or that most of the images have, of equals the first.

    A file that cannot be read counts for nothing here: it is refused when its case is read.

    Args:
        images: their files.
        stated: three letters, or None.

    Raises:
        InputError: letters that are no orientation.
    """
    letters = None if stated is None else check_letters(stated, "--orientation")
    lie: Counter[str] = Counter()
    silent = 0
    for image in images:
        try:
            geometry = geometry_in(image)
        except AtfmError:
            continue
        if geometry is None:
            silent += 1
        else:
            lie[geometry.orientation] += 1
    if not lie and letters is None:
        pictures = all(suffix_of(image) in RASTERS for image in images)
        return Chosen(None, "none" if pictures else "unknown", ())
    target = letters or lie.most_common(1)[0][0]
    told = []
    others = {own: count for own, count in lie.items() if own != target}
    if others:
        which = ", ".join(f"{count} lie {own}" for own, count in sorted(others.items()))
        told.append(f"of {len(images)} images {which}; they were turned to {target}")
    if silent and letters:
        told.append(
            f"{silent} of {len(images)} images do not say how they lie; taken for {target}, as --orientation says"
        )
    elif silent:
        told.append(
            f"{silent} of {len(images)} images do not say how they lie, so the store's orientation is unknown; "
            "--orientation LETTERS says it of them"
        )
    return Chosen(target, "unknown" if silent and not letters else target, tuple(told))


def geometry_in(image: Path) -> Geometry | None:
    """Where the voxels of a file, or a DICOM series, lie, from its head; None where it does not say.

    Raises:
        InputError: a head that cannot be read.
    """
    if is_series(image):
        return series_geometry(image)
    read = HEADS.get(suffix_of(image))
    return None if read is None else read(image)
