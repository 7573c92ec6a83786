"""Files of a prediction, in the geometry of the whole image, with a sheet to look at and a JSON that says it all.

Names in `sample.json` are relative to it, and nothing in it depends on when or where it was written: two runs of one
seed are equal byte for byte, and a folder can be moved.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from atfm import __version__
from atfm.disk.atomic import atomic_write
from atfm.errors import InputError
from atfm.hypotheses.hypotheses import LARGEST, Hypothesis
from atfm.predict.dicom_files import (
    write_map_files,
    write_probability_files,
    write_segmentation_files,
    write_structure_files,
)
from atfm.predict.files import (
    UNPLACED,
    UNTURNED,
    Written,
    write_nifti_files,
    write_npy_files,
    write_nrrd_files,
    write_png_files,
)
from atfm.predict.folder import RESULT, held, published, seal
from atfm.predict.overlay import overlay
from atfm.predict.prediction import UNKNOWN, Origin, Prediction
from atfm.predict.prepared import Prepared

__all__ = ["FORMATS", "Form", "Format", "folder_of", "holding", "summary", "write", "write_held"]

Format = Literal["png", "npy", "nifti", "nrrd", "dicom-seg", "dicom-pm", "rtstruct"]
FORMATS: tuple[str, ...] = get_args(Format)

_OF_DICOM = ("dicom-seg", "dicom-pm", "rtstruct")  # they refer to the image's own objects
_PLACED = ("nifti", "nrrd")  # they say where a voxel lies
_WRITERS: Mapping[str, Callable[[Path, Prediction], Written]] = {
    "png": write_png_files,
    "npy": write_npy_files,
    "nifti": write_nifti_files,
    "nrrd": write_nrrd_files,
    "dicom-seg": write_segmentation_files,
    "dicom-pm": write_map_files,
    "rtstruct": write_structure_files,
}


@dataclass(frozen=True)
class Form:
    """How a result is written.

    Args:
        name: of masks and maps; None: NIfTI for a NIfTI image, NRRD for a NRRD or MetaImage, a DICOM Segmentation for
            a DICOM, NPY for a volume of another kind, PNG else.
        fractional: of "dicom-seg": the probability as a FRACTIONAL segmentation in place of the hypotheses.
        separate: of "dicom-seg": a file for each hypothesis; many viewers show segments that overlap wrongly.
    """

    name: Format | None = None
    fractional: bool = False
    separate: bool = False

    def of(self, prepared: Prepared) -> "Form":
        """The same with its name, if it fits the image.

        Raises:
            InputError: it does not.
        """
        name, image = self.name or _usual(prepared), prepared.path or "image"
        if name not in FORMATS:
            raise InputError(f"format: expected one of {', '.join(FORMATS)}, got {name!r}")
        if name in _OF_DICOM and not prepared.place.files:
            others = ", ".join(form for form in FORMATS if form not in _OF_DICOM)
            raise InputError(
                f"{image}: --format {name} refers to the image, which has to be a DICOM; choose one of {others}"
            )
        for flag in ("fractional", "separate"):
            if getattr(self, flag) and name != "dicom-seg":
                raise InputError(f"{image}: --{flag} is of --format dicom-seg, got {name}; leave it out")
        if self.fractional and self.separate:
            raise InputError(f"{image}: --separate is of the hypotheses, --fractional of the probability; choose one")
        return replace(self, name=name)


def write(
    prediction: Prediction,
    out: Path | str,
    *,
    form: Format | None = None,
    fractional: bool = False,
    separate: bool = False,
    overwrite: bool = False,
) -> dict[str, Any]:
    """Write masks, hypotheses, maps, an overlay sheet and `sample.json` into the folder `out`, all of them or none.

    Args:
        prediction: what was drawn.
        out: folder of this image; made if it is missing.
        form: see `Form.name`.
        fractional: see `Form`.
        separate: see `Form`.
        overwrite: replace the result of another image, model or seed that lies there; the same one always is.

    Returns:
        What stands in `out/sample.json`: the image and where it was looked at, what made it, `files` and the
        `hypotheses` with their files, relative to `out`; for each sample its area in pixels and, where they differ, its
        weight.

    Raises:
        InputError: a format that does not fit the image, or another result in the folder.
        BusyError: another process is writing there.
        DiskError: a file that could not be written, or a link in its place.
    """
    given = Form(form, fractional, separate)
    prepared, origin = prediction.prepared, prediction.origin
    with holding(prepared, origin, len(prediction), Path(out), given, overwrite=overwrite) as (fitting, _):
        return write_held(prediction, Path(out), fitting, overwrite=overwrite)


@contextmanager
def holding(
    prepared: Prepared, origin: Origin, n: int, out: Path, form: Form, *, overwrite: bool = False
) -> Iterator[tuple[Form, dict[str, Any] | None]]:
    """Hold the folder of a result, before it is drawn: nobody wants to hear after an hour that it cannot be written.

    Yields:
        The format, with its name; and what `write` returned of this very result, if it is there already and whole.

    Raises:
        InputError, BusyError, DiskError: as `write`.
    """
    form = form.of(prepared)
    if n > LARGEST:
        raise InputError(f"n: expected at most {LARGEST} samples of an image, got {n}; give fewer")
    with held(out, _made_by(prepared, origin, n, form), overwrite=overwrite) as there:
        called = {"image": _image(prepared), "model": origin.model}
        known = origin.weights != UNKNOWN and there is not None and called.items() <= there.items()
        yield form, there if known else None


def write_held(prediction: Prediction, out: Path, form: Form, *, overwrite: bool = False) -> dict[str, Any]:
    """Write what was drawn into a folder that is held; see `write`."""
    with published(out, overwrite=overwrite) as stage:
        if form.fractional:
            written = write_probability_files(stage, prediction)
        elif form.separate:
            written = write_segmentation_files(stage, prediction, separate=True)
        else:
            written = _WRITERS[str(form.name)](stage, prediction)
        with atomic_write(stage / "overlay.png") as temporary:
            overlay(prediction).save(temporary)
        result = seal(stage, _result(prediction, written, form))
        with atomic_write(stage / RESULT) as temporary:
            temporary.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    return result


def folder_of(prepared: Prepared) -> str:
    """The folder of one of several points in an image; "." of the image as a whole."""
    return "." if prepared.at is None else "at-" + "-".join(map(str, prepared.at))


def _usual(prepared: Prepared) -> Format:
    formats: dict[str, Format] = {"nifti": "nifti", "nrrd": "nrrd", "metaimage": "nrrd", "dicom": "dicom-seg"}
    flat = len(prepared.place.slices) < 2
    return formats.get(prepared.place.form, "png" if flat else "npy")


def _image(prepared: Prepared) -> str | None:
    return None if prepared.path is None else str(prepared.path)


def _made_by(prepared: Prepared, origin: Origin, n: int, form: Form) -> dict[str, Any]:
    """All that decides what a result holds."""
    return {
        "atfm": __version__,
        "model": origin.weights,
        "image": prepared.digest,
        "n": n,
        "seed": origin.seed,
        "steps": origin.steps,
        "key": prepared.key,
        "format": form.name,
        "fractional": form.fractional,
        "separate": form.separate,
    }


def summary(prediction: Prediction, form: Form | None = None) -> dict[str, Any]:
    """What is to be said of a result without its files: see `write`."""
    prepared, place, origin, form = prediction.prepared, prediction.place, prediction.origin, form or Form()
    equal = np.ptp(prediction.weights) == 0
    return {
        "image": _image(prepared),
        "model": origin.model,
        "seed": origin.seed,
        "steps": origin.steps,
        "key": prepared.key,
        "at": None if prepared.at is None else list(prepared.at),
        "slices": list(place.slices) or None,
        "spacing": None if place.spacing is None else list(place.spacing),
        "intensity": prepared.how,
        "warnings": [*prepared.warnings, *_said(prediction, form)],
        "made_by": _made_by(prepared, origin, len(prediction), form),
        "hypotheses": [_told(one) for one in prediction.hypotheses],
        "areas": prediction.areas.tolist(),
        "weights": None if equal else prediction.weights.tolist(),
        "empty": prediction.empty,
        "empty_known": prediction.known_empty is not None,
    }


def _result(prediction: Prediction, written: Written, form: Form) -> dict[str, Any]:
    told = summary(prediction, form)
    told["hypotheses"] = [one | where for one, where in zip(told["hypotheses"], written.hypotheses, strict=True)]
    return told | {"files": written.files | {"overlay": "overlay.png", "json": RESULT}}


def _told(one: Hypothesis) -> dict[str, Any]:
    names: Sequence[str] = ("name", "probability", "low", "high", "area", "area_mm2", "volume_ml")
    return {name: getattr(one, name) for name in names}


def _said(prediction: Prediction, form: Form) -> list[str]:
    """What a file has to say of where it lies, and nobody knows."""
    place = prediction.place
    if form.name not in _PLACED or place.affine is not None:
        return []
    return [f"{form.name}: {UNPLACED if place.spacing is None else UNTURNED}"]
