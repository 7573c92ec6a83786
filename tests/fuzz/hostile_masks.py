"""Masks on a DICOM series: RT Structure Sets and Segmentations, and places, numbers and lengths that make no sense."""

import io
import struct
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np
from corpus import Files, Kind
from hostile_dicom import dataset, nested, slice_, stored
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian

__all__ = ["bare_kind", "segmentation_kind", "structures_kind"]

STRUCTURES, SEGMENTATION, LABELMAP = (f"1.2.840.10008.5.1.4.1.1.{end}" for end in ("481.3", "66.4", "66.7"))
SQUARE = [1.0, 1.0, 1.0, 5.0, 1.0, 1.0, 5.0, 4.0, 1.0, 1.0, 4.0, 1.0]
SLICES, ROWS, COLUMNS = 3, 6, 8


@cache
def series() -> Files:
    """Three slices that say in which coordinates they lie."""
    return {f"a/{k}.dcm": slice_(k, FrameOfReferenceUID="1.2.3.99") for k in (1, 2, 3)}


def beside(mask: bytes) -> Files:
    return {**series(), "m.dcm": mask}


def item(**fields: Any) -> Dataset:
    ds = Dataset()
    for keyword, value in fields.items():
        setattr(ds, keyword, Sequence(value) if keyword.endswith("Sequence") else value)
    return ds


def saved(ds: Dataset, kind: str) -> bytes:
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta.MediaStorageSOPClassUID, ds.file_meta.MediaStorageSOPInstanceUID = kind, "1.2.3.7"
    ds.SOPClassUID, ds.SOPInstanceUID = kind, "1.2.3.7"
    stream = io.BytesIO()
    ds.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


# ---- structures ----


def contour(points: list[float], kind: str = "CLOSED_PLANAR", **fields: Any) -> Dataset:
    made = item(ContourGeometricType=kind, NumberOfContourPoints=len(points) // 3, ContourData=points)
    for keyword, value in fields.items():
        setattr(made, keyword, value)
    return made


def structures(*contours: Dataset, **fields: Any) -> bytes:
    ds = item(
        Modality="RTSTRUCT",
        ReferencedFrameOfReferenceSequence=[item(FrameOfReferenceUID="1.2.3.99")],
        StructureSetROISequence=[item(ROINumber=1, ROIName="GTV", ReferencedFrameOfReferenceUID="1.2.3.99")],
        ROIContourSequence=[item(ReferencedROINumber=1, ContourSequence=list(contours or (contour(SQUARE),)))],
    )
    for keyword, value in fields.items():
        setattr(ds, keyword, value)
    return saved(ds, STRUCTURES)


def structures_kind() -> Kind:
    hole = contour([2.0, 2, 1, 4, 2, 1, 4, 3, 1, 2, 3, 1])
    valid = {
        "a structure": beside(structures()),
        "a structure with a hole": beside(structures(contour(SQUARE), hole)),
        "a structure of XOR": beside(
            structures(contour(SQUARE, "CLOSEDPLANAR_XOR"), contour(SQUARE, "CLOSEDPLANAR_XOR"))
        ),
    }
    hostile = {
        "no structure": lambda: structures(StructureSetROISequence=Sequence([])),
        "no contour": lambda: structures(ROIContourSequence=Sequence([])),
        "contours of nobody": lambda: structures(
            ROIContourSequence=Sequence([item(ReferencedROINumber=9, ContourSequence=[contour(SQUARE)])])
        ),
        "two of a number": lambda: structures(StructureSetROISequence=Sequence([item(ROINumber=1, ROIName="a")] * 2)),
        "a name of lines": lambda: structures(
            StructureSetROISequence=Sequence([item(ROINumber=1, ROIName="a\nb\x1b[2J" + "x" * 10**4)])
        ),
        "another frame": lambda: structures(
            StructureSetROISequence=Sequence(
                [item(ROINumber=1, ROIName="a", ReferencedFrameOfReferenceUID="9\\9")]
            )
        ),
        "one point": lambda: structures(contour(SQUARE[:3])),
        "two points": lambda: structures(contour(SQUARE[:6])),
        "ten coordinates": lambda: structures(contour(SQUARE[:10], NumberOfContourPoints=3)),
        "fewer points than it says": lambda: structures(contour(SQUARE, NumberOfContourPoints=2**31 - 1)),
        "a point far away": lambda: structures(contour([1e300, *SQUARE[1:]])),
        "points within reach": lambda: structures(contour([-9e4, -9e4, 1, 9e4, -9e4, 1, 0, 9e4, 1])),
        "points and lines": lambda: structures(contour(SQUARE, "POINT"), contour(SQUARE, "OPEN_PLANAR")),
        "an unknown type": lambda: structures(contour(SQUARE, "X" * 16)),
        "20,000 corners up and down": lambda: structures(contour(zigzag(20000))),
        "500 contours": lambda: structures(*[contour(SQUARE)] * 500),
        "sequences deep": lambda: structures() + nested(900),
        "out of plane": lambda: structures(contour([*SQUARE[:5], 2.5, *SQUARE[6:]])),
    }  # fmt: skip
    return Kind(valid, {name: partial(made_beside, make) for name, make in hostile.items()})


def zigzag(corners: int) -> list[float]:
    """An outline that crosses every row again and again."""
    points = np.column_stack([np.linspace(0, 5, corners), np.arange(corners) % 2 * 4.0, np.ones(corners)])
    return [float(value) for value in points.round(3).ravel()]


def made_beside(make: Callable[[], bytes]) -> Files:
    return beside(make())


# ---- segmentations ----


def frame(k: float, number: int = 1, **fields: Any) -> Dataset:
    return item(
        PlanePositionSequence=[item(ImagePositionPatient=fields.get("position", [0.0, 0.0, float(k)]))],
        SegmentIdentificationSequence=[item(ReferencedSegmentNumber=number)],
    )


def segmentation(
    kind: str = "BINARY", frames: tuple[Dataset, ...] = (), data: bytes | None = None, **fields: Any
) -> bytes:
    frames = frames or (frame(1), frame(3))
    bits = 1 if kind == "BINARY" else 8
    pixels = np.zeros((len(frames), ROWS, COLUMNS), np.uint8)
    pixels[:, 2:4, 3:6] = 1
    packed = np.packbits(pixels.ravel(), bitorder="little") if bits == 1 else pixels
    ds = item(
        Modality="SEG", SegmentationType=kind, FrameOfReferenceUID="1.2.3.99", NumberOfFrames=len(frames),
        Rows=ROWS, Columns=COLUMNS, SamplesPerPixel=1, PhotometricInterpretation="MONOCHROME2", BitsAllocated=bits,
        BitsStored=bits, HighBit=bits - 1, PixelRepresentation=0,
        SegmentSequence=[item(SegmentNumber=1, SegmentLabel="GTV")],
        SharedFunctionalGroupsSequence=[item(
            PlaneOrientationSequence=[item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])],
            PixelMeasuresSequence=[item(PixelSpacing=[0.7, 0.7], SliceThickness=1)],
        )],
        PerFrameFunctionalGroupsSequence=list(frames),
    )  # fmt: skip
    if kind == "FRACTIONAL":
        ds.MaximumFractionalValue = 1
    for keyword, value in fields.items():
        if value is None:
            delattr(ds, keyword)
        else:
            setattr(ds, keyword, value)
    ds.add_new("PixelData", "OB", bytes(packed.tobytes() if data is None else data) + b"\0" * (packed.size % 2))
    return saved(ds, SEGMENTATION if kind != "LABELMAP" else LABELMAP)


def segmentation_kind() -> Kind:
    valid = {f"a segmentation, {kind}": beside(segmentation(kind)) for kind in ("BINARY", "FRACTIONAL", "LABELMAP")}
    shared, numbered = "SharedFunctionalGroupsSequence", item(ReferencedSegmentNumber=1)

    def lying(orientation: list[float], spacing: list[float]) -> bytes:
        place = item(
            PlaneOrientationSequence=[item(ImageOrientationPatient=orientation)],
            PixelMeasuresSequence=[item(PixelSpacing=spacing)],
        )
        return segmentation(**{shared: Sequence([place])})

    hostile = {
        "no segment": lambda: segmentation(SegmentSequence=Sequence([])),
        "two of a number": lambda: segmentation(SegmentSequence=Sequence([item(SegmentNumber=1)] * 2)),
        "frames of nobody": lambda: segmentation(frames=(frame(1, 9),)),
        "more frames than descriptions": lambda: segmentation(NumberOfFrames=9),
        "2,000 frames": lambda: segmentation(frames=(frame(1),) * 2000),
        "no frame": lambda: segmentation(NumberOfFrames=0),
        "60000 x 60000": lambda: segmentation(Rows=60000, Columns=60000),
        "a pixel too few": lambda: segmentation(data=b"\xff" * 4),
        "no pixels": lambda: segmentation(data=b""),
        "bits of 7": lambda: segmentation(BitsAllocated=7),
        "bits of 32": lambda: segmentation(BitsAllocated=32),
        "an unknown type": lambda: segmentation(SegmentationType="SURFACE"),
        "fractions": lambda: segmentation("FRACTIONAL", data=bytes(range(96))),
        "of at most nothing": lambda: segmentation("FRACTIONAL", MaximumFractionalValue=0),
        "labels of nobody": lambda: segmentation("LABELMAP", data=bytes(range(96))),
        "another frame of reference": lambda: segmentation(FrameOfReferenceUID="9"),
        "no frame of reference": lambda: segmentation(FrameOfReferenceUID=None),
        "far away": lambda: segmentation(frames=(frame(1e5),)),
        "nowhere": lambda: segmentation(frames=(item(SegmentIdentificationSequence=[numbered]),)),
        "between the slices": lambda: segmentation(frames=(frame(1.5),)),
        "aside": lambda: segmentation(frames=(frame(1, position=[0.3, 0.0, 1.0]),)),
        "of half the size": lambda: lying([1, 0, 0, 0, 1, 0], [0.35, 0.35]),
        "of twice the size": lambda: lying([1, 0, 0, 0, 1, 0], [1.4, 1.4]),
        "of no size": lambda: lying([1, 0, 0, 0, 1, 0], [0, 0]),
        "upside down": lambda: lying([-1, 0, 0, 0, -1, 0], [0.7, 0.7]),
        "across": lambda: lying([0, 1, 0, 0, 0, 1], [0.7, 0.7]),
        "flat": lambda: lying([1, 0, 0, 1, 0, 0], [0.7, 0.7]),
        "a CT": lambda: slice_(2),
        "sequences deep": lambda: segmentation() + nested(900),
    }  # fmt: skip
    return Kind(valid, {name: partial(made_beside, make) for name, make in hostile.items()})


# ---- files without a preamble ----


def bare(content: bytes, *, meta: bool = False) -> bytes:
    """A file from its meta group or from its data set on."""
    length = struct.unpack("<I", content[140:144])[0]
    return content[132:] if meta else content[144 + length :]


def bare_kind() -> Kind:
    whole = [slice_(k) for k in (1, 2, 3)]
    valid = {
        "slices without a preamble": {f"a/{k}": bare(content) for k, content in enumerate(whole)},
        "slices from their meta group on": {f"a/{k}": bare(content, meta=True) for k, content in enumerate(whole)},
        "slices of both kinds": {"a/0": bare(whole[0]), "a/1": whole[1]},
    }
    hostile: dict[str, Callable[[], Files]] = {
        "eight zeros": lambda: {"a/0": b"\x08\0" + bytes(10), "a/1": whole[0]},
        "an element of 4 GB": lambda: {"a/0": b"\x08\0\x05\0\xff\xff\xff\x7f" + bytes(100), "a/1": whole[0]},
        "a meta group of 4 GB": lambda: {"a/0": b"\x02\0\0\0UL\x04\0\xff\xff\xff\xff" + bytes(100)},
        "a text": lambda: {"a/0": b"\x08\0\x05\0CS" + b"all the rest is words. " * 9, "a/1": whole[0]},
        "a big end of nothing": lambda: {"a/0": b"\0\x08\0\x05CS\0\x0aISO_IR 100" + bytes(30)},
        "a syntax that is none": lambda: {"a/0": stored(dataset(1)).replace(b"1.2.840.10008.1.2.1\0", bytes(20))},
        "an empty file": lambda: {"a/0": b"", "a/1": whole[0]},
    }
    return Kind(valid, hostile)
