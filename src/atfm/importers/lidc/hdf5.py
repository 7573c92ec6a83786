"""LIDC in HDF5, as PHiSeg wrote it and MoSE, CCDM and Flow-SSN read it: a group for each split.

    train/images [N, H, W] float   the slices; PHiSeg took 0.5 from values in [0, 1]
    train/labels [N, H, W, K]      the masks, or [N, K, H, W]
    train/uids   [N]               the series, as text or as PHiSeg's hash of it: taken for the patient
    val/..., test/...              likewise

The groups become the splits.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from atfm.data.case import Case
from atfm.data.layout import StoreInfo
from atfm.data.splits import check_disjoint
from atfm.errors import InputError
from atfm.importers.arrays import binary_masks, unit_image
from atfm.importers.build import build
from atfm.importers.hdf5_text import variable_text
from atfm.importers.lidc.terms import ABOUT
from atfm.importers.naming import shown
from atfm.importers.plan import Plan, Planned, Progress
from atfm.io.decoding import decoding

if TYPE_CHECKING:
    import h5py  # type: ignore[import-untyped]

__all__ = ["import_lidc_hdf5", "plan_lidc_hdf5"]

FIELDS = ("images", "labels", "uids")
SPLITS = ("train", "val", "test")
LARGEST_CASE = 2**26  # elements of one image, of its masks, or of the pieces in which a file may be packed
MOST_CASES = 2**22  # of a group
CACHE = 2**27  # bytes of unpacked pieces that are kept: one piece may hold parts of many slices
LAYOUT = "groups train, val, test, each with images [N, H, W], labels [N, H, W, K] or [N, K, H, W], and uids [N]"


class Group(NamedTuple):
    """One split of the file.

    Args:
        name: of the group.
        images, labels: its arrays, on the disk.
        uids: the patient of each case.
    """

    name: str
    images: "h5py.Dataset"
    labels: "h5py.Dataset"
    uids: list[str]


@contextmanager
def plan_lidc_hdf5(
    path: Path,
    *,
    window: tuple[float, float] | None = None,
    limit: int | None = None,
    looking: Progress = lambda done, total: None,
) -> Iterator[Plan]:
    """Look through an HDF5 file; it stays open inside the block.

    Args:
        path: the file.
        window: values of the images that become black and white. Without it floats have to lie in [0, 1], or, where
            any in the file is below 0, in [-0.5, 0.5].
        limit: stop after this many cases of each split.
        looking: called with the slices that were searched for values below 0 and the total of their group.

    Yields:
        The plan, its cases in the order of the file, split by split.

    Raises:
        InputError: damaged, of another layout, or a patient in two splits.
    """
    with opened(path) as file:
        with decoding(path, "HDF5"):
            names = list(dict.fromkeys([*(name for name in SPLITS if name in file), *file]))
            groups = [read_group(file, name, path) for name in names]
        if not groups:
            raise InputError(f"{path}: expected {LAYOUT}, got an empty file")
        shift = 0.5 if window is None and any(centred(group, path, looking) for group in groups) else 0.0
        splits = {group.name: list(dict.fromkeys(group.uids[:limit])) for group in groups}
        try:
            check_disjoint(splits)
        except InputError as error:
            raise InputError(f"{path}: {error}") from error
        yield Plan(
            importer="lidc-hdf5",
            about=ABOUT,
            cases=[
                Planned(f"{group.name}/{i}", uid, partial(read_slice, group, i, path, window, shift))
                for group in groups
                for i, uid in enumerate(group.uids[:limit])
            ],
            splits=splits,
            sources=[path],
            arguments={"shift": shift},
            window=window,
        )


def import_lidc_hdf5(
    path: Path, out: Path, *, progress: Progress = lambda done, total: None, **options: Any
) -> StoreInfo:
    """Build a store from an HDF5 file, one case in memory at a time.

    Args:
        path: the file.
        out: the store to make.
        progress: called with the cases done and their total after each of them.
        options: of `plan_lidc_hdf5`.

    Raises:
        InputError: as `plan_lidc_hdf5`, or an image or mask that cannot be used, by its group and number.
        DiskError: the store cannot be written.
    """
    with plan_lidc_hdf5(path, **options) as plan:
        return build(plan, out, progress)


@contextmanager
def opened(path: Path) -> "Iterator[h5py.File]":
    """The open file."""
    import h5py

    with decoding(path, "HDF5"):
        file = h5py.File(path, "r", rdcc_nbytes=CACHE)
    with file:
        yield file


def read_group(file: "h5py.File", name: str, path: Path) -> Group:
    """One group, its arrays of the same length and of shapes that fit."""
    where = f"{path}: {shown(name)}"
    images, labels, uids = (dataset(file, name, field, where) for field in FIELDS)
    for field, values, axes in (("images", images, (3, 4)), ("labels", labels, (4,))):
        if values.ndim not in axes or values.dtype.kind not in "biuf":
            raise InputError(f"{where}/{field}: shape {list(values.shape)} of {values.dtype}; expected {LAYOUT}")
        if max(math.prod(values.shape[1:]), math.prod(values.chunks or ())) > LARGEST_CASE:
            raise InputError(f"{where}/{field}: shape {list(values.shape)} is more than a slice may have; cut it up")
    if uids.ndim != 1 or not len(images) == len(labels) == len(uids):
        raise InputError(f"{where}: {len(images)} images, {len(labels)} labels and uids of shape {list(uids.shape)}")
    if len(uids) > MOST_CASES:
        raise InputError(f"{where}: {len(uids)} slices, more than the {MOST_CASES} that a group may have; cut it up")
    named = variable_text(path, f"{name}/uids") if uids.dtype.kind == "O" else uids[:].tolist()
    return Group(name, images, labels, [patient(uid) for uid in named])


def dataset(file: "h5py.File", name: str, field: str, where: str) -> "h5py.Dataset":
    """One array of a group, whose numbers lie in this very file: a link could lead to any other."""
    import h5py

    links = [file.get(part, getlink=True) for part in (name, f"{name}/{field}")]
    values = file.get(f"{name}/{field}") if all(isinstance(link, h5py.HardLink) for link in links) else None
    if not isinstance(values, h5py.Dataset) or values.shape is None:
        raise InputError(f"{where}: it has no array {field!r}; expected {LAYOUT}")
    if values.external or values.is_virtual:
        raise InputError(f"{where}/{field}: its numbers lie in other files; copy them into one, with h5repack say")
    return values


def patient(uid: Any) -> str:
    """A series as text: PHiSeg's hashes are numbers, h5py gives text as bytes."""
    text = uid.decode() if isinstance(uid, bytes) else str(uid)
    if not text or not text.isprintable():
        raise ValueError(f"uid {shown(text)!r} is no name")
    return text


def centred(group: Group, path: Path, looking: Progress) -> bool:
    """Whether any pixel is below 0; the slices are read one by one until one is found."""
    if group.images.dtype.kind != "f":
        return False
    with decoding(f"{path}: {group.name}/images", "images"):
        for i in range(len(group.images)):
            looking(i + 1, len(group.images))
            if group.images[i].min() < 0:
                return True
    return False


def read_slice(group: Group, i: int, path: Path, window: tuple[float, float] | None, shift: float) -> Case:
    """Read the image and the masks of one case."""
    where = f"{path}: {group.name}[{i}]"
    with decoding(where, "an image and its masks"):
        pixels, labels = group.images[i], group.labels[i]
    image = unit_image(pixels + shift if shift else pixels, where, window)
    return Case(image, binary_masks(labels, image.shape[1:], where), f"{group.name}/{i}", group.uids[i])
