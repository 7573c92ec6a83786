"""A result as one file of a form, for who downloads it: in the image's own geometry, without a name of the image.

forms_of(prediction)                     # ("png", "nifti", "nrrd", "dicom-seg", "rtstruct", "json")
save(prediction, "rtstruct", folder)     # folder/hypotheses.dcm, to be opened in 3D Slicer or OHIF
"""

import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from atfm.disk.atomic import atomic_write
from atfm.errors import InputError
from atfm.predict.dicom_files import write_segmentation_files, write_structure_files
from atfm.predict.files import write_nrrd_files
from atfm.predict.prediction import Prediction
from atfm.predict.source import Source
from atfm.predict.write import Format, summary, write

__all__ = ["FORMS", "Saved", "forms_of", "save"]

STAMP = (1980, 1, 1, 0, 0, 0)  # of all members: the same result gives the same bytes
DICOM = "application/dicom"
EMPTY = "nothing is marked in any hypothesis, and a DICOM Segmentation has no frame for that; take rtstruct or json"


class Saved(NamedTuple):
    """A file of a result.

    Args:
        path: where it lies.
        media: its type, as HTTP says it.
    """

    path: Path
    media: str


def _png(prediction: Prediction, folder: Path) -> Saved:
    return _packed(prediction, folder, "png")


def _nifti(prediction: Prediction, folder: Path) -> Saved:
    return _packed(prediction, folder, "nifti")


def _nrrd(prediction: Prediction, folder: Path) -> Saved:
    write_nrrd_files(folder, prediction, beside=False)
    return Saved(folder / "hypotheses.seg.nrrd", "application/octet-stream")


def _segmentation(prediction: Prediction, folder: Path) -> Saved:
    if not any(one.area for one in prediction.hypotheses):
        raise InputError(f"dicom-seg: {EMPTY}")
    write_segmentation_files(folder, prediction, beside=False)
    return Saved(folder / "segmentation.dcm", DICOM)


def _structures(prediction: Prediction, folder: Path) -> Saved:
    write_structure_files(folder, prediction, beside=False)
    return Saved(folder / "structures.dcm", DICOM)


def _json(prediction: Prediction, folder: Path) -> Saved:
    path = folder / "sample.json"
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(summary(prediction), indent=1) + "\n", "utf-8")
    return Saved(path, "application/json")


_SAVERS: Mapping[str, Callable[[Prediction, Path], Saved]] = {
    "png": _png,
    "nifti": _nifti,
    "nrrd": _nrrd,
    "dicom-seg": _segmentation,
    "rtstruct": _structures,
    "json": _json,
}
FORMS: tuple[str, ...] = tuple(_SAVERS)


def forms_of(prediction: Prediction, source: Source) -> tuple[str, ...]:
    """The forms that a result can be saved as.

    Args:
        prediction: what was drawn.
        source: the image that it was drawn of: contours need a place in the patient, a segmentation something in it.
    """
    meta, refers = source.picture.meta, bool(prediction.place.files)
    placed = source.picture.geometry is not None and source.spacing is not None and meta.get("frame of reference")
    fits = {
        "dicom-seg": refers and any(one.area for one in prediction.hypotheses),
        "rtstruct": refers and bool(placed),
    }
    return tuple(form for form in FORMS if fits.get(form, True))


def save(prediction: Prediction, form: str, folder: Path, *, files_in: Path | None = None) -> Saved:
    """Write a result as one file, whole or not at all.

    PNG and NIfTI are many files, those of `write`, and are packed together; NRRD, DICOM Segmentation and RT Structure
    Set hold all hypotheses with their names and probabilities; JSON is what `sample.json` says but for names of files.

    Args:
        prediction: what was drawn.
        form: one of `FORMS`.
        folder: where the file is written; it is there and nobody else writes in it.
        files_in: the folder in which the DICOM files of the image lie now, where that is not where they were read.

    Raises:
        InputError: another form, or one that does not fit the image.
        DiskError: a file that could not be written.
    """
    if form not in _SAVERS:
        raise InputError(f"form: expected one of {', '.join(FORMS)}, got {form!r}")
    if form in ("dicom-seg", "rtstruct") and not prediction.place.files:
        others = ", ".join(each for each in FORMS if each not in ("dicom-seg", "rtstruct"))
        raise InputError(f"{form}: refers to the image, which has to be a DICOM; choose one of {others}")
    return _SAVERS[form](prediction if files_in is None else _moved(prediction, files_in), folder)


def _moved(prediction: Prediction, files_in: Path) -> Prediction:
    """The same prediction of an image whose files lie in another folder."""
    place = prediction.place
    there = replace(place, files=tuple(files_in / file.name for file in place.files))
    moved = replace(prediction, prepared=replace(prediction.prepared, place=there))
    vars(moved).update({name: vars(prediction)[name] for name in ("hypotheses", "areas") if name in vars(prediction)})
    return moved


def _packed(prediction: Prediction, folder: Path, form: Format) -> Saved:
    """All files of `write` in one."""
    path = folder / f"samples-{form}.zip"
    with TemporaryDirectory(dir=folder, prefix=".") as parts, atomic_write(path) as temporary:
        out = Path(parts) / "result"
        write(prediction, out, form=form)
        with zipfile.ZipFile(temporary, "w") as archive:
            for file in sorted(out.rglob("*")):
                if file.is_file() and not file.name.startswith("."):
                    member = zipfile.ZipInfo(file.relative_to(out).as_posix(), STAMP)
                    member.external_attr = 0o644 << 16
                    with archive.open(member, "w", force_zip64=True) as to, file.open("rb") as stream:
                        while block := stream.read(2**20):
                            to.write(block)
    return Saved(path, "application/zip")
