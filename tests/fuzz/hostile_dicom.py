"""DICOM series: valid ones, and heads, lengths and places that make no sense."""

import io
import struct
import zlib
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np
from corpus import Files, Kind, Link
from hostile_rasters import COLOUR, GREY, saved, zeros
from pydicom import config
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import (
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

__all__ = ["dicom_kind", "one_other", "series", "slice_", "values", "whole"]

UNKNOWN = "1.2.3.4.5"
STORED = (np.arange(6 * 8, dtype=np.int16).reshape(6, 8) * 20 - 500).astype(np.int16)


def dataset(number: int = 1, syntax: str = ExplicitVRLittleEndian, **fields: Any) -> Dataset:
    """One slice of a CT; `fields` are DICOM keywords, and None removes one."""
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = syntax
    ds.SOPClassUID, ds.SOPInstanceUID = CTImageStorage, f"1.2.3.{number}"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = "1.2", "1.2.3"
    ds.PatientID, ds.PatientName, ds.Modality, ds.SeriesDescription = "LIDC-IDRI-0001", "", "CT", "chest"
    ds.RescaleSlope, ds.RescaleIntercept, ds.WindowCenter, ds.WindowWidth = 1, 0, 40, 400
    ds.ImagePositionPatient, ds.ImageOrientationPatient = [0, 0, number], [1, 0, 0, 0, 1, 0]
    ds.PixelSpacing, ds.SliceThickness, ds.InstanceNumber = [0.7, 0.7], 1, number
    ds.Rows, ds.Columns, ds.SamplesPerPixel, ds.PhotometricInterpretation = 6, 8, 1, "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 1
    ds.PixelData = (STORED + number).tobytes()
    for keyword, value in fields.items():
        if value is None:
            delattr(ds, keyword)
        else:
            setattr(ds, keyword, value)
    return ds


def stored(ds: Dataset) -> bytes:
    stream = io.BytesIO()
    ds.file_meta.MediaStorageSOPClassUID = CTImageStorage
    ds.file_meta.MediaStorageSOPInstanceUID = ds.get("SOPInstanceUID") or "1.2.3"
    private = {"implicit_vr": False, "little_endian": True} if ds.file_meta.TransferSyntaxUID == UNKNOWN else {}
    ds.save_as(stream, enforce_file_format=True, **private)
    return stream.getvalue()


def slice_(number: int = 1, syntax: str = ExplicitVRLittleEndian, **fields: Any) -> bytes:
    return stored(dataset(number, syntax, **fields))


def series(*contents: bytes) -> Files:
    return {f"a/{i}.dcm": content for i, content in enumerate(contents)}


@cache
def whole() -> Files:
    return series(*(slice_(number) for number in (2, 1, 3)))


def colour(syntax: str = ExplicitVRLittleEndian, data: bytes | None = None, **fields: Any) -> bytes:
    form = {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "PlanarConfiguration": 0}
    form |= {"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7, "PixelRepresentation": 0, "Rows": 6, "Columns": 9}
    return slice_(1, syntax, PixelData=COLOUR.tobytes() if data is None else data, **form | fields)


def packed(syntax: str, *frames: bytes, **fields: Any) -> bytes:
    """Frames in a package."""
    form = {"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7, "PixelRepresentation": 0, "Rows": 6, "Columns": 9}
    ds = dataset(1, syntax, PixelData=encapsulate(list(frames)), **form | fields)
    ds["PixelData"].is_undefined_length = True
    return stored(ds)


def dicom_kind() -> Kind:
    grey = saved(GREY, "JPEG")
    valid = {
        "dicom series": whole(),
        "dicom of implicit types": series(slice_(1, ImplicitVRLittleEndian), slice_(2, ImplicitVRLittleEndian)),
        "dicom of the big end": series(slice_(1, ExplicitVRBigEndian, PixelData=STORED.byteswap().tobytes())),
        "dicom, deflated": series(slice_(1, DeflatedExplicitVRLittleEndian)),
        "dicom in colour": series(colour()),
        "dicom in JPEG": series(packed(JPEGBaseline8Bit, grey)),
        "dicom of frames": series(slice_(1, NumberOfFrames=2, PixelData=STORED.tobytes() * 2)),
        "dicom of run lengths": series(run_lengths()),
    }
    hostile: dict[str, Callable[[], Files]] = {}
    for name, fields in values().items():
        hostile[f"dicom with {name}"] = partial(one_other, fields)
    for name, make in made().items():
        hostile[f"dicom, {name}"] = lambda make=make: series(make())
    hostile |= {
        "dicom, the same slice twice": lambda: series(slice_(1), slice_(1), slice_(2)),
        "dicom, two slices in one place": lambda: series(slice_(1), slice_(2, ImagePositionPatient=[0, 0, 1])),
        "dicom, a slice missing": lambda: series(slice_(1), slice_(2), slice_(9)),
        "dicom, two series": lambda: series(slice_(1), slice_(2, SeriesInstanceUID="9.9\\9")),
        "dicom, a link to endless zeros": lambda: {**whole(), "a/9.dcm": Link("/dev/zero")},
        "dicom, a link to itself": lambda: {**whole(), "a/9.dcm": Link("9.dcm")},
        "dicom, 300 other files": lambda: {**whole(), **{f"a/{i}.txt": b"" for i in range(300)}},
        "dicom, a file of zeros": lambda: series(bytes(132) + b"DICM"),
    }
    return Kind(valid, hostile)


def run_lengths() -> bytes:
    """Two segments, high bytes and low bytes, each in literal runs."""
    planes = [STORED.astype(">i2").tobytes()[k::2] for k in (0, 1)]
    runs = [bytes([len(plane) - 1]) + plane + b"\0" * (1 - len(plane) % 2) for plane in planes]
    head = struct.pack("<16I", 2, 64, 64 + len(runs[0]), *[0] * 13)
    ds = dataset(1, RLELossless, PixelData=encapsulate([head + b"".join(runs)]))
    ds["PixelData"].is_undefined_length = True
    return stored(ds)


def one_other(fields: dict[str, Any]) -> Files:
    """A series of two, of which the second says something else; what pydicom will not write is put in by hand."""
    try:
        return series(slice_(1), slice_(2, **fields))
    except (ValueError, TypeError, OverflowError, AttributeError, struct.error):
        keyword, value = next(iter(fields.items()))
        ds = dataset(2)
        with config.disable_value_validation():  # as it stands, without the checks of its type
            ds.add_new(keyword, "LO", str(value))
        return series(slice_(1), stored(ds))


def values() -> dict[str, dict[str, Any]]:
    nan, inf = float("nan"), float("inf")
    several: dict[str, tuple[Any, ...]] = {
        "Rows": (0, 1, 65535, None),
        "Columns": (0, 65535, None),
        "NumberOfFrames": (0, -1, 2, 2**31 - 1, "x", None, [1, 2]),
        "SamplesPerPixel": (0, 2, 3, 4, 65535),
        "BitsAllocated": (0, 1, 7, 8, 32, 64, 65535),
        "BitsStored": (0, 1, 12, 17, 65535),
        "HighBit": (0, 14, 65535),
        "PixelRepresentation": (0, 2, 65535),
        "PhotometricInterpretation": ("MONOCHROME1", "PALETTE COLOR", "RGB", "YBR_FULL", "", "a\\b", "X" * 16),
        "PixelSpacing": ([0, 0], [-1, -1], [1], [1, 2, 3], [1e300, 1e300], [1e-300, 1e-300], "", [nan, 1], [inf, 1]),
        "SliceThickness": (0, -1, 1e300, nan),
        "ImagePositionPatient": ([0, 0], [1e300, 1e300, 1e300], [nan, 0, 0], [0, inf, 0], "", None),
        "ImageOrientationPatient": ([0] * 6, [1, 0, 0, 1, 0, 0], [1e300] * 6, [nan] * 6, [1, 0, 0], None),
        "RescaleSlope": (0, -1, 1e300, nan, inf, 1e-300, "", None),
        "RescaleIntercept": (1e300, nan, -inf, None),
        "WindowCenter": (nan, 1e300, [1, 2, 3], ""),
        "WindowWidth": (0, -1, nan, [1, 2]),
        "SeriesInstanceUID": ("", "x", "1" * 64, "1.2.3\\1.2.3", None),
        "SOPInstanceUID": ("", "1.2.3.1", None),
        "PatientID": ("a\nb\x1b[2J", "\u2028", "p" * 64, "a\\b", ""),
        "SeriesDescription": ("a\nb\x1b[2J", "d" * 10**5),
        "Modality": ("\x00", "a\\b", "m" * 16),
        "SpecificCharacterSet": ("ISO_IR 192", "nonsense", ["", "ISO 2022 IR 87"], "x" * 10**4),
        "PixelData": (b"", b"\0" * 95, b"\0" * 97, None),
        "InstanceNumber": ("x", 10**11),
    }
    return {f"{key} {str(value)[:30]!r}": {key: value} for key, options in several.items() for value in options}


def made() -> dict[str, Callable[[], bytes]]:
    huge = {"Rows": 60000, "Columns": 60000}
    file = slice_(1)
    pixels = file.index(struct.pack("<HH", 0x7FE0, 0x10))
    lookup = Dataset()
    lookup.LUTDescriptor, lookup.LUTExplanation, lookup.LUTData = [65535, 0, 16], "x", b"\0\0" * 3
    deflated = stored(dataset(1, DeflatedExplicitVRLittleEndian))
    meta = 144 + int.from_bytes(deflated[140:144], "little")
    return {
        "60000 x 60000 of nothing": lambda: slice_(1, **huge),
        "60000 x 60000 in JPEG": lambda: packed(JPEGBaseline8Bit, saved(GREY, "JPEG"), **huge),
        "10000 x 10000 in JPEG": lambda: packed(JPEGBaseline8Bit, saved(GREY, "JPEG"), Rows=10000, Columns=10000),
        "65536 frames in JPEG": lambda: packed(JPEGBaseline8Bit, saved(GREY, "JPEG"), NumberOfFrames=65536),
        "JPEG of another size": lambda: packed(JPEGBaseline8Bit, saved(np.tile(GREY, (40, 40)), "JPEG")),
        "JPEG that is PNG": lambda: packed(JPEGBaseline8Bit, saved(GREY, "PNG")),
        "JPEG of nothing": lambda: packed(JPEGBaseline8Bit, b"\0\0"),
        "JPEG 2000 that is none": lambda: packed(JPEG2000Lossless, bytes(100)),
        "JPEG 2000 of 2^32 - 1": lambda: packed(JPEG2000Lossless, codestream(2**32 - 1, 2**32 - 1), Rows=6, Columns=9),
        "JPEG 2000 of 20000": lambda: packed(JPEG2000Lossless, codestream(20000, 20000), Rows=6, Columns=9),
        "JPEG-LS that is none": lambda: packed(JPEGLSLossless, b"\xff\xd8\xff\xf7" + bytes(100)),
        "JPEG-LS of 65535": lambda: packed(JPEGLSLossless, b"\xff\xd8" + frame(0xF7, 65535) + scan() + bytes(60)),
        "lossless JPEG that is none": lambda: packed(JPEGLosslessSV1, b"\xff\xd8\xff\xc3" + bytes(100)),
        "lossless JPEG of 65535": lambda: packed(
            JPEGLosslessSV1, b"\xff\xd8" + frame(0xC3, 65535) + scan() + bytes(60)
        ),
        "lossless JPEG of 6 x 9": lambda: packed(JPEGLosslessSV1, b"\xff\xd8" + frame(0xC3, 6, 9) + scan() + bytes(60)),
        "run lengths of 2^32 - 1": lambda: packed(RLELossless, struct.pack("<16I", *[2**32 - 1] * 16)),
        "run lengths that repeat": lambda: packed(
            RLELossless, struct.pack("<16I", 1, 64, *[0] * 14) + b"\x81\0" * 10**5
        ),
        "a frame of 4 GB": lambda: packed(JPEGBaseline8Bit, b"x" * 64).replace(
            struct.pack("<HHI", 0xFFFE, 0xE000, 64), struct.pack("<HHI", 0xFFFE, 0xE000, 2**32 - 2)
        ),
        "pixels of 4 GB": lambda: file[: pixels + 8] + struct.pack("<I", 2**32 - 2) + file[pixels + 12 :],
        "pixels without an end": lambda: file[: pixels + 8] + b"\xff\xff\xff\xff" + file[pixels + 12 :],
        "10^5 sequences deep": lambda: file[:pixels] + nested(10**5),
        "900 sequences deep": lambda: file[:pixels] + nested(900) + file[pixels:],
        "10^4 items": lambda: file[:pixels] + sequence(struct.pack("<HHI", 0xFFFE, 0xE000, 0) * 10**4),
        "a sequence of 4 GB": lambda: file[:pixels] + b"\x08\x00\x40\x11SQ\0\0\xfe\xff\xff\xff",
        "10^5 elements": lambda: (
            file[:pixels] + b"".join(struct.pack("<HH2sH", 0x0009, i % 65536, b"LO", 0) for i in range(10**5))
        ),
        "a text of 4 GB": lambda: file[:pixels] + b"\x09\x00\x10\x00UT\0\0\xfe\xff\xff\xff",
        "an unknown type": lambda: file[:pixels] + b"\x09\x00\x10\x00??\x04\0abcd" + file[pixels:],
        "a meta group of 4 GB": lambda: file[:140] + b"\xff\xff\xff\xff" + file[144:],
        "a meta group of nothing": lambda: file[:140] + b"\0\0\0\0" + file[144:],
        "deflated zeros of 600 MB": lambda: deflated[:meta] + zeros(600)[2:-4],
        "deflated nothing": lambda: deflated[:meta],
        "deflated noise": lambda: deflated[:meta] + bytes(range(256)),
        "deflated twice": lambda: deflated[:meta] + zlib.compress(deflated[meta:])[2:-4],
        "a lookup table that is too short": lambda: slice_(
            1, ModalityLUTSequence=Sequence([lookup]), RescaleSlope=None
        ),
        "a lookup table of nothing": lambda: slice_(1, ModalityLUTSequence=Sequence([Dataset()]), RescaleSlope=None),
        "a palette that is too short": lambda: slice_(
            1,
            PhotometricInterpretation="PALETTE COLOR",
            RedPaletteColorLookupTableDescriptor=[0, 0, 16],
            RedPaletteColorLookupTableData=b"\0\0",
        ),
        "a palette that is missing": lambda: slice_(
            1, PhotometricInterpretation="PALETTE COLOR", PixelRepresentation=0
        ),
        "colours in planes": lambda: colour(PlanarConfiguration=1),
        "colours of planes 7": lambda: colour(PlanarConfiguration=7),
        "colours that are too few": lambda: colour(data=b"\0" * 60),
        "colours halved": lambda: colour(PhotometricInterpretation="YBR_FULL_422"),
        "an unknown syntax": lambda: slice_(1, syntax=UNKNOWN),
        "no syntax": lambda: file.replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.77"),
        "a frame group that is short": lambda: slice_(
            1, NumberOfFrames=1, PerFrameFunctionalGroupsSequence=Sequence([])
        ),
        "10^4 frame groups": lambda: slice_(1, PerFrameFunctionalGroupsSequence=Sequence([Dataset()] * 10**4)),
        "10^4 frames of a pixel": lambda: slice_(
            1, NumberOfFrames=10**4, Rows=1, Columns=1, PixelData=bytes(2 * 10**4)
        ),
    }


def frame(kind: int, rows: int, columns: int | None = None) -> bytes:
    """The head of a JPEG of one 8-bit component."""
    return struct.pack(">BBHBHHBBBB", 0xFF, kind, 11, 8, rows, columns or rows, 1, 1, 0x11, 0)


def scan() -> bytes:
    return struct.pack(">BBHBBBBBB", 0xFF, 0xDA, 8, 1, 1, 0, 1, 0, 0)


def codestream(width: int, height: int) -> bytes:
    """A JPEG 2000 that claims a size and holds nothing."""
    size = struct.pack(">HHIIIIIIIIHBBB", 41, 0, width, height, 0, 0, width, height, 0, 0, 1, 7, 1, 1)
    return b"\xff\x4f\xff\x51" + size + b"\xff\x52\x00\x0c" + bytes(10) + b"\xff\x93" + bytes(40) + b"\xff\xd9"


def sequence(items: bytes) -> bytes:
    return b"\x08\x00\x40\x11SQ\0\0\xff\xff\xff\xff" + items + b"\xfe\xff\xdd\xe0\0\0\0\0"


def nested(depth: int) -> bytes:
    return (b"\x08\x00\x40\x11SQ\0\0\xff\xff\xff\xff" + b"\xfe\xff\x00\xe0\xff\xff\xff\xff") * depth
