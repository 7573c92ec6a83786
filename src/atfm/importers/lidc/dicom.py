"""LIDC-IDRI as The Cancer Imaging Archive ships it: DICOM series and the radiologists' XML -> crops round the nodules.

Every nodule becomes a crop of one size in the pixels of the scan, centred on the box of all its masks; what lies
outside the scan has the lowest value. There is a case for each slice on which somebody drew something,
`LIDC-IDRI-0001/nodule-0/slice-87` (the slice counts from the first by position), or one for each nodule as a volume.
Each radiologist has a mask, an empty one where they drew nothing.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal

from atfm.data.case import Case
from atfm.data.splits import random_splits
from atfm.errors import InputError
from atfm.importers.importer import Importer, add_limit, add_splits, at_least_one, window_of
from atfm.importers.lidc import ABOUT
from atfm.importers.lidc.crops import LUNG, Cuttable, NoduleCrop, cut_out, cuttable
from atfm.importers.lidc.nodules import find_nodules
from atfm.importers.lidc.scans import Broken, Unread, find_readings, find_scans
from atfm.importers.naming import natural
from atfm.importers.plan import Plan, Planned, Planning, Progress
from atfm.io.dicom.notes import Notes
from atfm.io.volumes.turn import AXIAL

__all__ = ["LIDC_DICOM", "NoduleCrop", "plan_lidc_dicom"]

USUAL = NoduleCrop()


@dataclass
class FoundScans:
    """What the folders hold.

    Args:
        scans: with their nodules.
        sources: every file that matters.
        broken: scans that cannot be used.
        skipped: what is left out on purpose, a line for each.
    """

    scans: list[Cuttable] = field(default_factory=list)
    sources: list[Path] = field(default_factory=list)
    broken: list[Broken] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)


@contextmanager
def plan_lidc_dicom(
    folders: Sequence[Path],
    *,
    xml: Sequence[Path] = (),
    crop: NoduleCrop = USUAL,
    allow_gaps: bool = False,
    broken: Literal["refuse", "skip", "list"] = "refuse",
    splits: Mapping[str, Sequence[str]] | None = None,
    seed: int = 0,
    limit: int | None = None,
    looking: Progress = lambda done, total: None,
) -> Iterator[Plan]:
    """Look through folders of DICOM series, reading headers and XML, no pixels.

    Args:
        folders: searched with all folders below them.
        xml: further files and folders with readings.
        crop: how nodules are cut out.
        allow_gaps: let scans through that lack slices on which nobody drew, or are unevenly spaced.
        broken: what becomes of a scan that cannot be used: "refuse" the import, "skip" it and say so, or "list" it
            among the cases, as one that cannot be read, for a dry run.
        splits: patient ids of each split; None deals them out at random, 64/16/20.
        seed: of the deal.
        limit: stop after this many cases.
        looking: called with the folders looked through and their total after each of them.

    Yields:
        The plan; its cases are in the natural order of patient, series, nodule and slice.

    Raises:
        InputError: no scan with a reading, an XML that cannot be read, or a scan that cannot be used, by name.
    """
    found = look_through(folders, xml, crop, allow_gaps=allow_gaps, refuse=broken == "refuse", looking=looking)
    planned = cases_of(found.scans, crop)[:limit]
    patients = [case.patient_id for case in planned]
    if broken == "list":
        planned += [
            Planned(f"{one.patient}: {one.where}", one.patient, partial(refused, one.reason)) for one in found.broken
        ]
    else:
        found.skipped += [one.reason for one in found.broken]
    if not planned:
        reasons = [*(one.reason for one in found.broken), *found.skipped]
        why = f"; {reasons[0]}" if reasons else ""
        raise InputError(
            f"{', '.join(map(str, folders))}: no nodule found; expected folders such as LIDC-IDRI-0001/<study>/"
            f"<series> with DICOM files and the radiologists' XML{why}"
        )
    yield Plan(
        importer="lidc-dicom",
        about=ABOUT,
        cases=planned,
        splits=random_splits(patients, seed) if splits is None else splits,
        window=crop.window,
        sources=found.sources,
        arguments={"crop": asdict(crop), "allow_gaps": allow_gaps},
        orientation=AXIAL,
        patients_known="given",
        skipped=found.skipped,
    )


def look_through(
    folders: Sequence[Path], xml: Sequence[Path], crop: NoduleCrop, *, allow_gaps: bool, refuse: bool, looking: Progress
) -> FoundScans:
    """Find all scans with a reading; with `refuse`, the first that cannot be used is an error."""
    left_out = Notes()
    readings = find_readings([*folders, *xml], left_out)
    found, met = FoundScans(), set()
    points = empty = 0
    scans = find_scans(folders, readings, left_out, allow_gaps=allow_gaps, skipped=found.skipped, progress=looking)
    for scan in scans:
        if isinstance(scan, Unread):
            found.skipped.append(f"{scan.where}: no XML is about this {scan.modality} series, {scan.series}")
            continue
        met.add(scan.series)
        if not isinstance(scan, Broken):
            try:
                nodules = find_nodules(scan.stack, scan.reading)
                kept = cuttable(scan, nodules, crop)
            except InputError as error:
                scan = Broken(scan.patient, scan.series, scan.stack.planes[0].file.parent, str(error))
        if isinstance(scan, Broken):
            if refuse:
                raise InputError(f"{scan.reason}; --skip-broken leaves such scans out")
            found.broken.append(scan)
            continue
        found.scans.append(kept)
        points += scan.reading.points
        drawn = sum(len(marks) for nodule in nodules for marks in nodule.marks.values())
        empty += len(scan.reading.outlines) - drawn
        found.sources += [scan.reading.file, *(plane.file for plane in kept.planes.values())]
        if kept.few:
            found.skipped.append(f"{scan.reading.file}: {kept.few} nodule(s) drawn by fewer than {crop.min_readers}")
    for series in sorted(readings.keys() - met, key=natural):
        found.skipped.append(f"{readings[series].file}: about series {series}, which is not there")
    found.skipped += left_out.lines()
    if points:
        found.skipped.append(f"{points} nodule(s) of one radiologist each: marked by a point, as those below 3 mm are")
    if empty:
        found.skipped.append(f"{empty} outline(s) of one radiologist each: no pixel lies within them")
    return found


def refused(reason: str) -> Case:
    """What reading a case of a scan comes to that cannot be used."""
    raise InputError(reason)


def cases_of(scans: Sequence[Cuttable], crop: NoduleCrop) -> list[Planned]:
    """Name and number what will be cut out; nodules are counted through all scans of a patient."""
    planned: list[Planned] = []
    numbers: dict[str, int] = {}
    for scan in sorted(scans, key=lambda scan: (natural(scan.patient), natural(scan.series))):
        for nodule in scan.nodules:
            number = numbers[scan.patient] = numbers.get(scan.patient, -1) + 1
            for slices in crop.slices(nodule):
                case_id = f"{scan.patient}/nodule-{number}"
                if crop.volumes is None:
                    case_id += f"/slice-{slices.start}"
                planned.append(Planned(case_id, scan.patient, partial(cut_out, scan, nodule, crop, case_id, slices)))
    return planned


def flags(parser: argparse.ArgumentParser) -> None:
    """What `atfm data import lidc-dicom` asks for."""
    add = parser.add_argument
    add("folders", nargs="+", type=Path, metavar="DIR", help="searched with all folders below it")
    add("--xml", nargs="+", type=Path, default=[], metavar="PATH", help="more readings: XML files or folders of them")
    add("--crop", type=at_least_one, default=128, metavar="N", help="height and width in pixels (default: 128)")
    add(
        "--window",
        type=float,
        nargs=2,
        metavar=("LO", "HI"),
        help="Hounsfield units that become black and white (default: -1350 150, the lung's)",
    )
    fewer = "leave out nodules that fewer radiologists drew (default: 1)"
    add("--min-readers", type=at_least_one, default=1, metavar="N", help=fewer)
    volumes = "one volume of D slices a nodule (default: one image a slice)"
    add("--volumes", type=at_least_one, metavar="D", help=volumes)
    add("--allow-gaps", action="store_true", help="take scans of which slices are missing or unevenly spaced")
    add("--skip-broken", action="store_true", help="leave out scans that cannot be used, and list them")
    add_limit(parser)
    add_splits(parser)


def plan(args: argparse.Namespace, looking: Progress) -> Planning:
    """What it makes; to look through the whole of LIDC-IDRI takes minutes."""
    return plan_lidc_dicom(
        args.folders,
        xml=args.xml,
        crop=NoduleCrop(args.crop, window_of(args) or LUNG, args.volumes, args.min_readers),
        allow_gaps=args.allow_gaps,
        broken="skip" if args.skip_broken else "list" if args.dry_run else "refuse",
        splits=args.splits,
        seed=args.seed,
        limit=args.limit,
        looking=looking,
    )


LIDC_DICOM = Importer(
    name="lidc-dicom",
    summary="LIDC-IDRI as DICOM series and the radiologists' XML",
    description="Folders with LIDC-IDRI-0001/<study>/<series>/*.dcm and an XML beside them, as The Cancer Imaging "
    "Archive ships them. Outlines become masks by LIDC's rule (what is drawn lies outside), those of several "
    "radiologists are joined into nodules, and each nodule is cut out with a mask of every radiologist.",
    example="manifest/LIDC-IDRI --skip-broken --out lidc-store",
    flags=flags,
    plan=plan,
    looking="looking through folders",
)
