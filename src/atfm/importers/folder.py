"""Any folder of images with one or several masks each, found by patterns of their names."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from atfm.data.layout import StoreInfo
from atfm.data.splits import FRACTIONS, random_splits
from atfm.errors import InputError
from atfm.importers.build import build
from atfm.importers.form import Form, read_formed
from atfm.importers.naming import natural, printable, shown
from atfm.importers.patterns import Pattern
from atfm.importers.plan import Plan, Planned, Progress

__all__ = ["Found", "find_cases", "import_folder", "plan_folder"]

AS_STORED = Form()


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


@contextmanager
def plan_folder(
    folder: Path,
    *,
    images: str,
    masks: str,
    form: Form = AS_STORED,
    class_names: Sequence[str] | None = None,
    patient: str | None = None,
    splits: Mapping[str, Sequence[str]] | None = None,
    fractions: Mapping[str, float] = FRACTIONS,
    seed: int = 0,
    skip_incomplete: bool = False,
    name: str | None = None,
    licence: str = "unknown",
    source: str = "unknown",
    modality: str = "unknown",
) -> Iterator[Plan]:
    """Look through a folder for the cases that a store can be made of.

    Args:
        folder: where the patterns begin.
        images: pattern of the images, such as `images/{case}.png` or `{patient}/{case}/image.nii.gz`.
        masks: pattern of the masks, such as `masks/{case}_{annotator}.png`. A file that is an image is never a mask.
        form: how the files become cases.
        class_names: of every label but the background, in their order, if they have names.
        patient: regular expression whose first group in the case's name is the patient; without it and without
            `{patient}` in the pattern every case is a patient of its own.
        splits: patient ids of each split; None deals them out at random.
        fractions: share of the patients for each split then.
        seed: of the deal.
        skip_incomplete: leave out images without masks and masks without an image, instead of refusing them.
        name: of the data set; the folder's if not given.
        licence: on which terms it may be used.
        source: where it comes from.
        modality: such as CT.

    Yields:
        The plan.

    Raises:
        InputError: patterns that find nothing, or an incomplete case, by name.
    """
    skipped: list[str] | None = [] if skip_incomplete else None
    found = find_cases(folder, Pattern(images), Pattern(masks), patient, skipped=skipped)
    if splits is None:
        splits = random_splits((case.patient_id for case in found.values()), seed, fractions)
    yield Plan(
        importer="folder",
        about={
            "name": name or folder.resolve().name,
            "licence": licence,
            "source": source,
            "modality": modality,
        },
        cases=[
            Planned(
                case_id,
                files.patient_id,
                partial(read_formed, case_id, files.patient_id, files.image, files.masks, form),
            )
            for case_id, files in found.items()
        ],
        splits=splits,
        window=form.window,
        sources=[file for files in found.values() for file in (files.image, *files.masks.values())],
        arguments={"form": asdict(form)},
        classes=form.classes,
        ignore_label=form.ignore_label,
        class_names=class_names,
        skipped=skipped or (),
    )


def import_folder(
    folder: Path, out: Path, *, progress: Progress = lambda done, total: None, **options: Any
) -> StoreInfo:
    """Build a store from a folder, one case in memory at a time.

    Args:
        folder: where the patterns begin.
        out: the store to make.
        progress: called with the cases done and their total after each of them.
        options: of `plan_folder`.

    Raises:
        InputError: patterns that find nothing, an incomplete case, or a file that cannot be used, by name.
        DiskError: the store cannot be written.
    """
    with plan_folder(folder, **options) as plan:
        return build(plan, out, progress)


def find_cases(
    folder: Path, images: Pattern, masks: Pattern, patient: str | None = None, *, skipped: list[str] | None = None
) -> dict[str, Found]:
    """Find the files of every case, in natural order of the cases.

    Args:
        folder: where the patterns begin.
        images: pattern of the images.
        masks: pattern of the masks.
        patient: see `plan_folder`.
        skipped: takes a line for each incomplete case that is left out; None refuses them.

    Raises:
        InputError: no such folder, nothing found, two files for one image or mask, or an incomplete case.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder")
    names = sorted((file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()), key=natural)
    if "{annotator}" in images.parts:
        raise InputError(
            f"pattern {images.text!r}: an image has no {{annotator}}; put it into the pattern of the masks"
        )
    # Two patients may both have a case `visit-1`; the patient tells them apart where both patterns name it.
    by_patient = "{patient}" in images.parts and "{patient}" in masks.parts
    cases: dict[str, Found] = {}
    rest = []
    for name in names:
        match = next(images.matches(name), None)
        case_id = named(match, by_patient) if match and printable(name, folder) else ""
        if match is None:
            rest.append(name)
        elif case_id in cases:
            raise InputError(f"{folder / name}: case {case_id} has an image already: {cases[case_id].image}")
        else:
            cases[case_id] = Found(folder / name, match.get("patient") or patient_of(match["case"], patient))
    if not cases:
        raise InputError(f"{folder}: no file fits the pattern {images.text!r} of the images; {examples(names)}")
    orphans = [name for name in rest if not place(name, masks, cases, folder, by_patient)]
    return complete(cases, orphans, folder, masks, skipped)


def named(match: Mapping[str, str], by_patient: bool) -> str:
    """The id of the case that a name was read as."""
    return f"{match['patient']}/{match['case']}" if by_patient else match["case"]


def place(name: str, masks: Pattern, cases: Mapping[str, Found], folder: Path, by_patient: bool) -> bool:
    """Give a mask to its case; False for a mask of a case that has no image."""
    readings = list(masks.matches(name))
    if readings:
        printable(name, folder)
    for match in readings:
        case_id = named(match, by_patient)
        if case_id not in cases:
            continue
        masks_of, annotator = cases[case_id].masks, match.get("annotator", "")
        if annotator in masks_of:
            who = f"of annotator {annotator}" if annotator else "and the pattern has no {annotator}"
            raise InputError(f"{folder / name}: case {case_id} has a mask already {who}: {masks_of[annotator]}")
        masks_of[annotator] = folder / name
        return True
    return not readings


def complete(
    cases: Mapping[str, Found], orphans: Sequence[str], folder: Path, masks: Pattern, skipped: list[str] | None
) -> dict[str, Found]:
    """The cases that have masks; the others are an error, or left out with a line in `skipped`."""
    whole = {case_id: files for case_id, files in cases.items() if files.masks}
    if not whole:
        raise InputError(f"{folder}: no mask fits the pattern {masks.text!r} and a case; {examples(orphans)}")
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
    return f"it holds {', '.join(map(shown, names[:3]))} ..." if names else "it holds no other file"
