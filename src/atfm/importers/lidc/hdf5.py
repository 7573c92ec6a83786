"""LIDC in HDF5, as PHiSeg wrote it and MoSE, CCDM and Flow-SSN read it: a group for each split.

    train/images [N, H, W] float   the slices; PHiSeg took 0.5 from values in [0, 1]
    train/labels [N, H, W, K]      the masks, or [N, K, H, W]
    train/uids   [N]               the series, as text or as PHiSeg's hash of it: taken for the patient
    val/..., test/...              likewise

The groups become the splits.
"""

import argparse
import json
import math
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from atfm.data.case import Case
from atfm.data.splits import check_disjoint
from atfm.errors import InputError
from atfm.importers.arrays import binary_masks, unit_image
from atfm.importers.importer import Importer, add_limit, add_window, window_of
from atfm.importers.lidc import ABOUT
from atfm.importers.naming import shown
from atfm.importers.plan import Plan, Planned, Planning, Progress
from atfm.importers.remainder import left_out
from atfm.io.decoding import decoding

if TYPE_CHECKING:
    import h5py  # type: ignore[import-untyped]

__all__ = ["LIDC_HDF5", "plan_lidc_hdf5"]

FIELDS = ("images", "labels", "uids")
SPLITS = ("train", "val", "test")
LARGEST_CASE = 2**26  # elements of one image, of its masks, or of the pieces in which a file may be packed
MOST_CASES = 2**22  # of a group
CACHE = 2**27  # bytes of unpacked pieces that are kept: one piece may hold parts of many slices
CPU_SECONDS = 10  # for the text of a group; 100,000 names take a tenth of a second
WAITING_SECONDS = 300  # ... on a machine that is busy with other work
LAYOUT = "groups train, val, test, each with images [N, H, W], labels [N, H, W, K] or [N, K, H, W], and uids [N]"

# Text of variable length lies in a heap, and over a damaged heap the HDF5 library goes round for ever, where no
# exception reaches it: so a process of its own reads it.
READ = """
import json, sys
try:
    import resource
    resource.setrlimit(resource.RLIMIT_CPU, (int(sys.argv[3]), int(sys.argv[3])))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
except ImportError:  # Windows has no such limits
    pass
import h5py
with h5py.File(sys.argv[1], "r") as file:
    json.dump([bytes(text).decode() for text in file[sys.argv[2]][:]], sys.stdout)
"""


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
            others = [f"{name}/{field}" for name in names for field in file[name] if field not in FIELDS]
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
            patients_known="one per series",
            skipped=left_out(path, others, "not read of its groups", "array", "arrays"),
            sources=[path],
            arguments={"shift": shift},
            window=window,
        )


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
    image, told = unit_image(pixels + shift if shift else pixels, where, window)
    masks = binary_masks(labels, image.shape[1:], where)
    return Case(image, masks, f"{group.name}/{i}", group.uids[i], warnings=told)


def variable_text(path: Path, name: str) -> list[str]:
    """Read a one-dimensional array of text of variable length.

    Args:
        path: the HDF5 file.
        name: of the array in it.

    Raises:
        ValueError: no text, or the file is damaged there.
    """
    command = [sys.executable, "-c", READ, str(path.absolute()), name, str(CPU_SECONDS)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=WAITING_SECONDS, check=True)
        return [str(text) for text in json.loads(done.stdout)]
    except (subprocess.SubprocessError, json.JSONDecodeError) as error:
        raise ValueError(f"the text of {name} cannot be read") from error


def flags(parser: argparse.ArgumentParser) -> None:
    """What `atfm data import lidc-hdf5` asks for."""
    parser.add_argument("path", type=Path, metavar="HDF5", help="the file")
    add_window(parser)
    add_limit(parser, "cases of each split")


def plan(args: argparse.Namespace, looking: Progress) -> Planning:
    """What it makes."""
    return plan_lidc_hdf5(args.path, window=window_of(args), limit=args.limit, looking=looking)


LIDC_HDF5 = Importer(
    name="lidc-hdf5",
    summary="LIDC in HDF5, as PHiSeg, MoSE, CCDM and Flow-SSN have it",
    description="Groups train, val and test, each with images [N, H, W], labels [N, H, W, K] or [N, K, H, W], and "
    "uids [N], taken for the patients. The groups become the splits.",
    example="data_lidc.hdf5 --out lidc-store",
    flags=flags,
    plan=plan,
    looking="looking for dark pixels",
)
