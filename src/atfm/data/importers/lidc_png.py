"""LIDC-IDRI as PNG slices: `LIDC-IDRI-slices/<patient>/nodule-<n>/{images,mask-0..mask-3}/slice-<k>.png`.

Every mask folder is one annotator slot; slots without an annotation hold empty masks, and are kept as they are.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from atfm.data.case import Case
from atfm.data.importers.members import Member, open_members
from atfm.data.importers.naming import natural
from atfm.data.layout import StoreInfo, decode_image
from atfm.data.splits import random_splits
from atfm.data.store import StoreWriter
from atfm.errors import InputError
from atfm.io.raster import decode_raster

__all__ = ["import_lidc_png", "read_slice"]

NAME = re.compile(
    r"(?:.*/)?(?P<patient>[^/]+)/nodule-(?P<nodule>\d+)/(?P<kind>images|mask-\d+)/slice-(?P<slice>\d+)\.png"
)
LICENCE = "CC BY 3.0"
SOURCE = (
    "LIDC-IDRI, The Cancer Imaging Archive, doi 10.7937/K9/TCIA.2015.LO9QL9SX; Armato SG et al., Medical Physics "
    "38:915-931 (2011). The authors acknowledge the National Cancer Institute and the Foundation for the National "
    "Institutes of Health, and their critical role in the creation of the free publicly available LIDC/IDRI Database "
    "used in this study."
)

Slice = tuple[str, int, int]  # patient, nodule, slice
Progress = Callable[[int, int], object]


def import_lidc_png(
    paths: Sequence[Path],
    out: Path,
    *,
    splits: Mapping[str, Sequence[str]] | None = None,
    seed: int = 0,
    limit: int | None = None,
    progress: Progress = lambda done, total: None,
) -> StoreInfo:
    """Build a store from zips and folders of the PNG layout.

    Args:
        paths: zips or folders, in any order.
        out: the store to make.
        splits: patient ids of each split; None deals them out at random, 64/16/20.
        seed: of the deal.
        limit: stop after this many slices.
        progress: called with the slices done and their total after each of them.

    Returns:
        The information of the store; its cases are in the natural order of patient, nodule and slice.

    Raises:
        InputError: no slices, or one that is unreadable, coloured, incomplete, of another size or not binary, by name.
        DiskError: the store cannot be written.
    """
    with open_members(paths) as members:
        slices = find_slices(members)
        if not slices:
            raise InputError(
                f"{', '.join(map(str, paths))}: no slices found; expected files such as "
                "LIDC-IDRI-slices/LIDC-IDRI-0001/nodule-0/images/slice-0.png"
            )
        order = sorted(slices, key=lambda key: (natural(key[0]), *key))[:limit]
        if splits is None:
            splits = random_splits((patient for patient, _, _ in order), seed)
        with StoreWriter(
            out, name="lidc", licence=LICENCE, source=SOURCE, modality="CT", classes=1, splits=splits
        ) as writer:
            for done, key in enumerate(order, start=1):
                writer.add(read_slice(key, slices[key]))
                progress(done, len(order))
    return writer.info


def find_slices(members: Sequence[Member]) -> dict[Slice, dict[str, Member]]:
    """Group the files of each slice by kind, `images` or `mask-<k>`, and see that none is missing or there twice."""
    slices: dict[Slice, dict[str, Member]] = {}
    for member in members:
        match = NAME.fullmatch(member.name)
        if match is None:
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
    patient, nodule, number = key
    image = read_grey(kinds["images"])
    names = sorted((kind for kind in kinds if kind != "images"), key=natural)
    return Case(
        image=decode_image(image)[None],  # [1, H, W]
        masks=np.stack([read_binary(kinds[name], image.shape) for name in names]),  # [K, H, W]
        case_id=f"{patient}/nodule-{nodule}/slice-{number}",
        patient_id=patient,
    )


def read_grey(member: Member) -> np.ndarray:
    """One 8-bit grey PNG, `[H, W]` uint8."""
    picture = decode_raster(member.read(), str(member))
    if picture.mode not in ("L", "1"):
        raise InputError(f"{member}: expected an 8-bit grey PNG, got one of mode {picture.mode}")
    return np.asarray(picture.convert("L"))


def read_binary(member: Member, shape: tuple[int, ...]) -> np.ndarray:
    """One mask of 0 and 255 (or 1), `[H, W]` uint8 in {0, 1}."""
    mask = read_grey(member)
    if mask.shape != shape:
        raise InputError(f"{member}: a mask of {list(mask.shape)} pixels beside an image of {list(shape)}")
    top = mask.max()
    if top not in (0, 1, 255) or ((mask != 0) & (mask != top)).any():
        raise InputError(f"{member}: expected a mask of 0 and 255, got values {np.unique(mask)[:8].tolist()}")
    return (mask > 0).astype(np.uint8)
