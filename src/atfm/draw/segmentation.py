"""The hypotheses, or the probability, of one image as a DICOM Segmentation of its series."""

from pathlib import Path
from typing import Any

import numpy as np

from atfm import __version__
from atfm.draw.drawn import Drawn
from atfm.draw.files import Written
from atfm.draw.subject import Subject
from atfm.errors import InputError
from atfm.io.dicom.segmentation import Algorithm, write_segmentation
from atfm.models import Model

__all__ = ["write_dicom_files"]


def write_dicom_files(
    out: Path, subject: Subject, drawn: Drawn, model: Model, seed: int, *, fractional: bool
) -> Written:
    """Write `segmentation.dcm` (a BINARY segment for each hypothesis) or `probability.dcm` (FRACTIONAL).

    A hypothesis in which nothing is marked has no segment; its name stands in the content's description. Of classes
    each has a segment of its own.

    Raises:
        InputError: an image that is no DICOM.
        DiskError: the file cannot be written.
    """
    if not subject.files:
        raise InputError(f"{subject.path}: --format dicom-seg refers to the image, which has to be a DICOM")
    if fractional:
        return _probability(out / "probability.dcm", subject, drawn, _algorithm(model, drawn, seed))
    path = out / "segmentation.dcm"
    masks, labels, told, owner = [], [], [], []
    for number, one in enumerate(drawn.hypotheses):
        mask = _volume(drawn.labels[one.medoid])
        interval = f"95 % interval {one.low:.1%} to {one.high:.1%}"
        sentence = f"probability {one.probability:.1%} of {len(drawn.labels)} samples, {interval}"
        for label in range(1, max(2, model.method.channels)):
            masks.append(mask == label)
            labels.append(one.name if model.method.channels == 1 else f"{one.name}, class {label}")
            told.append(sentence)
            owner.append(number)
    without = [one for one in drawn.hypotheses if one.area == 0]
    numbers = write_segmentation(
        path,
        subject.files,
        np.stack(masks),
        labels,
        told,
        algorithm=_algorithm(model, drawn, seed),
        frames=subject.frames,
        series=f"atfm hypotheses ({_name(model)})",
        note="; ".join(f"not a segment: {one.name}, {one.probability:.0%}" for one in without),
        kind=_kind(model),
    )
    written = any(numbers)
    hypotheses: list[dict[str, Any]] = []
    for number in range(len(drawn.hypotheses)):
        own = [segment for segment, of in zip(numbers, owner, strict=True) if of == number and segment]
        hypotheses.append({"file": str(path) if own else None, "segments": own})
    return Written({"segmentation": str(path) if written else None}, hypotheses)


def _probability(path: Path, subject: Subject, drawn: Drawn, algorithm: Algorithm) -> Written:
    classes = drawn.probability.ndim > drawn.entropy.ndim
    maps = drawn.probability[1:] if classes else drawn.probability[None]  # [N, *spatial]
    numbers = write_segmentation(
        path,
        subject.files,
        np.stack([_volume(values) for values in maps]).astype(np.float32),
        [f"class {label}" for label in range(1, len(maps) + 1)] if classes else ["lesion"],
        [f"share of {len(drawn.labels)} samples"] * len(maps),
        algorithm=algorithm,
        frames=subject.frames,
        series=f"atfm probability ({algorithm.name})",
        kind="tissue" if classes else "lesion",
    )
    file = str(path) if any(numbers) else None
    return Written({"probability": file}, [{"file": None, "segments": []} for _ in drawn.hypotheses])


def _volume(array: np.ndarray) -> np.ndarray:
    """`[*spatial]` with an axis for the planes."""
    return array if array.ndim == 3 else array[None]


def _kind(model: Model) -> str:
    return "lesion" if model.method.channels == 1 else "tissue"


def _name(model: Model) -> str:
    return Path(model.name).resolve().stem if model.name not in ("", ".") else "model"


def _algorithm(model: Model, drawn: Drawn, seed: int) -> Algorithm:
    weights = str(model.card.get("sha256", "unknown"))[:16]
    return Algorithm(
        f"atfm {_name(model)}",
        __version__,
        {"weights": weights, "samples": str(len(drawn.labels)), "seed": str(seed)},
    )
