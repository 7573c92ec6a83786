"""Which scan belongs to which reading in a folder of LIDC-IDRI as The Cancer Imaging Archive ships it.

    LIDC-IDRI-0001/<study>/<series>/*.dcm and 069.xml

The XML names the series that it is about, and only that counts; it may lie anywhere.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from atfm.errors import InputError
from atfm.importers.lidc.xml import Reading, read_xml
from atfm.importers.naming import natural
from atfm.importers.plan import Progress
from atfm.io.dicom.headers import find_headers
from atfm.io.dicom.notes import Notes
from atfm.io.dicom.pixels import check_copies
from atfm.io.dicom.stack import Stack, stack_of
from atfm.io.hidden import is_hidden, passed_over

__all__ = ["Broken", "Scan", "Unread", "find_readings", "find_scans"]


@dataclass(frozen=True)
class Scan:
    """A series that somebody read.

    Args:
        patient: Patient ID.
        stack: its slices, without their pixels.
        reading: of its radiologists.
    """

    patient: str
    stack: Stack
    reading: Reading

    @property
    def series(self) -> str:
        """Series Instance UID."""
        return self.reading.series


@dataclass(frozen=True)
class Broken:
    """A series or folder that cannot be used.

    Args:
        patient: whose it is, as far as one can tell.
        series: Series Instance UID, if that is known.
        where: the folder.
        reason: the line that says why.
    """

    patient: str
    series: str
    where: Path
    reason: str


@dataclass(frozen=True)
class Unread:
    """A series that nobody read.

    Args:
        where: the folder.
        series: Series Instance UID.
        modality: such as CT.
    """

    where: Path
    series: str
    modality: str


def find_readings(paths: Sequence[Path], left_out: Notes) -> dict[str, Reading]:
    """Read every XML in files and folders, by the series that it is about.

    Args:
        paths: files and folders.
        left_out: takes the XML that are no reading of a CT scan, and readings that are there twice.

    Raises:
        InputError: a path that is not there, a file that cannot be read, or two different readings of one series.
    """
    readings: dict[str, Reading] = {}
    for file in dict.fromkeys(file for path in paths for file in xml_files(path)):
        reading = read_xml(file)
        if reading is None:
            left_out.add(file, "left out, an XML that is no reading of a CT scan")
            continue
        other = readings.setdefault(reading.series, reading)
        if other.digest != reading.digest:
            raise InputError(f"{file}: another reading of the same series than {other.file}; keep one of them")
        if other is not reading:
            left_out.add(file, "left out, a reading that is there twice")
    return readings


def xml_files(path: Path) -> list[Path]:
    """The XML files below a folder, in natural order and without hidden ones, or the file itself."""
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise InputError(f"{path}: no such file or folder")
    found = (
        file for file in path.rglob("*") if file.suffix.lower() == ".xml" and not is_hidden(file.relative_to(path))
    )
    return sorted(filter(Path.is_file, found), key=lambda file: natural(str(file)))


def find_scans(
    folders: Sequence[Path],
    readings: dict[str, Reading],
    left_out: Notes,
    *,
    allow_gaps: bool,
    skipped: list[str],
    progress: Progress,
) -> Iterator[Scan | Broken | Unread]:
    """Go through all folders that hold files, reading the headers of one at a time.

    Args:
        folders: where to begin.
        readings: by Series Instance UID.
        left_out: takes the files that are no image, and what was guessed of the others.
        allow_gaps: let scans through of which slices are missing.
        skipped: takes a line for each folder with hidden files.
        progress: called with the folders done and their total after each of them.
    """
    places: set[Path] = set()
    for folder in folders:
        files = [file for file in folder.rglob("*") if is_candidate(file)]
        unseen = {file for file in files if is_hidden(file.relative_to(folder))}
        skipped += passed_over(folder, (file.relative_to(folder).as_posix() for file in unseen))
        places |= {file.parent for file in files if file not in unseen}
    seen: dict[str, Path] = {}
    for done, place in enumerate(sorted(places, key=lambda place: natural(str(place))), start=1):
        for found in scans_of(place, readings, left_out, allow_gaps=allow_gaps):
            if isinstance(found, Scan):
                other = seen.setdefault(found.series, place)
                if other != place:
                    found = Broken(
                        found.patient, found.series, place, f"{place}: series {found.series} is also in {other}"
                    )
            yield found
        progress(done, len(places))


def is_candidate(file: Path) -> bool:
    """Whether a file might be an image, and is no reading."""
    return file.suffix.lower() != ".xml" and file.is_file()


def scans_of(
    place: Path, readings: dict[str, Reading], left_out: Notes, *, allow_gaps: bool
) -> Iterator[Scan | Broken | Unread]:
    """The series whose files lie in one folder."""
    files = sorted(file for file in place.iterdir() if is_candidate(file) and not is_hidden(file.name))
    try:
        headers, others = find_headers(files, named=False)
    except InputError as error:
        yield Broken(place.parent.parent.name, "", place, str(error))
        return
    left_out.update(others)
    for series, group in sorted(headers.items()):
        patient = group[0].patient or place.parent.parent.name
        if series not in readings:
            yield Unread(place, series, group[0].modality)
            continue
        try:
            stack = stack_of(group, allow_gaps=allow_gaps)
            check_copies(stack)
        except InputError as error:
            yield Broken(patient, series, place, str(error))
            continue
        for header in group:
            left_out.add(header.planes[0].file, *header.warnings)
        yield Scan(patient, stack, readings[series])
