"""`read_observers`: the masks in a DICOM Segmentation or an RT Structure Set on the series that they were drawn on.

One file is one observer, with one structure. Of several structures in a file a regular expression says which is meant,
and it has to fit one; if it has a group, what the group fits is the name of an observer, so that `^GTV_(.+)$` makes
three observers of GTV_ann, GTV_bob and GTV_eve. Structures are never joined.
"""

import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from atfm.errors import AmbiguousError, InputError, UnsupportedError
from atfm.io.decoding import brief
from atfm.io.dicom.contours import draw, rois_of
from atfm.io.dicom.file import kind_of, open_dicom
from atfm.io.dicom.grid import Grid
from atfm.io.dicom.laying import lay
from atfm.io.dicom.segments import SEGMENTATIONS, segmentation_of

if TYPE_CHECKING:
    from pydicom import Dataset

__all__ = ["Observers", "check_pattern", "read_observers"]

STRUCTURE_SET = "1.2.840.10008.5.1.4.1.1.481.3"
LISTED = 8

Structure = tuple[str, Callable[[], tuple[np.ndarray, list[str]]]]  # its name, and what makes its mask and notes


class Observers(NamedTuple):
    """What one file holds.

    Args:
        masks: `[D, H, W]` bool of each observer, by name; the name is "" where the file is one observer.
        warnings: what was left out or guessed, a sentence each.
    """

    masks: dict[str, np.ndarray]
    warnings: tuple[str, ...]


def check_pattern(pattern: str) -> None:
    """See that a regular expression is one, with one group at most.

    Raises:
        InputError: it is none.
    """
    try:
        groups = re.compile(pattern).groups
    except re.error as error:
        raise InputError(f"--roi {pattern!r}: not a regular expression: {error}") from error
    if groups > 1:
        raise InputError(f"--roi {pattern!r}: {groups} groups; expected one at most, the observer's name")


def read_observers(path: Path, grid: Grid, roi: str | None = None) -> Observers:
    """Read the masks of one file.

    Args:
        path: a DICOM Segmentation or an RT Structure Set.
        grid: of the series that it has to lie on.
        roi: regular expression for the name of the structure; needed where a file has several. Its group, if it has
            one, is the observer.

    Raises:
        InputError: damaged, no structure of that name, or masks that do not lie on the series.
        AmbiguousError: several structures, and no word of which is meant.
        UnsupportedError: another kind of DICOM.
    """
    with open_dicom(path, pixels=True) as ds:
        structures = structures_of(ds, path, grid)
        masks: dict[str, np.ndarray] = {}
        warnings: list[str] = []
        for observer, (_, make) in chosen(structures, roi, path).items():
            masks[observer], notes = make()
            warnings += notes
        return Observers(masks, tuple(dict.fromkeys(warnings)))


def structures_of(ds: "Dataset", path: Path, grid: Grid) -> list[Structure]:
    """The structures of a file by name, none of them drawn yet."""
    uid = str(ds.get("SOPClassUID") or ds.file_meta.get("MediaStorageSOPClassUID") or "")
    if uid in SEGMENTATIONS:
        found = segmentation_of(ds, path)
        return [(each.name, partial(lay, found, each, grid, path)) for each in found.segments]
    if uid == STRUCTURE_SET:
        return [(each.name, partial(draw, each, grid, path)) for each in rois_of(ds, path)]
    raise UnsupportedError(
        f"{path}: a {kind_of(ds) or 'DICOM of no known kind'} is no mask; DICOM Segmentations and RT Structure Sets are"
    )


def chosen(structures: Sequence[Structure], roi: str | None, path: Path) -> dict[str, Structure]:
    """The structures that are meant, by observer."""
    names = ", ".join(repr(brief(name, 40)) for name, _ in structures[:LISTED])
    names += f" and {len(structures) - LISTED} more" if len(structures) > LISTED else ""
    if roi is None:
        if len(structures) > 1:
            raise AmbiguousError(f"{path}: {len(structures)} structures, {names}; say which is meant with --roi REGEX")
        return {"": structures[0]}
    check_pattern(roi)
    found: dict[str, Structure] = {}
    for structure in structures:
        match = re.search(roi, structure[0])
        if match is None:
            continue
        observer = (match[1] or "") if match.re.groups else ""
        if observer in found:
            both = f"{brief(found[observer][0], 40)!r} and {brief(structure[0], 40)!r}"
            raise AmbiguousError(
                f"{path}: --roi {roi!r} fits {both} of {names}; make it fit one, such as '^name$', or put a group "
                "round the observer's name, such as '^name_(.+)$'"
            )
        found[observer] = structure
    if not found:
        raise InputError(f"{path}: no structure fits --roi {roi!r}; it has {names}")
    return found
