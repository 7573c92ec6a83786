"""A small LIDC-IDRI as the archive ships it, for the tests of its importer."""

import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

Edge = Sequence[tuple[int, int]]  # (column, row)

WRITERS = Path(__file__).resolve().parents[1] / "io" / "dicom"


def writer(name: str) -> ModuleType:
    """One of the writers of DICOM files."""
    spec = importlib.util.spec_from_file_location(name, WRITERS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def dicom() -> ModuleType:
    """The writer of series."""
    return writer("dicom_writing")


@pytest.fixture(scope="session")
def masks() -> ModuleType:
    """The writer of structures and segmentations."""
    return writer("mask_writing")


def box(left: int, top: int, right: int, bottom: int) -> list[tuple[int, int]]:
    """The edge pixels of a rectangle, in order."""
    rows, columns = range(top, bottom + 1), range(left, right + 1)
    edge = [(x, top) for x in columns] + [(right, y) for y in rows[1:]]
    return edge + [(x, bottom) for x in reversed(columns[:-1])] + [(left, y) for y in reversed(rows[1:-1])]


def roi(instance: str, edge: Edge, inclusion: bool = True) -> str:
    """One outline."""
    points = "".join(f"<edgeMap><xCoord>{x}</xCoord><yCoord>{y}</yCoord></edgeMap>" for x, y in edge)
    return (
        f"<roi><imageZposition>-1.5</imageZposition><imageSOP_UID>{instance}</imageSOP_UID>"
        f"<inclusion>{str(inclusion).upper()}</inclusion>{points}</roi>"
    )


def message(series: str, readers: Sequence[Sequence[Sequence[str]]]) -> str:
    """A whole file: for each reader the nodules, each a list of `roi`."""
    sessions = []
    for nodules in readers:
        marks = "".join(
            f"<unblindedReadNodule><noduleID>N{number}</noduleID><characteristics><subtlety>5</subtlety>"
            f"</characteristics>{''.join(rois)}</unblindedReadNodule>"
            for number, rois in enumerate(nodules)
        )
        other = "<nonNodule><nonNoduleID>7</nonNoduleID><imageSOP_UID>0.0</imageSOP_UID></nonNodule>"
        sessions.append(f"<readingSession><annotationVersion>3.12</annotationVersion>{marks}{other}</readingSession>")
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<LidcReadMessage uid="1" xmlns="http://www.nih.gov" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><ResponseHeader>'
        f"<SeriesInstanceUid>{series}</SeriesInstanceUid></ResponseHeader>{''.join(sessions)}</LidcReadMessage>"
    )


@pytest.fixture(scope="session")
def xml() -> ModuleType:
    """`box`, `roi` and `message`."""
    module = ModuleType("xml_writing")
    module.box, module.roi, module.message = box, roi, message
    return module


VOLUME = np.random.default_rng(1).integers(-1400, 400, (7, 40, 48)).astype(np.int16)


@pytest.fixture
def lidc(tmp_path: Path, dicom: ModuleType) -> Callable[..., Path]:
    """Write one scan: `lidc("LIDC-IDRI-0001", readers)`; its series is `1.9.<last digits>` and gives its folder."""

    def write(patient: str, readers: Sequence[Sequence[Sequence[str]]] | None, number: int = 1, **fields) -> Path:
        series = f"1.9.{int(patient[-4:])}.{number}"
        folder = tmp_path / "tcia" / patient / f"study-{number}" / "3000566-NA"
        stored = fields.pop("stored", VOLUME + 1024)
        dicom.write_series(
            folder, stored, series=series, **{"RescaleIntercept": -1024, "PatientID": patient, "bits": 16, **fields}
        )
        if readers is not None:
            (folder / "069.xml").write_text(message(series, readers), encoding="utf-8")
        return folder

    return write
