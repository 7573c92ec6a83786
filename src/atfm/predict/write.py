"""Files of a prediction, in the geometry of the whole image, with a sheet to look at and a JSON that says it all.

Names in `sample.json` are relative to it, and nothing in it depends on when or where it was written: two runs of one
seed are equal byte for byte, and a folder can be moved.
"""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from atfm.errors import DiskError, InputError
from atfm.io.atomic import atomic_write, disk_errors
from atfm.predict.files import Written, write_nifti_files, write_npy_files, write_png_files
from atfm.predict.hypotheses import LARGEST, Hypothesis
from atfm.predict.overlay import overlay
from atfm.predict.prediction import Prediction
from atfm.predict.prepared import Prepared
from atfm.predict.segmentation import write_dicom_files

__all__ = ["FORMATS", "Format", "check_writable", "folder_of", "write"]

Format = Literal["png", "npy", "nifti", "dicom-seg"]
FORMATS: tuple[str, ...] = get_args(Format)


def write(
    prediction: Prediction, out: Path | str, *, form: Format | None = None, fractional: bool = False
) -> dict[str, Any]:
    """Write masks, hypotheses, maps, an overlay sheet and `sample.json` into the folder `out`.

    Args:
        prediction: what was drawn.
        out: folder of this image; made if it is missing.
        form: of masks and maps; None: NIfTI for a NIfTI image, a DICOM Segmentation for a DICOM, NPY for a volume of
            another kind, PNG else.
        fractional: write the probability as a FRACTIONAL segmentation in place of the hypotheses.

    Returns:
        What stands in `out/sample.json`: the image and where it was looked at, `files` and the `hypotheses` with their
        files, relative to `out`; for each sample its area in pixels and, where they differ, its weight.

    Raises:
        InputError: a format that does not fit the image.
        DiskError: a file that could not be written.
    """
    out = Path(out)
    form = check_writable(prediction.prepared, out, len(prediction), form=form, fractional=fractional)
    if form == "dicom-seg":
        written = write_dicom_files(out, prediction, fractional=fractional)
    else:
        written = {"png": write_png_files, "npy": write_npy_files, "nifti": write_nifti_files}[form](out, prediction)
    with atomic_write(out / "overlay.png") as temporary:
        overlay(prediction).save(temporary)
    result = _result(prediction, written)
    with atomic_write(out / "sample.json") as temporary:
        temporary.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    return result


def check_writable(
    prepared: Prepared, out: Path, n: int, *, form: Format | None = None, fractional: bool = False
) -> Format:
    """Return the format, and make the folder: nobody wants to hear after an hour that it cannot be written.

    Raises:
        InputError, DiskError: as `write`.
    """
    name, place = prepared.path or "image", prepared.place
    form = form or _usual(prepared)
    if n > LARGEST:
        raise InputError(f"n: expected at most {LARGEST} samples of an image, got {n}; give fewer")
    if form == "dicom-seg" and not place.files:
        raise InputError(f"{name}: --format dicom-seg refers to the image, which has to be a DICOM; choose another")
    if fractional and form != "dicom-seg":
        raise InputError(f"{name}: --fractional is of --format dicom-seg, got {form}; leave it out")
    with disk_errors(out):
        out.mkdir(parents=True, exist_ok=True)
    if not os.access(out, os.W_OK | os.X_OK):
        raise DiskError(f"{out}: no permission to write there; choose another folder")
    return form


def folder_of(prepared: Prepared) -> str:
    """The folder of one of several points in an image; "." of the image as a whole."""
    return "." if prepared.at is None else "at-" + "-".join(map(str, prepared.at))


def _usual(prepared: Prepared) -> Format:
    formats: dict[str, Format] = {"nifti": "nifti", "dicom": "dicom-seg"}
    flat = len(prepared.place.slices) < 2
    return formats.get(prepared.place.form, "png" if flat else "npy")


def _result(prediction: Prediction, written: Written) -> dict[str, Any]:
    prepared, place, origin = prediction.prepared, prediction.place, prediction.origin
    equal = np.ptp(prediction.weights) == 0
    return {
        "image": None if prepared.path is None else str(prepared.path),
        "model": origin.model,
        "seed": origin.seed,
        "steps": origin.steps,
        "key": prepared.key,
        "at": None if prepared.at is None else list(prepared.at),
        "slices": list(place.slices) or None,
        "spacing": None if place.spacing is None else list(place.spacing),
        "intensity": prepared.how,
        "warnings": list(prepared.warnings),
        "hypotheses": [
            _told(one) | where for one, where in zip(prediction.hypotheses, written.hypotheses, strict=True)
        ],
        "areas": prediction.areas.tolist(),
        "weights": None if equal else prediction.weights.tolist(),
        "empty": prediction.empty,
        "empty_known": prediction.known_empty is not None,
        "files": written.files | {"overlay": "overlay.png", "json": "sample.json"},
    }


def _told(one: Hypothesis) -> dict[str, Any]:
    names: Sequence[str] = ("name", "probability", "low", "high", "area", "area_mm2", "volume_ml")
    return {name: getattr(one, name) for name in names}
