"""The files of each case in a folder, found by patterns of their names."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from atfm.errors import InputError
from atfm.importers.listing import listed
from atfm.importers.naming import Pattern, natural, printable, shown
from atfm.importers.remainder import left_out
from atfm.importers.sides import Sides

__all__ = ["Found", "find_cases"]


@dataclass
class Found:
    """The files of one case.

    Args:
        image: path of the image.
        patient_id: whose it is.
        masks: path of each annotator's mask.
    """

    image: Path
    patient_id: str
    masks: dict[str, Path] = field(default_factory=dict)


def find_cases(
    folder: Path,
    images: Pattern,
    masks: Pattern,
    patient: str | None = None,
    *,
    incomplete: bool = False,
    skipped: list[str] | None = None,
) -> dict[str, Found]:
    """Find the files of every case, in natural order of the cases.

    Where images and masks lie side by side and a name fits both patterns, the more specific one has it, the images' if
    neither is; a file that no image could have a mask in is an image.

    Args:
        folder: where the patterns begin; hidden files are passed over.
        images: pattern of the images.
        masks: pattern of the masks.
        patient: regular expression whose first group in the case's name is the patient.
        incomplete: leave out images without masks and masks without an image, instead of refusing them.
        skipped: takes a line for each file that is left out, and one for all hidden ones.

    Raises:
        InputError: no such folder, nothing found, two files for one image or mask, or an incomplete case.
        AmbiguousError: a file that may be an image with masks of its own or a mask of another image.
    """
    skipped = [] if skipped is None else skipped
    names = listed(folder, skipped, folders=any(pattern.text.endswith("/") for pattern in (images, masks)))
    if "{annotator}" in images.parts:
        raise InputError(
            f"pattern {images.text!r}: an image has no {{annotator}}; put it into the pattern of the masks"
        )
    sides = Sides(folder, names, images, masks)
    cases: dict[str, Found] = {}
    for name, match in sides.images.items():
        printable(name, folder)
        case_id = sides.case_of(match)
        if case_id in cases:
            raise InputError(f"{folder / name}: case {case_id} has an image already: {cases[case_id].image}")
        cases[case_id] = Found(folder / name, match.get("patient") or patient_of(match["case"], patient))
    if not cases:
        raise InputError(f"{folder}: no file fits the pattern {images.text!r} of the images; {examples(names)}")
    orphans = [name for name in sides.others if not place(name, sides, cases)]
    inside = tuple(name for name in sides.images if name.endswith("/"))
    strangers = (name for name in sides.others if not any(masks.matches(name)) and not name.startswith(inside))
    skipped += left_out(folder, (name for name in strangers if not name.endswith("/")), "they fit neither pattern")
    return complete(cases, orphans, sides, skipped if incomplete else None)


def place(name: str, sides: Sides, cases: Mapping[str, Found]) -> bool:
    """Give a mask to its case; False for a mask of a case that has no image."""
    readings = list(sides.masks.matches(name))
    if readings:
        printable(name, sides.folder)
    for match in readings:
        case_id = sides.case_of(match)
        if case_id not in cases:
            continue
        masks_of, annotator = cases[case_id].masks, match.get("annotator", "")
        if annotator in masks_of:
            who = f"of annotator {annotator}" if annotator else "and the pattern has no {annotator}"
            raise InputError(f"{sides.folder / name}: case {case_id} has a mask already {who}: {masks_of[annotator]}")
        masks_of[annotator] = sides.folder / name
        return True
    return not readings


def complete(
    cases: Mapping[str, Found], orphans: Sequence[str], sides: Sides, skipped: list[str] | None
) -> dict[str, Found]:
    """The cases that have masks; the others are an error, or left out with a line in `skipped`."""
    folder, masks = sides.folder, sides.masks
    whole = {case_id: files for case_id, files in cases.items() if files.masks}
    if not whole:
        raise InputError(f"{folder}: no mask fits the pattern {masks.text!r} and a case; {sides.why_no_mask(orphans)}")
    lonely = sorted(cases.keys() - whole.keys(), key=natural)
    lines = [f"{cases[case_id].image}: no mask of this image fits {masks.text!r}" for case_id in lonely]
    lines += [f"{folder / orphan}: a mask without an image" for orphan in orphans]
    if skipped is None and lines:
        raise InputError(f"{lines[0]}; --skip-incomplete leaves it out")
    if skipped is not None:
        skipped += lines
    return {case_id: whole[case_id] for case_id in sorted(whole, key=natural)}


def patient_of(case_id: str, pattern: str | None) -> str:
    """The first group of a regular expression in the name of a case."""
    if pattern is None:
        return case_id
    try:
        match = re.search(pattern, case_id)
    except re.error as error:
        raise InputError(f"patient {pattern!r}: not a regular expression: {error}") from error
    if match is None or not match.groups() or not match[1]:
        raise InputError(f"patient {pattern!r}: no group of it fits case {case_id!r}; an example is '^([^_]+)_'")
    return match[1]


def examples(names: Sequence[str]) -> str:
    """A few of the names that are there, for an error."""
    return f"it holds {', '.join(map(shown, names[:3]))} ..." if names else "it holds no file at all"
