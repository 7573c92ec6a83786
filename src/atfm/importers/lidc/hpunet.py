"""DeepMind's LIDC crops, the data of the Hierarchical Probabilistic U-Net: 180 x 180 PNGs with an official split.

    <split>/images/<patient>/<slice>.png     one slice
    <split>/gt/<patient>/<slice>_l0.png      its four masks, _l0 to _l3

The three parts may lie in one folder or be given one by one, unpacked or as zips; the split is the folder above
`images`, called `train`, `lidc_crops_train` or the like.
"""

import argparse
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from atfm.data.case import Case
from atfm.data.layout import decode_image
from atfm.data.splits import check_disjoint
from atfm.errors import InputError
from atfm.importers.arrays import read_binary, read_grey
from atfm.importers.importer import Importer, add_limit
from atfm.importers.lidc import ABOUT
from atfm.importers.members import Member, files_of, open_members
from atfm.importers.naming import natural
from atfm.importers.plan import Plan, Planned, Planning, Progress
from atfm.importers.remainder import left_out

__all__ = ["LIDC_HPUNET", "plan_lidc_hpunet"]

NAME = re.compile(
    r"(?:.*/)?(?:[^/]*[_-])?(?P<split>train|val|test)/(?P<kind>images|gt)/(?P<patient>[^/]+)/(?P<slice>[^/]+?)"
    r"(?:_l(?P<annotator>\d+))?\.(?i:png)"
)
SPLITS = ("train", "val", "test")

Key = tuple[str, str, str]  # split, patient, slice


@dataclass
class SliceFiles:
    """The files of one slice.

    Args:
        image: its picture.
        masks: of each annotator.
    """

    image: Member | None = None
    masks: dict[int, Member] = field(default_factory=dict)


@contextmanager
def plan_lidc_hpunet(paths: Sequence[Path], *, limit: int | None = None) -> Iterator[Plan]:
    """Look through zips and folders of the crops; the zips stay open inside the block.

    Args:
        paths: zips or folders, in any order.
        limit: stop after this many slices of each split.

    Yields:
        The plan, with the official split; its cases are in the order of split, patient and slice.

    Raises:
        InputError: no slices, an incomplete one by name, or a patient in two splits.
    """
    with open_members(paths) as members:
        strangers: list[str] = []
        crops = find_crops(members, strangers)
        if not crops:
            raise InputError(
                f"{', '.join(map(str, paths))}: no slices found; expected files such as train/images/<patient>/"
                "<slice>.png and train/gt/<patient>/<slice>_l0.png"
            )
        order = in_order(crops, limit)
        splits = {
            split: list(dict.fromkeys(patient for part, patient, _ in order if part == split)) for split in SPLITS
        }
        splits = {split: patients for split, patients in splits.items() if patients}
        check_disjoint(splits)
        yield Plan(
            importer="lidc-hpunet",
            about=ABOUT,
            cases=[Planned("/".join(key), key[1], partial(read_crop, key, crops[key])) for key in order],
            splits=splits,
            patients_known="given",
            skipped=[*members.skipped, *left_out(", ".join(map(str, paths)), strangers, "not named as slices are")],
            sources=files_of(member for key in order for member in files(crops[key])),
        )


def find_crops(members: Sequence[Member], strangers: list[str]) -> dict[Key, SliceFiles]:
    """Group the files of each slice, and see that none is missing or there twice.

    Args:
        members: all files.
        strangers: takes the names of those that are no slice.
    """
    crops: dict[Key, SliceFiles] = {}
    for member in members:
        match = NAME.fullmatch(member.name)
        if match is None or (match["kind"] == "gt") != (match["annotator"] is not None):
            strangers.append(member.name)
            continue
        crop = crops.setdefault((match["split"], match["patient"], match["slice"]), SliceFiles())
        other = crop.image if match["kind"] == "images" else crop.masks.get(int(match["annotator"]))
        if other is not None:
            raise InputError(f"{member}: the same file is also in {other}; give each only once")
        if match["kind"] == "images":
            crop.image = member
        else:
            crop.masks[int(match["annotator"])] = member
    annotators = {number for crop in crops.values() for number in crop.masks}
    for crop in crops.values():
        if crop.image is None:
            raise InputError(f"{next(files(crop))}: a mask without an image beside it; add the file")
        for number in sorted((annotators or {0}) - crop.masks.keys()):
            raise InputError(f"{crop.image}: this slice has no mask _l{number}; add the file")
    return crops


def files(crop: SliceFiles) -> Iterator[Member]:
    """All files of a slice."""
    if crop.image is not None:
        yield crop.image
    yield from crop.masks.values()


def in_order(crops: Mapping[Key, SliceFiles], limit: int | None) -> list[Key]:
    """Split by split, patients and slices as people count, up to `limit` of each split."""
    order = sorted(crops, key=lambda key: (SPLITS.index(key[0]), natural(key[1]), natural(key[2])))
    return [key for split in SPLITS for key in [key for key in order if key[0] == split][:limit]]


def read_crop(key: Key, crop: SliceFiles) -> Case:
    """Decode the image and the masks of one slice."""
    if crop.image is None:
        raise InputError(f"case {'/'.join(key)}: there is no image")
    image = read_grey(crop.image)
    return Case(
        image=decode_image(image)[None],  # [1, H, W]
        masks=np.stack([read_binary(crop.masks[k], image.shape) for k in sorted(crop.masks)]),  # [K, H, W]
        case_id="/".join(key),
        patient_id=key[1],
    )


def flags(parser: argparse.ArgumentParser) -> None:
    """What `atfm data import lidc-hpunet` asks for."""
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="zip or folder")
    add_limit(parser, "slices of each split")


def plan(args: argparse.Namespace, looking: Progress) -> Planning:
    """What it makes."""
    return plan_lidc_hpunet(args.paths, limit=args.limit)


LIDC_HPUNET = Importer(
    name="lidc-hpunet",
    summary="LIDC as DeepMind's 180x180 crops, with their split",
    description="<split>/images/<patient>/<slice>.png and <split>/gt/<patient>/<slice>_l0.png to _l3.png, in folders "
    "or zips; <split> is train, val or test, or ends in one of them, such as lidc_crops_train.",
    example="lidc_crops --out lidc-store",
    flags=flags,
    plan=plan,
)
