"""The pickled dict in which Stefan Knegt published LIDC, and others other sets since.

    {case: {"image": [H, W], "masks": K arrays [H, W], "series_uid": str, ...}, ...}

The series is taken for the patient, as PHiSeg and its followers do. Whatever else an entry holds is left out.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from atfm.data.case import Case
from atfm.data.splits import random_splits
from atfm.errors import InputError
from atfm.importers.arrays import binary_masks, unit_image
from atfm.importers.importer import Importer, about_of, add_about, add_limit, add_splits, add_window, window_of
from atfm.importers.naming import shown
from atfm.importers.pickles.array import PickledArray
from atfm.importers.pickles.file import PickleFile, open_pickle
from atfm.importers.pickles.unpickling import read_pickle
from atfm.importers.plan import Plan, Planned, Planning, Progress
from atfm.importers.remainder import left_out

__all__ = ["LIDC_PICKLE", "plan_lidc_pickle"]

READ = ("image", "masks", "series_uid")
LAYOUT = "{case: {'image': array, 'masks': [array, ...], 'series_uid': text}, ...}"


class Slice(NamedTuple):
    """One entry of the dict.

    Args:
        case_id: its key.
        patient_id: its series.
        image: `[H, W]`.
        masks: `[H, W]` of each annotator, or one `[K, H, W]`.
    """

    case_id: str
    patient_id: str
    image: PickledArray
    masks: list[PickledArray]


@contextmanager
def plan_lidc_pickle(
    path: Path,
    *,
    splits: Mapping[str, Sequence[str]] | None = None,
    seed: int = 0,
    window: tuple[float, float] | None = None,
    limit: int | None = None,
    name: str | None = None,
    licence: str = "unknown",
    source: str = "unknown",
    modality: str = "unknown",
    looking: Progress = lambda done, total: None,
) -> Iterator[Plan]:
    """Look through a pickle, plain or in a zip; it stays open inside the block.

    Nothing in it is run, and no array is kept: they are read again, one case at a time, when the plan is built.

    Args:
        path: the pickle, or a zip with one in it.
        splits: patient ids, that is series, of each split; None deals them out at random, 64/16/20.
        seed: of the deal.
        window: values of the images that become black and white; None for 8-bit, 16-bit and [0, 1].
        limit: stop after this many cases.
        name: of the data set; the file's if not given.
        licence: on which terms it may be used.
        source: where it comes from.
        modality: such as CT.
        looking: called with the bytes that were taken apart and their total, now and then.

    Yields:
        The plan, its cases in the order of the file.

    Raises:
        InputError: damaged, of another layout, or a pickle that asks for anything but arrays, numbers, strings and
            plain containers, which is named.
    """
    with open_pickle(path) as file:
        content = read_pickle(file, looking)
        entries = slices(content, file.name)[:limit]
        if splits is None:
            splits = random_splits((entry.patient_id for entry in entries), seed)
        yield Plan(
            importer="lidc-pickle",
            about={"name": name or path.stem, "licence": licence, "source": source, "modality": modality},
            cases=[
                Planned(entry.case_id, entry.patient_id, partial(read_slice, entry, file, window)) for entry in entries
            ],
            splits=splits,
            patients_known="one per series",
            skipped=left_out(path, others(content), "not read of its cases", "field", "fields"),
            sources=[path],
            window=window,
        )


def others(content: Mapping[Any, Mapping[Any, Any]]) -> list[str]:
    """What the entries hold beside what is read, each name once."""
    return [
        str(name) for name in dict.fromkeys(name for entry in content.values() for name in entry if name not in READ)
    ]


def slices(content: Any, name: str) -> list[Slice]:
    """The entries of the dict, each of the layout that is expected."""
    if not isinstance(content, dict) or not content:
        raise InputError(f"{name}: expected {LAYOUT}, got a {type(content).__name__}")
    return [entry_of(key, entry, f"{name}: case {shown(key)}") for key, entry in content.items()]


def entry_of(key: Any, entry: Any, where: str) -> Slice:
    """One entry."""
    if not isinstance(key, str | int) or not isinstance(entry, dict):
        raise InputError(f"{where}: expected {LAYOUT}, got a {type(entry).__name__}")
    missing = [field for field in READ if field not in entry]
    if missing:
        raise InputError(f"{where}: it has no {missing[0]!r}; expected {LAYOUT}")
    image, masks, series = entry["image"], entry["masks"], entry["series_uid"]
    masks = [masks] if isinstance(masks, PickledArray) else masks
    if not isinstance(masks, list | tuple) or not masks or not all(isinstance(mask, PickledArray) for mask in masks):
        raise InputError(f"{where}: masks: expected a list of arrays, got {type(masks).__name__}")
    if not isinstance(image, PickledArray):
        raise InputError(f"{where}: image: expected an array, got {type(image).__name__}")
    if not isinstance(series, str | int) or str(series) == "":
        raise InputError(f"{where}: series_uid: expected text, got {type(series).__name__}; it tells the patient")
    if not f"{key}{series}".isprintable():
        raise InputError(f"{where}: its name or series_uid {shown(series)} cannot be printed; rename it")
    return Slice(str(key), str(series), image, list(masks))


def read_slice(entry: Slice, file: PickleFile, window: tuple[float, float] | None) -> Case:
    """Read the image and the masks of one case, in the order in which they lie in the file."""
    where = f"{file.name}: case {entry.case_id}"
    arrays: dict[int, np.ndarray] = {}
    for array in sorted([entry.image, *entry.masks], key=lambda array: array.offset):
        arrays[id(array)] = array.read(file)
    image, told = unit_image(arrays[id(entry.image)], where, window)
    masks = [arrays[id(mask)] for mask in entry.masks]
    if len(masks) > 1 and len({mask.shape for mask in masks}) > 1:
        raise InputError(f"{where}: masks of shapes {sorted({mask.shape for mask in masks})}; expected equal ones")
    stack = masks[0] if len(masks) == 1 and masks[0].ndim == 3 else np.stack(masks)
    return Case(image, binary_masks(stack, image.shape[1:], where), entry.case_id, entry.patient_id, warnings=told)


def flags(parser: argparse.ArgumentParser) -> None:
    """What `atfm data import lidc-pickle` asks for."""
    parser.add_argument("path", type=Path, metavar="PICKLE", help="the pickle, or a zip with one in it")
    add_window(parser)
    add_limit(parser)
    add_about(parser)
    add_splits(parser)


def plan(args: argparse.Namespace, looking: Progress) -> Planning:
    """What it makes."""
    return plan_lidc_pickle(
        args.path,
        splits=args.splits,
        seed=args.seed,
        window=window_of(args),
        limit=args.limit,
        looking=looking,
        **about_of(args),
    )


LIDC_PICKLE = Importer(
    name="lidc-pickle",
    summary="a pickled dict of images and masks, such as data_lidc.pickle",
    description="Knegt's layout, {case: {'image': array, 'masks': [array, ...], 'series_uid': text}}, plain or in a "
    "zip. Nothing in the pickle is run; one that asks for more than arrays, numbers, strings and plain containers is "
    "refused.",
    example="data_lidc.pickle --modality CT --out lidc-store",
    flags=flags,
    plan=plan,
    looking="taking apart",
)
