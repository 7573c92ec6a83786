"""The masks of one case, whatever files they are in, and what there is to say of how they were kept."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from atfm.data.layout import sha256
from atfm.errors import InputError
from atfm.evaluate.foreign.arrays import Stated, labels_of_array, labels_of_raster
from atfm.evaluate.foreign.finding import CaseFiles
from atfm.io.arrays import native, open_npy
from atfm.io.decoding import brief, decoding
from atfm.io.images import read_labels, suffix_of
from atfm.io.pictures.raster import RASTERS, read_raster
from atfm.io.volumes.geometry import Geometry
from atfm.io.volumes.stack import read_volumes
from atfm.io.volumes.turn import turn
from atfm.metrics.weights import as_weights

__all__ = ["Form", "Read", "digests", "read_case"]

_SHOWN = 6  # values of a file


@dataclass(frozen=True)
class Form:
    """What is wanted of the masks of every case.

    Args:
        classes: 1 for binary masks, else the number of labels.
        stated: what the user states of their values.
        orientation: how the store's images lie, three letters; "none" or "unknown" else.
    """

    classes: int
    stated: Stated = field(default_factory=Stated)
    orientation: str = "unknown"


@dataclass(frozen=True)
class Read:
    """The masks of a case.

    Args:
        labels: `[S, *spatial]` uint8.
        weights: `[S]` float64 of sum 1; None where they weigh alike.
        kept: how they were kept, by words such as `npy [S, *spatial] of 0, 255`, with how many files were so.
        told: a sentence for whatever was guessed.
    """

    labels: np.ndarray
    weights: np.ndarray | None
    kept: Counter[str]
    told: tuple[str, ...]


def read_case(files: CaseFiles, spatial: Sequence[int], form: Form) -> Read:
    """Read all masks of a case.

    Args:
        files: where they are.
        spatial: the size of its image.
        form: what is wanted.

    Raises:
        InputError: a damaged file, one of another size, or values that are no labels; or weights that do not fit.
    """
    parts: list[np.ndarray] = []
    kept, told = Counter[str](), list[str]()
    for file in files.masks:
        labels, how, said = _masks(file, tuple(spatial), form)
        parts.append(labels)
        kept[how] += 1
        told += said
    labels = np.concatenate(parts) if len(parts) > 1 else parts[0]
    return Read(labels, _weights(files, len(labels)), kept, tuple(dict.fromkeys(told)))


def digests(files: CaseFiles, folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file that decides the masks of a case, by its path within the folder.

    Raises:
        InputError: a file that is not what `atfm sample` wrote.
        DiskError: the machine refuses to read one.
    """
    found = {}
    known = files.result["digests"] if files.result is not None else {}
    for file in files.all:
        with decoding(file, "a mask"):
            name = file.relative_to(folder).as_posix()
            found[name] = sha256(file)
        if known.get(file.name, found[name]) != found[name]:
            raise InputError(f"{file}: damaged: its SHA-256 is not the one in {files.result_file}; draw it again")
    return found


def _masks(file: Path, spatial: tuple[int, ...], form: Form) -> tuple[np.ndarray, str, Sequence[str]]:
    """Labels `[S, *spatial]` of one file, how it keeps them, and what was guessed."""
    suffix = suffix_of(file)
    kind = suffix.removeprefix(".")
    if suffix in RASTERS:
        raster = read_raster(file)
        labels, told = labels_of_raster(raster, form.classes, form.stated, file)
        _check_size(labels.shape, spatial, file)
        values = (
            "colours"
            if raster.stored is None and raster.grey is None
            else _values(_numbers(raster.stored, raster.grey))
        )
        return labels[None], f"{kind} of {values}", [*raster.warnings, *told]
    if suffix == ".npy":
        array = open_npy(file)
        labels, layout = labels_of_array(native(array), spatial, form.classes, form.stated, file)
        return labels, f"{kind} {layout} of {_values(array)}", ()
    if suffix in (".nii", ".nii.gz"):
        volumes = read_volumes(file)
        voxels, turned = _turned(volumes.voxels, volumes.geometry, form.orientation, file)
        voxels = voxels[:, 0] if len(spatial) == 2 and voxels.shape[1] == 1 else voxels
        labels, layout = labels_of_array(voxels, spatial, form.classes, form.stated, file)
        return labels, f"{kind} {layout} of {_values(voxels)}", [*volumes.warnings, *turned]
    picture = read_labels(file, classes=form.classes, spatial_dims=len(spatial), rule=form.stated.rule)
    labels, said = _turned(picture.pixels, picture.geometry, form.orientation, file)
    _check_size(labels.shape[1:], spatial, file)
    return labels, kind, [*picture.warnings, *said]


def _numbers(stored: np.ndarray | None, grey: np.ndarray | None) -> np.ndarray:
    return np.asarray(grey if stored is None else stored)


def _turned(values: np.ndarray, geometry: Geometry | None, wanted: str, file: Path) -> tuple[np.ndarray, Sequence[str]]:
    """Masks of a file that says how it lies, turned to the order of the store."""
    if geometry is None:
        return values, ()
    lies = geometry.orientation
    if wanted in ("none", "unknown"):
        return values, (
            f"masks say that they lie {lies}, the store does not say how its images lie: taken as they are",
        )
    by = turn(lies, wanted)
    if by.nothing:
        return values, ()
    flat = values.ndim == 3  # [N, H, W]
    if not by.in_plane and (flat or values.shape[1] == 1):
        raise InputError(f"{file}: its only slice lies {lies}, the store's images {wanted}; save it as exported")
    return by.array(values, 2 if flat else 3), (
        f"masks that lie {lies} were turned to {wanted}, as the store's images",
    )


def _check_size(found: tuple[int, ...], spatial: tuple[int, ...], file: Path) -> None:
    if found != spatial:
        hint = "; rows and columns look exchanged" if found[::-1] == spatial else ""
        raise InputError(
            f"{file}: expected a mask of {list(spatial)} pixels as its image, got {list(found)}{hint}; save it on the "
            "pixels of the image as exported"
        )


def _values(array: np.ndarray) -> str:
    """The values of a file in words."""
    if array.dtype == np.uint8:
        found = np.flatnonzero(np.bincount(np.asarray(array).reshape(-1), minlength=256))
    elif array.dtype == bool:
        found = np.array([0, 1])[[not array.all(), bool(array.any())]]
    else:
        found = np.unique(array)
    if len(found) > _SHOWN:
        return f"{len(found)} values from {found[0]:g} to {found[-1]:g}" if array.dtype.kind in "iu" else "many values"
    return ", ".join(f"{value:g}" for value in found)


def _weights(files: CaseFiles, masks: int) -> np.ndarray | None:
    """The weights of the masks, checked."""
    given: object = None
    where: Path | None = files.weights
    if files.result is not None:
        given, where = files.result.get("weights"), files.result_file
    elif where is not None:
        with decoding(where, "weights"):
            given = open_npy(where) if where.suffix == ".npy" else np.loadtxt(where, ndmin=1)
    if given is None:
        return None
    with decoding(where, "weights"):
        weights = np.asarray(given, np.float64)
    try:
        as_weights(weights, masks)
    except InputError as error:
        raise InputError(f"{where}: {brief(error, 300)}") from error
    return weights
