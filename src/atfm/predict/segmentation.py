"""The hypotheses, or the probability, of one image as a DICOM Segmentation of its series."""

from pathlib import Path
from typing import Any

import numpy as np

from atfm import __version__
from atfm.io.dicom.segmentation import write_segmentation
from atfm.io.dicom.sources import Algorithm
from atfm.predict.files import Written, write_nifti_volumes
from atfm.predict.prediction import Prediction

__all__ = ["write_dicom_files"]


def write_dicom_files(out: Path, prediction: Prediction, *, fractional: bool) -> Written:
    """Write `segmentation.dcm` (a BINARY segment for each hypothesis) or `probability.dcm` (FRACTIONAL).

    A hypothesis in which nothing is marked has no segment; its name stands in the content's description. Of classes
    each has a segment of its own. Both refer to the slices that were sampled, in their whole size. Beside them lie the
    samples and the maps as NIfTI volumes of the whole series, which DICOM has no usual form for.

    Raises:
        InputError: an image that no segmentation can refer to.
        DiskError: the file cannot be written.
    """
    if fractional:
        return _probability(out, prediction)
    masks, labels, told, owner = [], [], [], []
    for number, one in enumerate(prediction.hypotheses):
        mask = prediction.place.put(prediction.labels(one.medoid), planes=True)  # [n, H, W]
        interval = f"95 % interval {one.low:.1%} to {one.high:.1%}"
        sentence = f"probability {one.probability:.1%} of {len(prediction)} samples, {interval}"
        for label in range(1, max(2, prediction.channels)):
            masks.append(mask == label)
            labels.append(one.name if prediction.channels == 1 else f"{one.name}, class {label}")
            told.append(sentence)
            owner.append(number)
    without = [one for one in prediction.hypotheses if one.area == 0]
    numbers = write_segmentation(
        out / "segmentation.dcm",
        prediction.place.files,
        np.stack(masks),
        labels,
        told,
        algorithm=_algorithm(prediction),
        frames=prediction.place.frames,
        series=f"atfm hypotheses ({_name(prediction)})",
        note="; ".join(f"not a segment: {one.name}, {one.probability:.0%}" for one in without),
        kind=_kind(prediction),
    )
    hypotheses: list[dict[str, Any]] = []
    for number in range(len(prediction.hypotheses)):
        own = [segment for segment, of in zip(numbers, owner, strict=True) if of == number and segment]
        hypotheses.append({"file": "segmentation.dcm" if own else None, "segments": own})
    files: dict[str, str | None] = {"segmentation": "segmentation.dcm" if any(numbers) else None}
    return Written(files | write_nifti_volumes(out, prediction), hypotheses)


def _probability(out: Path, prediction: Prediction) -> Written:
    mean = prediction.mean_probability
    maps = mean if prediction.channels == 1 else mean[1:]  # [N, n, H, W]
    numbers = write_segmentation(
        out / "probability.dcm",
        prediction.place.files,
        prediction.place.put(maps, planes=True),
        ["lesion"] if prediction.channels == 1 else [f"class {label}" for label in range(1, len(mean))],
        [f"share of {len(prediction)} samples"] * len(maps),
        algorithm=_algorithm(prediction),
        frames=prediction.place.frames,
        series=f"atfm probability ({_name(prediction)})",
        kind=_kind(prediction),
    )
    file = "probability.dcm" if any(numbers) else None
    files = {"segmentation": file} | write_nifti_volumes(out, prediction)
    return Written(files, [{"file": None, "segments": []} for _ in prediction.hypotheses])


def _kind(prediction: Prediction) -> str:
    return "lesion" if prediction.channels == 1 else "tissue"


def _name(prediction: Prediction) -> str:
    model = prediction.origin.model
    return Path(model).resolve().stem if model not in ("", ".") else "model"


def _algorithm(prediction: Prediction) -> Algorithm:
    origin = prediction.origin
    parameters = {"weights": origin.weights[:16], "samples": str(len(prediction)), "seed": str(origin.seed)}
    return Algorithm(f"atfm {_name(prediction)}", __version__, parameters)
