"""`draw`: read an image, draw its masks, and write what they say."""

import json
import os
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from atfm.draw.drawn import Drawn, draw_masks
from atfm.draw.files import Written, write_nifti_files, write_npy_files, write_png_files
from atfm.draw.overlay import overlay
from atfm.draw.segmentation import write_dicom_files
from atfm.draw.slices import Slices
from atfm.draw.subject import Subject, read_subject
from atfm.errors import DiskError, InputError
from atfm.io.atomic import atomic_write, disk_errors
from atfm.models import Model

__all__ = ["FORMATS", "Format", "draw"]

Format = Literal["png", "npy", "nifti", "dicom-seg"]
FORMATS: tuple[str, ...] = get_args(Format)


def draw(
    model: Model,
    path: Path,
    out: Path,
    n: int,
    *,
    seed: int = 0,
    form: Format | None = None,
    slices: Slices | None = None,
    series: str | None = None,
    window: tuple[float, float] | None = None,
    fractional: bool = False,
) -> dict[str, Any]:
    """Draw `n` masks of the image in `path` and write them, hypotheses, maps and a sheet into `out`.

    The noise belongs to (seed, name of the file, sample): more samples later leave these as they are.

    Args:
        model: a loaded model.
        path: PNG, JPEG, TIFF, NPY, NIfTI, DICOM, or a folder with a DICOM series.
        out: folder of this image; made if it is missing.
        n: number of samples, at least 1.
        seed: of the noise.
        form: of masks and maps; None: NIfTI for a NIfTI image, a DICOM Segmentation for a DICOM, NPY for a volume of
            another kind, PNG else.
        slices: of a volume for a 2-D model, numbers from 0 or "all"; None: the only one.
        series: UID of the DICOM series to take.
        window: the two values that become black and white, in place of the model's own rule.
        fractional: write the probability as a FRACTIONAL segmentation in place of the hypotheses.

    Returns:
        What JSON can hold: `image`, `slices`, `intensity`, `warnings`, `files`, for each sample its area in pixels
        (`areas`), the share of empty ones (`empty`), and `hypotheses` with name, probability, its interval, area and
        file. The same stands in `out/sample.json`.

    Raises:
        InputError: an image that does not fit the model or the format, or `n < 1`.
        DiskError: a file that could not be written.
    """
    if n < 1:
        raise InputError(f"n: expected at least 1 sample, got {n}")
    subject = read_subject(model, path, slices=slices, series=series, window=window)
    form = form or _usual(subject)
    if form == "dicom-seg" and not subject.files:
        raise InputError(f"{path}: --format dicom-seg refers to the image, which has to be a DICOM; choose another")
    if fractional and form != "dicom-seg":
        raise InputError(f"{path}: --fractional is of --format dicom-seg, got {form}; leave it out")
    _make(out)
    drawn = draw_masks(model.method, subject, n, seed)
    written = _write(form, out, subject, drawn, model, seed, fractional)
    with atomic_write(out / "overlay.png") as temporary:
        overlay(subject.picture.pixels, drawn).save(temporary)
    result = _result(subject, drawn, written, out)
    with atomic_write(out / "sample.json") as temporary:
        temporary.write_text(json.dumps(result | {"model": model.name, "seed": seed}, indent=1) + "\n", "utf-8")
    return result


def _usual(subject: Subject) -> Format:
    formats: dict[str, Format] = {"nifti": "nifti", "dicom": "dicom-seg"}
    flat = subject.depth == 0 or (subject.slices is not None and len(subject.slices) == 1)
    return formats.get(subject.picture.meta.get("format", ""), "png" if flat else "npy")


def _make(out: Path) -> None:
    """Make the folder now: nobody wants to hear after an hour that it cannot be written."""
    with disk_errors(out):
        out.mkdir(parents=True, exist_ok=True)
    if not os.access(out, os.W_OK | os.X_OK):
        raise DiskError(f"{out}: no permission to write there; choose another folder")


def _write(
    form: Format, out: Path, subject: Subject, drawn: Drawn, model: Model, seed: int, fractional: bool
) -> Written:
    if form == "dicom-seg":
        return write_dicom_files(out, subject, drawn, model, seed, fractional=fractional)
    write = {"png": write_png_files, "npy": write_npy_files, "nifti": write_nifti_files}[form]
    return write(out, subject, drawn, model.method.channels)


def _result(subject: Subject, drawn: Drawn, written: Written, out: Path) -> dict[str, Any]:
    areas = (drawn.labels > 0).reshape(len(drawn.labels), -1).sum(1).tolist()  # [S]
    hypotheses = [
        {
            "name": one.name,
            "probability": one.probability,
            "low": one.low,
            "high": one.high,
            "area": one.area,
            **where,
        }
        for one, where in zip(drawn.hypotheses, written.hypotheses, strict=True)
    ]
    return {
        "image": str(subject.path),
        "slices": None if subject.slices is None else list(subject.slices),
        "spacing": list(subject.picture.spacing),
        "intensity": subject.how,
        "warnings": subject.warnings,
        "hypotheses": hypotheses,
        "areas": areas,
        "empty": float(np.mean(np.equal(areas, 0))),
        "files": written.files | {"overlay": str(out / "overlay.png"), "json": str(out / "sample.json")},
    }
