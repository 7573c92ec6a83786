"""Dermoscopic images of the ISIC Archive with several segmentations each.

    ISIC_0000000.jpg                          an image, anywhere below the folder
    ISIC_0000000_segmentation.png             its masks: every name that goes on after the image's and has
    ISIC_0000000_<who>_segmentation_2.png     `segmentation` in it, in capitals or not, in whatever folder

Images without a segmentation, segmentations without their image, and with a filter images with another number of
annotators are left out, and listed.
"""

import argparse
import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

from atfm.data.patients import PatientsKnown
from atfm.data.splits import FRACTIONS, random_splits
from atfm.disk.machine import reading
from atfm.errors import InputError
from atfm.importers.finding import Found
from atfm.importers.form import Form, read_formed
from atfm.importers.importer import (
    Importer,
    about_of,
    add_about,
    add_dealing,
    add_form,
    add_marking,
    at_least_one,
    fractions_of,
    rule_of,
    size_of,
)
from atfm.importers.listing import listed
from atfm.importers.naming import natural, printable, shown
from atfm.importers.plan import Plan, Planned, Planning, Progress
from atfm.importers.remainder import left_out
from atfm.io.images import EXTENSIONS

__all__ = ["ISIC", "find_lesions", "plan_isic"]

SOURCE = "ISIC Archive, isic-archive.com"
AS_STORED = Form()


def plan_isic(
    folder: Path,
    *,
    annotators: int | None = None,
    form: Form = AS_STORED,
    patients: Path | None = None,
    splits: Mapping[str, Sequence[str]] | None = None,
    fractions: Mapping[str, float] = FRACTIONS,
    seed: int = 0,
    name: str = "isic",
    licence: str = "unknown",
    source: str = SOURCE,
    modality: str = "dermoscopy",
) -> Plan:
    """Look through a folder for images and their segmentations.

    Args:
        folder: searched with all folders below it.
        annotators: take only images with exactly so many; 3 gives the subset of the papers. None takes all.
        form: grey or colour, and of which size.
        patients: a metadata file of the archive, CSV with `isic_id`, `patient_id` and `lesion_id`; without it every
            image is a patient of its own.
        splits: patient ids of each split; None deals them out at random.
        fractions: share of the patients for each split then.
        seed: of the deal.
        name: of the data set.
        licence: on which terms it may be used; the archive's images have several.
        source: where it comes from.
        modality: of the images.

    Returns:
        The plan, its cases in natural order.

    Raises:
        InputError: no such folder, nothing left to import, two images of one name, or an unreadable metadata file.
    """
    skipped: list[str] = []
    owners = read_patients(patients) if patients else {}
    found = find_lesions(folder, annotators, owners, skipped)
    if splits is None:
        splits = random_splits((lesion.patient_id for lesion in found.values()), seed, fractions)
    return Plan(
        importer="isic",
        about={"name": name, "licence": licence, "source": source, "modality": modality},
        cases=[
            Planned(
                case_id,
                lesion.patient_id,
                partial(read_formed, case_id, lesion.patient_id, lesion.image, lesion.masks, form),
            )
            for case_id, lesion in found.items()
        ],
        splits=splits,
        window=form.window,
        sources=[file for lesion in found.values() for file in (lesion.image, *lesion.masks.values())],
        arguments={"form": asdict(form)},
        classes=form.classes,
        orientation="none",
        patients_known=how_known(found, owners),
        skipped=skipped,
        warnings=[] if patients else ["--patients metadata.csv, the archive's own table, tells whose the images are"],
    )


def how_known(found: Mapping[str, Found], owners: Mapping[str, str]) -> PatientsKnown:
    """Of how many images the table tells the patient or the lesion."""
    told = sum(name in owners for name in found)
    return "given" if told == len(found) else "partly" if told else "assumed one per case"


def find_lesions(
    folder: Path, annotators: int | None, patients: Mapping[str, str], skipped: list[str]
) -> dict[str, Found]:
    """Find the image and the masks of every case, in natural order.

    Args:
        folder: searched with all folders below it.
        annotators: how many a case must have; None for any number.
        patients: whose an image is; without an entry it is a patient of its own.
        skipped: takes a line for each file that is left out.

    Raises:
        InputError: no such folder, nothing left, or two images of one name.
    """
    names = listed(folder, skipped)
    files = [folder / name for name in names if name.lower().endswith(EXTENSIONS)]
    skipped += left_out(folder, (name for name in names if not name.lower().endswith(EXTENSIONS)), "no pictures")
    lesions: dict[str, Found] = {}
    for file in files:
        name = stem(file)
        printable(str(file.relative_to(folder)), folder)
        if "segmentation" in name.lower() or name.lower().endswith("_superpixels"):
            continue
        if name in lesions:
            raise InputError(f"{file}: there is another image of this name: {lesions[name].image}; keep one of them")
        lesions[name] = Found(file, patients.get(name, name))
    superpixels = [file.name for file in files if stem(file).lower().endswith("_superpixels")]
    skipped += left_out(folder, superpixels, "superpixels are no segmentation")
    if not lesions:
        raise InputError(f"{folder}: no images in it; expected files such as ISIC_0000000.jpg")
    for file in files:
        if "segmentation" in stem(file).lower():
            owner = image_of(stem(file), lesions)
            if owner is None:
                skipped.append(f"{file}: a segmentation without its image")
            else:
                lesions[owner].masks[file.relative_to(folder).as_posix()] = file
    return chosen(lesions, annotators, folder, skipped)


def chosen(lesions: Mapping[str, Found], annotators: int | None, folder: Path, skipped: list[str]) -> dict[str, Found]:
    """The cases with the wanted number of annotators, in natural order."""
    kept = {}
    for name in sorted(lesions, key=natural):
        count = len(lesions[name].masks)
        if count == 0:
            skipped.append(f"{lesions[name].image}: no segmentation of it")
        elif annotators is not None and count != annotators:
            skipped.append(f"{lesions[name].image}: {count} segmentations, not {annotators}")
        else:
            kept[name] = lesions[name]
    if not kept:
        wanted = f"exactly {annotators}" if annotators is not None else "any"
        raise InputError(
            f"{folder}: none of its {len(lesions)} images has {wanted} segmentations; expected files such as "
            "ISIC_0000000_segmentation.png beside ISIC_0000000.jpg"
        )
    return kept


def image_of(mask: str, lesions: Mapping[str, Found]) -> str | None:
    """The longest name of an image that the name of a mask goes on from: `a_1` and not `a` for `a_1_segmentation`."""
    head = mask
    while "_" in head:
        head = head.rpartition("_")[0]
        if head in lesions:
            return head
    return None


def read_patients(path: Path) -> dict[str, str]:
    """Whose each image is: its patient, or where that is not known its lesion, by the archive's metadata.

    Raises:
        InputError: unreadable, or without the columns.
    """
    try:
        with reading(path), path.open(newline="", encoding="utf-8-sig") as stream:
            rows = csv.DictReader(stream)
            columns = set(rows.fieldnames or ())
            if "isic_id" not in columns or not columns & {"patient_id", "lesion_id"}:
                raise InputError(
                    f"{path}: expected columns isic_id and patient_id or lesion_id, got {shown(sorted(columns)[:8])}"
                )
            owners = {row["isic_id"]: row.get("patient_id") or row.get("lesion_id") or "" for row in rows}
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a CSV file: {shown(error)}") from error
    return {image: owner for image, owner in owners.items() if owner}


def stem(file: Path) -> str:
    """The name without its extension."""
    return re.sub(r"\.gz$", "", file.name, flags=re.IGNORECASE).rpartition(".")[0]


def flags(parser: argparse.ArgumentParser) -> None:
    """What `atfm data import isic` asks for."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="searched with all folders below it")
    parser.add_argument("--annotators", type=at_least_one, help="only images with exactly so many segmentations")
    add_marking(parser)
    add_form(parser)
    parser.add_argument(
        "--patients", type=Path, metavar="CSV", help="the archive's metadata: isic_id, patient_id, lesion_id"
    )
    add_about(parser)
    add_dealing(parser)


def plan(args: argparse.Namespace, looking: Progress) -> Planning:
    """What it makes."""
    return plan_isic(
        args.folder,
        annotators=args.annotators,
        form=Form(grey=args.grey, size=size_of(args), rule=rule_of(args)),
        patients=args.patients,
        splits=args.splits,
        fractions=fractions_of(args),
        seed=args.seed,
        **about_of(args),
    )


ISIC = Importer(
    name="isic",
    summary="images of the ISIC Archive with several segmentations each",
    description="ISIC_0000000.jpg, and every ISIC_0000000_*segmentation* for it, anywhere below the folder. Images "
    "without a segmentation, or with another number of them than --annotators, are left out and listed.",
    example="archive --annotators 3 --grey --size 128 128 --out isic3-store",
    flags=flags,
    plan=plan,
)
