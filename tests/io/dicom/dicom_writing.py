"""DICOM series for tests, one file a slice, with whatever slip a test wants."""

from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

UPRIGHT = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def head(series: str, instance: str) -> Dataset:
    """A CT image without pixels and place."""
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID, ds.SOPInstanceUID = CTImageStorage, instance
    ds.StudyInstanceUID, ds.SeriesInstanceUID = "1.2.3", series
    ds.PatientID, ds.PatientName, ds.Modality, ds.SeriesDescription = "p1", "", "CT", "chest"
    ds.RescaleSlope, ds.RescaleIntercept = 1, 0
    return ds


def put_pixels(ds: Dataset, stored: np.ndarray, photometric: str = "MONOCHROME2", bits: int | None = None) -> None:
    """Fill in the pixels, `[H, W]`, `[H, W, 3]`, or `[N, H, W]` for frames of a grey image."""
    colour = photometric not in ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR")
    shape = stored.shape[:-1] if colour else stored.shape
    ds.Rows, ds.Columns = shape[-2:]
    if len(shape) == 3:
        ds.NumberOfFrames = shape[0]
    ds.SamplesPerPixel, ds.PhotometricInterpretation = (3 if colour else 1), photometric
    if colour:
        ds.PlanarConfiguration = 0
    ds.BitsAllocated = 8 * stored.itemsize
    ds.BitsStored = bits or ds.BitsAllocated
    ds.HighBit, ds.PixelRepresentation = ds.BitsStored - 1, int(stored.dtype.kind == "i")
    data = stored.astype(stored.dtype.newbyteorder("<")).tobytes()
    ds.PixelData = data + b"\0" * (len(data) % 2)


def write_slice(
    path: Path,
    stored: np.ndarray,
    *,
    position: tuple[float, float, float] | None = (0.0, 0.0, 0.0),
    orientation: tuple[float, ...] = UPRIGHT,
    spacing: tuple[float, float] = (1.0, 1.0),
    series: str = "1.2.3.1",
    instance: str | None = None,
    photometric: str = "MONOCHROME2",
    bits: int | None = None,
    **fields: object,
) -> Path:
    """One file; `fields` are DICOM keywords, and None removes one."""
    ds = head(series, instance or generate_uid())
    put_pixels(ds, stored, photometric, bits)
    ds.PixelSpacing = [f"{mm:.8g}" for mm in spacing]
    ds.ImageOrientationPatient = [f"{value:.10g}" for value in orientation]
    if position is not None:
        ds.ImagePositionPatient = [f"{mm:.8g}" for mm in position]
    for keyword, value in fields.items():
        if value is None:
            ds.pop(keyword, None)
        else:
            setattr(ds, keyword, value)
    path.parent.mkdir(parents=True, exist_ok=True)
    ds.save_as(path, enforce_file_format=True)
    return path


def write_series(
    folder: Path,
    stored: np.ndarray,
    *,
    distance: float = 2.5,
    origin: tuple[float, float, float] = (-10.0, 20.0, -30.0),
    orientation: tuple[float, ...] = UPRIGHT,
    series: str = "1.2.3.1",
    **fields: object,
) -> list[Path]:
    """`[D, H, W]` as files in the order of position; their names and instance numbers run the other way."""
    along = np.cross(orientation[:3], orientation[3:])
    files = []
    for k, plane in enumerate(stored):
        place = np.array(origin) + k * distance * along
        files.append(
            write_slice(
                folder / f"{len(stored) - k:03d}.dcm",
                plane,
                position=(place[0], place[1], place[2]),
                orientation=orientation,
                series=series,
                instance=f"{series}.{k + 1}",
                **{"InstanceNumber": len(stored) - k, **fields},
            )
        )
    return files
