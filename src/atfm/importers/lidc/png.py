"""LIDC-IDRI as PNG slices: `LIDC-IDRI-slices/<patient>/nodule-<n>/{images,mask-0..mask-3}/slice-<k>.png`.

Every mask folder is one annotator slot; slots without an annotation hold empty masks, and are kept as they are.
"""

import argparse
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np

from atfm.data.case import Case
from atfm.data.layout import decode_image
from atfm.data.splits import random_splits
from atfm.errors import InputError
from atfm.importers.arrays import read_binary, read_grey
from atfm.importers.importer import Importer, add_limit, add_splits
from atfm.importers.lidc import ABOUT
from atfm.importers.members import Member, files_of, open_members
from atfm.importers.naming import natural
from atfm.importers.plan import Plan, Planned, Planning, Progress
from atfm.importers.remainder import left_out

__all__ = ["LIDC_PNG", "plan_lidc_png", "read_slice"]

NAME = re.compile(
    r"(?:.*/)?(?P<patient>[^/]+)/nodule-(?P<nodule>\d+)/(?P<kind>images|mask-\d+)/slice-(?P<slice>\d+)\.(?i:png)"
)
OTHERS = "not named as slices are"
Slice = tuple[str, int, int]  # patient, nodule, slice


@contextmanager
def plan_lidc_png(
    paths: Sequence[Path],
    *,
    splits: Mapping[str, Sequence[str]] | None = None,
    seed: int = 0,
    limit: int | None = None,
) -> Iterator[Plan]:
    """Look through zips and folders of the PNG layout; the zips stay open inside the block.

    Args:
        paths: zips or folders, in any order.
        splits: patient ids of each split; None deals them out at random, 64/16/20.
        seed: of the deal.
        limit: stop after this many slices.

    Yields:
        The plan; its cases are in the natural order of patient, nodule and slice.

    Raises:
        InputError: no slices, or an incomplete one, by name.
    """
    with open_members(paths) as members:
        strangers: list[str] = []
        slices = find_slices(members, strangers)
        if not slices:
            raise InputError(
                f"{', '.join(map(str, paths))}: no slices found; expected files such as "
                "LIDC-IDRI-slices/LIDC-IDRI-0001/nodule-0/images/slice-0.png"
            )
        order = sorted(slices, key=lambda key: (natural(key[0]), *key))[:limit]
        if splits is None:
            splits = random_splits((patient for patient, _, _ in order), seed)
        yield Plan(
            importer="lidc-png",
            about=ABOUT,
            cases=[Planned(case_name(key), key[0], partial(read_slice, key, slices[key])) for key in order],
            splits=splits,
            patients_known="given",
            skipped=[*members.skipped, *left_out(", ".join(map(str, paths)), strangers, OTHERS)],
            sources=files_of(member for key in order for member in slices[key].values()),
            orientation="LPS",  # measured against raw series: their rows and columns, pixel for pixel
            stretched=True,  # measured against raw series: native pixels, no window
        )


def find_slices(members: Sequence[Member], strangers: list[str]) -> dict[Slice, dict[str, Member]]:
    """Group the files of each slice by kind, `images` or `mask-<k>`, and see that none is missing or there twice.

    Args:
        members: all files.
        strangers: takes the names of those that are no slice.
    """
    slices: dict[Slice, dict[str, Member]] = {}
    for member in members:
        match = NAME.fullmatch(member.name)
        if match is None:
            strangers.append(member.name)
            continue
        key = (match["patient"], int(match["nodule"]), int(match["slice"]))
        kinds = slices.setdefault(key, {})
        if match["kind"] in kinds:
            raise InputError(f"{member}: the same slice is also in {kinds[match['kind']]}; give each only once")
        kinds[match["kind"]] = member
    expected = set().union(*slices.values()) | {"images"}
    for kinds in slices.values():
        for missing in sorted(expected - kinds.keys()):
            raise InputError(f"{next(iter(kinds.values()))}: this slice has no {missing} beside it; add the file")
    if slices and expected == {"images"}:
        raise InputError(f"{next(iter(slices.values()))['images']}: there is no mask-<k> folder beside images")
    return slices


def read_slice(key: Slice, kinds: Mapping[str, Member]) -> Case:
    """Decode the image and the masks of one slice."""
    image = read_grey(kinds["images"])
    names = sorted((kind for kind in kinds if kind != "images"), key=natural)
    return Case(
        image=decode_image(image)[None],  # [1, H, W]
        masks=np.stack([read_binary(kinds[name], image.shape) for name in names]),  # [K, H, W]
        case_id=case_name(key),
        patient_id=key[0],
    )


def case_name(key: Slice) -> str:
    """The id of the case of one slice."""
    return f"{key[0]}/nodule-{key[1]}/slice-{key[2]}"


def flags(parser: argparse.ArgumentParser) -> None:
    """What `atfm data import lidc-png` asks for."""
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="zip or folder")
    add_limit(parser, "slices")
    add_splits(parser)


def plan(args: argparse.Namespace, looking: Progress) -> Planning:
    """What it makes."""
    return plan_lidc_png(args.paths, splits=args.splits, seed=args.seed, limit=args.limit)


LIDC_PNG = Importer(
    name="lidc-png",
    summary="LIDC-IDRI as PNG slices",
    description="LIDC-IDRI-slices/<patient>/nodule-<n>/{images,mask-0..mask-3}/slice-<k>.png in folders or zips.",
    example="train.zip test.zip --splits patients.json --out lidc-store",
    flags=flags,
    plan=plan,
)
