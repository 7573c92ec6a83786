"""Any folder of images with one or several masks each, found by patterns of their names."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

from atfm.data.splits import FRACTIONS, random_splits
from atfm.importers.finding import find_cases
from atfm.importers.form import Form, read_formed
from atfm.importers.importer import (
    Importer,
    about_of,
    add_about,
    add_dealing,
    add_form,
    add_marking,
    add_window,
    at_least_one,
    fractions_of,
    rule_of,
    size_of,
    window_of,
)
from atfm.importers.naming import Pattern
from atfm.importers.orienting import choose
from atfm.importers.plan import Plan, Planned, Planning, Progress
from atfm.importers.stems import stems
from atfm.io.dicom.observers import check_pattern

__all__ = ["FOLDER", "plan_folder"]

AS_STORED = Form()


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
) -> Plan:
    """Look through a folder for the cases that a store can be made of.

    Args:
        folder: where the patterns begin.
        images: pattern of the images, such as `images/{case}.png` or `{patient}/{case}/image.nii.gz`; one that ends in
            a slash, such as `{case}/ct/`, names folders with a DICOM series each.
        masks: pattern of the masks, such as `masks/{case}_{annotator}.png`. A file that is an image is never a mask.
        form: how the files become cases.
        class_names: of every label but the background, in their order, if they have names.
        patient: regular expression whose first group in the case's name is the patient; without it and without
            `{patient}` in the pattern of the images every case is taken for a patient of its own, with a warning.
        splits: patient ids of each split; None deals them out at random.
        fractions: share of the patients for each split then.
        seed: of the deal.
        skip_incomplete: leave out images without masks and masks without an image, instead of refusing them.
        name: of the data set; the folder's if not given.
        licence: on which terms it may be used.
        source: where it comes from.
        modality: such as CT.

    Returns:
        The plan.

    Raises:
        InputError: patterns that find nothing, or an incomplete case, by name.
    """
    skipped: list[str] = []
    where = (Pattern(images), Pattern(masks))
    found = find_cases(folder, *where, patient, incomplete=skip_incomplete, skipped=skipped)
    named = patient is not None or "{patient}" in where[0].parts
    hint = None if named else stems(list(found))
    if form.roi is not None:
        check_pattern(form.roi)
    lie = choose([files.image for files in found.values()], form.orientation)
    form = replace(form, orientation=lie.target)
    if splits is None:
        splits = random_splits((case.patient_id for case in found.values()), seed, fractions)
    return Plan(
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
        sources=[
            file for files in found.values() for path in (files.image, *files.masks.values()) for file in inside(path)
        ],
        arguments={"form": asdict(form)},
        classes=form.classes,
        ignore_label=form.ignore_label,
        class_names=class_names,
        patients_known="from names" if named else "assumed one per case",
        skipped=skipped,
        orientation=lie.recorded,
        warnings=[*([hint] if hint else []), *lie.warnings],
    )


def inside(path: Path) -> list[Path]:
    """The files of a folder, or the file itself."""
    return sorted(filter(Path.is_file, path.rglob("*"))) if path.is_dir() else [path]


def flags(parser: argparse.ArgumentParser) -> None:
    """What `atfm data import folder` asks for."""
    add = parser.add_argument
    add("folder", type=Path, metavar="DIR", help="where the patterns begin")
    add("--images", required=True, metavar="PATTERN", help="such as 'images/{case}.png'")
    add("--masks", required=True, metavar="PATTERN", help="such as 'masks/{case}_{annotator}.png'")
    add("--classes", type=at_least_one, help="labels, background included (default: 1, binary; or as --labels has)")
    add("--class-names", nargs="+", metavar="NAME", help="of the labels from 1 on (default: their numbers)")
    add("--ignore-label", type=at_least_one, help="a label of the masks that says nothing, such as 255")
    add_marking(parser)
    add_form(parser)
    add_window(parser)
    roi = "which structure of a DICOM SEG or RTSTRUCT of several; its group, if it has one, is the observer"
    add("--roi", metavar="REGEX", help=roi)
    lies = "bring all images to it, such as LPS: where columns, rows and slices count up to (default: as most lie)"
    add("--orientation", metavar="LETTERS", help=lies)
    add("--dims", type=int, choices=(2, 3), help="spatial axes (default: as the files tell)")
    add("--patient", metavar="REGEX", help="its first group in the case's name is the patient")
    add("--skip-incomplete", action="store_true", help="leave out images without masks, and the reverse")
    add_about(parser)
    add_dealing(parser)


def form_of(args: argparse.Namespace) -> Form:
    """How the files become cases, by the flags."""
    rule = rule_of(args)
    highest = max((label for _, label in rule.labels if label != args.ignore_label), default=0)
    return Form(
        classes=args.classes or (highest + 1 if highest > 1 else 1),
        size=size_of(args),
        grey=args.grey,
        window=window_of(args),
        spatial_dims=args.dims,
        ignore_label=args.ignore_label,
        rule=rule,
        roi=args.roi,
        orientation=args.orientation,
    )


def plan(args: argparse.Namespace, looking: Progress) -> Planning:
    """What it makes."""
    return plan_folder(
        args.folder,
        images=args.images,
        masks=args.masks,
        form=form_of(args),
        class_names=args.class_names,
        patient=args.patient,
        splits=args.splits,
        fractions=fractions_of(args),
        seed=args.seed,
        skip_incomplete=args.skip_incomplete,
        **about_of(args),
    )


FOLDER = Importer(
    name="folder",
    summary="images with one or several masks each, found by patterns",
    description="Pictures (PNG, JPEG, TIFF, GIF, BMP, PPM), NPY, NIfTI, NRRD, MetaImage and DICOM: a pattern that ends "
    "in a slash names a folder for each series, and DICOM Segmentations and RT Structure Sets are masks on it. In a "
    "pattern {case}, {annotator} and {patient} stand for a part of a name and * for anything; of two patterns that fit "
    "a name, the one that fixes more letters has it. Binary masks are 0 and 255, 0 and 1, or one colour on a "
    "transparent ground; of others --foreground, --threshold or --labels says what they mean.",
    example="scans --images 'images/{case}.png' --masks 'masks/{case}_{annotator}.png' --size 128 128 --out store",
    flags=flags,
    plan=plan,
)
