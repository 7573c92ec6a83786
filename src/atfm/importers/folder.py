"""Any folder of images with one or several masks each, found by patterns of their names."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict
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
    add_window,
    at_least_one,
    fractions_of,
    size_of,
    window_of,
)
from atfm.importers.naming import Pattern
from atfm.importers.plan import Plan, Planned, Planning, Progress
from atfm.importers.stems import stems

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
        images: pattern of the images, such as `images/{case}.png` or `{patient}/{case}/image.nii.gz`.
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
        sources=[file for files in found.values() for file in (files.image, *files.masks.values())],
        arguments={"form": asdict(form)},
        classes=form.classes,
        ignore_label=form.ignore_label,
        class_names=class_names,
        patients_known="from names" if named else "assumed one per case",
        skipped=skipped,
        warnings=[hint] if hint else [],
    )


def flags(parser: argparse.ArgumentParser) -> None:
    """What `atfm data import folder` asks for."""
    add = parser.add_argument
    add("folder", type=Path, metavar="DIR", help="where the patterns begin")
    add("--images", required=True, metavar="PATTERN", help="such as 'images/{case}.png'")
    add("--masks", required=True, metavar="PATTERN", help="such as 'masks/{case}_{annotator}.png'")
    add("--classes", type=at_least_one, default=1, help="labels, background included (default: 1, binary)")
    add("--class-names", nargs="+", metavar="NAME", help="of the labels from 1 on (default: their numbers)")
    add("--ignore-label", type=at_least_one, help="a label of the masks that says nothing, such as 255")
    add_form(parser)
    add_window(parser)
    add("--dims", type=int, choices=(2, 3), help="spatial axes (default: as the files tell)")
    add("--patient", metavar="REGEX", help="its first group in the case's name is the patient")
    add("--skip-incomplete", action="store_true", help="leave out images without masks, and the reverse")
    add_about(parser)
    add_dealing(parser)


def form_of(args: argparse.Namespace) -> Form:
    """How the files become cases, by the flags."""
    return Form(
        classes=args.classes,
        size=size_of(args),
        grey=args.grey,
        window=window_of(args),
        spatial_dims=args.dims,
        ignore_label=args.ignore_label,
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
    description="PNG, JPEG, TIFF, NPY and NIfTI. In a pattern {case}, {annotator} and {patient} stand for a part of a "
    "name and * for anything; of two patterns that fit a name, the one that fixes more letters has it. Binary masks "
    "are 0 and 255, 0 and 1, or what is not transparent.",
    example="scans --images 'images/{case}.png' --masks 'masks/{case}_{annotator}.png' --size 128 128 --out store",
    flags=flags,
    plan=plan,
)
