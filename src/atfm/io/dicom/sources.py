"""`Sources`: the DICOM images that a result refers to, and what every object that refers to them takes from them."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from atfm.errors import AtfmWarning, InputError
from atfm.io.decoding import brief
from atfm.io.dicom.file import open_dicom

if TYPE_CHECKING:
    from pydicom import Dataset

__all__ = ["LONG", "TEXT", "Algorithm", "Sources"]

LONG, TEXT = 64, 1024  # characters that DICOM allows in a label (LO) and in a description (ST)

# Of type 2: has to be there, may be empty. Files without them are common, and highdicom reads them from the source.
_MAY_BE_EMPTY = (
    *("PatientID", "PatientName", "PatientBirthDate", "PatientSex"),
    *("StudyID", "StudyDate", "StudyTime", "AccessionNumber", "ReferringPhysicianName", "PositionReferenceIndicator"),
)


@dataclass(frozen=True)
class Algorithm:
    """What drew the masks, as the file tells it.

    Args:
        name, version: of the model; at most 64 characters of each are kept.
        parameters: whatever else made the result.
    """

    name: str
    version: str
    parameters: dict[str, str] = field(default_factory=dict)


class Sources:
    """The images of some planes, without their pixels.

    Args:
        files: the image of each plane; the same one again where it has many frames.
        frames: of each plane, its frame in its file, from 0; None: the only one, or all of them in their order.

    Raises:
        InputError: a file that is no DICOM, or damaged.
    """

    def __init__(self, files: Sequence[Path], frames: Sequence[int] | None = None) -> None:
        if not files:
            raise InputError("files: expected at least one DICOM image to refer to, got none")
        self.files, self.frames = tuple(files), tuple(range(len(files)) if frames is None else frames)
        self.datasets: list[Dataset] = []
        for file in dict.fromkeys(files):
            with open_dicom(file, pixels=False) as dataset:
                self.datasets.append(dataset)
        for dataset in self.datasets:
            _complete(dataset)
        _fill_thickness(self.datasets)

    def check_planes(self, path: Path, shape: Sequence[int]) -> None:
        """Refuse planes `(D, H, W)` that do not fit the images.

        Raises:
            InputError: another number of them, or another size.
        """
        sizes = {(int(source.get("Rows") or 0), int(source.get("Columns") or 0)) for source in self.datasets}
        if len(self.files) != shape[0] or len(self.frames) != len(self.files) or sizes != {tuple(shape[1:])}:
            raise InputError(
                f"{path}: masks of {shape[0]} planes of {shape[1]} x {shape[2]} pixels do not fit "
                f"{len(self.files)} images of {', '.join(f'{rows} x {columns}' for rows, columns in sorted(sizes))}"
            )

    def by_frame(self, path: Path, values: np.ndarray) -> np.ndarray:
        """Values `[N, D, H, W]` of the planes as those of all frames that the images have, 0 where none was given.

        Raises:
            InputError: planes that do not fit, or several files of many frames.
        """
        self.check_planes(path, values.shape[1:])
        counts = [int(source.get("NumberOfFrames") or 1) for source in self.datasets]
        if max(counts) == 1 and len(self.datasets) == len(self.files):
            return values
        if len(self.datasets) > 1 or max(self.frames) >= counts[0]:
            raise InputError(
                f"{self.files[0]}: a result refers to single frames, or to one file of many, "
                f"not to {len(self.datasets)} files of {', '.join(map(str, counts))} frames; choose another --format"
            )
        whole = np.zeros((len(values), counts[0], *values.shape[2:]), values.dtype)
        whole[:, list(self.frames)] = values
        return whole

    @contextmanager
    def referring(self, what: str) -> Iterator[None]:
        """Turn what goes wrong with an image that lacks something into one line.

        highdicom reads attributes as it goes; of an image that lacks one it says so by whatever error comes of that.

        Raises:
            InputError: for such an error inside the block.
        """
        try:
            yield
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            name = self.files[0]
            raise InputError(f"{name}: no {what} can refer to it: {reason}; choose another --format") from error

    def heading(self, algorithm: Algorithm, series: str, number: int) -> dict[str, Any]:
        """What every new object says of itself: a series of its own, `number` of those that a result may have.

        Args:
            algorithm: what drew the masks.
            series: description of the series.
            number: 1 to 99.
        """
        import highdicom as hd

        return {
            "series_instance_uid": hd.UID(),
            "series_number": int(self.datasets[0].get("SeriesNumber") or 0) % 10**6 * 100 + number,
            "sop_instance_uid": hd.UID(),
            "instance_number": 1,
            "manufacturer": "atfm",
            "manufacturer_model_name": algorithm.name[:LONG],
            "software_versions": algorithm.version[:LONG],
            "device_serial_number": algorithm.parameters.get("weights", "none")[:LONG],
            "series_description": series[:LONG],
        }


def _complete(dataset: "Dataset") -> None:
    """Give an image what it may leave empty, in the words that highdicom takes; what it has no place for is emptied."""
    from pydicom.valuerep import DA, TM

    for keyword in _MAY_BE_EMPTY:
        if keyword not in dataset:
            setattr(dataset, keyword, "")
    for keyword, kind in (("PatientBirthDate", DA), ("StudyDate", DA), ("StudyTime", TM)):
        try:
            kind(dataset.get(keyword) or "")
        except (TypeError, ValueError):
            _empty(dataset, keyword)
    if dataset.PatientSex not in ("M", "F", "O", "", None):
        _empty(dataset, "PatientSex")
    for keyword, of_file in (
        ("SOPClassUID", "MediaStorageSOPClassUID"),
        ("SOPInstanceUID", "MediaStorageSOPInstanceUID"),
    ):
        if keyword not in dataset and of_file in dataset.file_meta:
            setattr(dataset, keyword, dataset.file_meta[of_file].value)
    letters = dataset.get("SpecificCharacterSet")
    if isinstance(letters, Sequence) and not isinstance(letters, str) and len(letters) > 1 and not letters[0]:
        dataset.SpecificCharacterSet = ["ISO 2022 IR 6", *letters[1:]]  # the first may be left empty, and means this


def _empty(dataset: "Dataset", keyword: str) -> None:
    value = brief(dataset[keyword].value, 40)
    told = f"{keyword} {value!r} of the image is no value that DICOM knows; it is empty in what refers to the image"
    warnings.warn(told, AtfmWarning, stacklevel=2)
    setattr(dataset, keyword, "")


def _fill_thickness(datasets: "Sequence[Dataset]") -> None:
    """Where no slice says how thick it is: as far as the next one lies, or 1 mm, as when such a series is read."""
    if any(dataset.get("SliceThickness") or "ImagePositionPatient" not in dataset for dataset in datasets):
        return
    places = np.array([[float(mm) for mm in dataset.ImagePositionPatient or (0, 0, 0)] for dataset in datasets])
    apart = np.linalg.norm(np.diff(places, axis=0), axis=1)
    known = bool((apart > 0).any())
    thickness = float(np.median(apart[apart > 0])) if known else 1.0
    if not known:
        told = "the image does not say how thick its slice is; what refers to it says 1 mm"
        warnings.warn(told, AtfmWarning, stacklevel=2)
    for dataset in datasets:
        dataset.SliceThickness = f"{thickness:.10g}"
