"""The radiologists' XML of LIDC-IDRI: who drew which outlines on which images.

Of each reading session (a radiologist's second, unblinded look) the nodules of 3 mm and more count. Smaller ones,
marked by a single point, and what is no nodule are left out: LIDC's readers were to draw no outline of them.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from atfm.disk.machine import reading
from atfm.errors import InputError
from atfm.importers.naming import shown

__all__ = ["Outline", "Reading", "Roi", "read_xml"]

LARGEST_XML = 64 * 2**20  # the largest of LIDC-IDRI has about 3 MB
LARGEST_COORDINATE = 2**15 - 1
MOST_NODULES = 200  # of one reader
MOST_OUTLINES = 250  # nodules of all readers, which are compared two by two
MOST_READERS = 100  # LIDC-IDRI has four
MOST_POINTS = 20_000  # of one outline


@dataclass(frozen=True)
class Roi:
    """One closed outline on one image.

    Args:
        instance: SOP Instance UID of the image.
        inclusion: False where the outline cuts a hole.
        points: `[N, 2]` int16, the column and the row of each edge pixel, in order.
    """

    instance: str
    inclusion: bool
    points: np.ndarray


@dataclass(frozen=True)
class Outline:
    """One nodule as one radiologist saw it.

    Args:
        reader: number of the reading session, from 0.
        name: what the file calls the nodule.
        rois: its outlines on all images.
    """

    reader: int
    name: str
    rois: tuple[Roi, ...]


@dataclass(frozen=True)
class Reading:
    """One XML file.

    Args:
        file: where it lies.
        series: Series Instance UID of the scan that was read.
        readers: how many radiologists read it.
        outlines: of all of them.
        points: how many nodules were marked by a single point, as those below 3 mm are, and have no outline.
        digest: SHA-256 of the file's lines, whichever way they end: another system's copy is no other reading.
    """

    file: Path
    series: str
    readers: int
    outlines: tuple[Outline, ...]
    digest: str
    points: int = 0


class NoDoctype(ElementTree.TreeBuilder):
    """Builds the tree of a file that declares nothing: entities, which make a small file huge, would need it."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise InputError(f"declares a document type {shown(name)!r}, as LIDC's files never do; it is not read")


def read_xml(file: Path) -> Reading | None:
    """Read one file.

    Returns:
        None for an XML that is no reading of a CT scan, such as that of a radiograph.

    Raises:
        InputError: too large, not well-formed, with a document type, or an outline that makes no sense, by name.
    """
    try:
        with reading(file):
            if file.stat().st_size > LARGEST_XML:
                raise InputError(f"{file}: {file.stat().st_size} bytes, more than the {LARGEST_XML} of any reading")
            data = file.read_bytes()
    except OSError as error:
        raise InputError(f"{file}: cannot be read: {error.strerror}") from error
    try:
        root = ElementTree.fromstring(data, ElementTree.XMLParser(target=NoDoctype()))
        if tag(root) != "lidcreadmessage":
            return None
        sessions = list(named(root, "readingsession"))
        if len(sessions) > MOST_READERS:
            raise InputError(f"{len(sessions)} reading sessions, more than the {MOST_READERS} of any scan")
        nodules = [nodule for reader, session in enumerate(sessions) for nodule in nodules_of(session, reader)]
        outlines = [nodule for nodule in nodules if sum(len(roi.points) for roi in nodule.rois) > 1]
        if len(outlines) > MOST_OUTLINES:
            raise InputError(f"{len(outlines)} outlined nodules, more than the {MOST_OUTLINES} of any scan")
        series = next((text(node) for node in root.iter() if tag(node) == "seriesinstanceuid"), "")
        if not series or shown(series) != series:
            raise InputError("no SeriesInstanceUid, so nobody knows which scan it is about")
    except InputError as error:
        raise InputError(f"{file}: {error}") from error
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise InputError(f"{file}: cannot be read as XML, it is damaged: {shown(error)}") from error
    return Reading(file, series, len(sessions), tuple(outlines), digest_of(data), len(nodules) - len(outlines))


def digest_of(data: bytes) -> str:
    """SHA-256 of the lines of a text, without a byte order mark, their ends and empty ones at the end."""
    lines = data.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n").rstrip()
    return hashlib.sha256(lines).hexdigest()


def nodules_of(session: ElementTree.Element, reader: int) -> Iterator[Outline]:
    """The nodules of one session, also those of a single point or none, which have no outline."""
    for number, nodule in enumerate(named(session, "unblindedreadnodule"), start=1):
        if number > MOST_NODULES:
            raise InputError(f"more than {MOST_NODULES} nodules of reader {reader + 1}; it is damaged")
        name = next((text(node) for node in named(nodule, "noduleid")), "") or str(number)
        rois = tuple(roi_of(roi, f"nodule {shown(name)} of reader {reader + 1}") for roi in named(nodule, "roi"))
        yield Outline(reader, name, rois)


def roi_of(node: ElementTree.Element, name: str) -> Roi:
    """One outline."""
    instance = next((text(child) for child in named(node, "imagesop_uid")), "")
    inclusion = next((text(child) for child in named(node, "inclusion")), "").upper()
    points = [(coordinate(edge, "xcoord", name), coordinate(edge, "ycoord", name)) for edge in named(node, "edgemap")]
    if shown(instance) != instance or len(points) > MOST_POINTS:
        raise InputError(f"{name}: an outline of {len(points)} points on image {shown(instance)}; it is damaged")
    if not instance or inclusion not in ("TRUE", "FALSE") or not points:
        raise InputError(f"{name}: an outline without imageSOP_UID, inclusion TRUE or FALSE, or edgeMap")
    return Roi(instance, inclusion == "TRUE", np.array(points, np.int16))  # [N, 2]


def coordinate(edge: ElementTree.Element, axis: str, name: str) -> int:
    """A column or a row, whole and not below 0."""
    said = next((text(child) for child in named(edge, axis)), "")
    if not (said.isascii() and said.isdecimal()) or len(said) > 5 or int(said) > LARGEST_COORDINATE:
        raise InputError(f"{name}: expected a pixel's number for {axis}, got {said[:20]!r}")
    return int(said)


def named(node: ElementTree.Element, name: str) -> Iterator[ElementTree.Element]:
    """The children of a name, in whatever namespace and letters: LIDC's own files differ in both."""
    return (child for child in node if tag(child) == name)


def tag(node: ElementTree.Element) -> str:
    """A tag without its namespace, in small letters."""
    return str(node.tag).rpartition("}")[2].lower()


def text(node: ElementTree.Element) -> str:
    """What stands in an element."""
    return (node.text or "").strip()
