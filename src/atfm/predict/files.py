"""What is written of one image, by format: PNG, NPY, NIfTI, NRRD; every name relative to the folder it lies in."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from atfm.io.saving import write_nifti, write_nifti_stack, write_npy, write_npy_stack, write_png
from atfm.io.saving_nrrd import Segment, write_nrrd_stack, write_seg_nrrd
from atfm.predict.prediction import Prediction
from atfm.predict.regions import known_as, parameters, regions

__all__ = [
    "UNPLACED",
    "UNTURNED",
    "Written",
    "write_nifti_files",
    "write_nifti_volumes",
    "write_npy_files",
    "write_nrrd_files",
    "write_png_files",
]

UNPLACED = "nobody said how large a pixel is or where it lies; pixels of 1 mm stand for it"
UNTURNED = "the size of a pixel is known, but not where the image lies"


class Written(NamedTuple):
    """Where things are, as names relative to the folder.

    Args:
        files: by what they hold; a list where there are several.
        hypotheses: of each hypothesis what JSON says of its file: `file`, None where it has none, and so on.
    """

    files: dict[str, Any]
    hypotheses: list[dict[str, Any]]


def write_png_files(out: Path, prediction: Prediction) -> Written:
    """Grey pictures: masks as 0 and 255 (or the labels of classes), the maps from black for 0.

    Several slices have a folder each, and lists in place of single names.
    """
    place, scale = prediction.place, 255 if prediction.channels == 1 else 1
    slices = place.slices if len(place.slices) > 1 else ()

    def save(name: str, values: np.ndarray) -> list[str]:
        """One file, or one for each slice."""
        planes = place.pictures(values)  # [H, W] or [n, H, W]
        names = [f"slice-{number:04d}/{name}" for number in slices] or [name]
        for path, plane in zip(names, planes.reshape(-1, *planes.shape[-2:]), strict=True):
            write_png(out / path, plane)
        return names

    masks = [save(f"mask-{number:03d}.png", labels * scale) for number, labels in enumerate(labels_of(prediction))]
    maps = {"probability": prediction.foreground, "entropy": prediction.entropy}
    files = {name: _one(save(f"{name}.png", grey(values))) for name, values in maps.items()}
    hypotheses = [
        {"file": _one(save(f"hypothesis-{number}.png", prediction.labels(one.medoid) * scale))}
        for number, one in enumerate(prediction.hypotheses, start=1)
    ]
    by_slice = [name for names in zip(*masks, strict=True) for name in names]  # all masks of a slice together
    return Written({"masks": by_slice, **files}, hypotheses)


def _one(names: list[str]) -> str | list[str]:
    return names[0] if len(names) == 1 else names


def labels_of(prediction: Prediction) -> Iterator[np.ndarray]:
    return (prediction.labels(number) for number in range(len(prediction)))


def grey(values: np.ndarray) -> np.ndarray:
    """A map as uint8, white for 1, or for its largest value where that is more (entropy of classes in bits)."""
    return np.rint(255 * values / max(1.0, float(values.max()))).astype(np.uint8)


def maps_of(prediction: Prediction) -> dict[str, np.ndarray]:
    mean = prediction.mean_probability
    return {"probability": mean[0] if prediction.channels == 1 else mean, "entropy": prediction.entropy}


def write_npy_files(out: Path, prediction: Prediction) -> Written:
    """Arrays: samples `[S, *spatial]` uint8 labels, maps `[*spatial]` float32 (`[C, *spatial]` of classes).

    They are as large as the image; of a volume for a model of slices they hold the slices that were sampled.
    """
    put = prediction.place.put
    write_npy_stack(
        out / "samples.npy", (put(labels, planes=True) for labels in labels_of(prediction)), len(prediction)
    )
    for name, values in maps_of(prediction).items():
        write_npy(out / f"{name}.npy", put(values, planes=True))
    hypotheses = []
    for number, one in enumerate(prediction.hypotheses, start=1):
        write_npy(out / f"hypothesis-{number}.npy", put(prediction.labels(one.medoid), planes=True))
        hypotheses.append({"file": f"hypothesis-{number}.npy"})
    return Written({name: f"{name}.npy" for name in ("samples", "probability", "entropy")}, hypotheses)


def write_nifti_files(out: Path, prediction: Prediction) -> Written:
    """Volumes that lie on the image, with the samples (and the classes of a probability) along the fourth axis.

    They are as large as the volume of the image; what was not sampled is 0.
    """
    hypotheses = []
    for number, one in enumerate(prediction.hypotheses, start=1):
        path = out / f"hypothesis-{number}.nii.gz"
        write_nifti(path, volume(prediction, prediction.labels(one.medoid)), *lies(prediction))
        hypotheses.append({"file": path.name})
    return Written(write_nifti_volumes(out, prediction), hypotheses)


def write_nifti_volumes(out: Path, prediction: Prediction) -> dict[str, str]:
    """The samples and the maps alone; the names of their files."""
    samples = (volume(prediction, labels) for labels in labels_of(prediction))
    write_nifti_stack(out / "samples.nii.gz", samples, len(prediction), *lies(prediction))
    for name, values in maps_of(prediction).items():
        write_nifti(out / f"{name}.nii.gz", volume(prediction, values), *lies(prediction))
    return {name: f"{name}.nii.gz" for name in ("samples", "probability", "entropy")}


def write_nrrd_files(out: Path, prediction: Prediction, *, beside: bool = True) -> Written:
    """`hypotheses.seg.nrrd`, a segmentation of 3D Slicer with a layer for each hypothesis; samples and maps as NRRD.

    They lie on the image and are as large as its volume; samples and the classes of a probability are a list, the last
    axis. An empty hypothesis is a segment too. Of classes each hypothesis has a segment for each, in its layer.
    Samples and maps lie `beside` it if that is wanted.
    """
    found = regions(prediction)
    layers = [volume(prediction, prediction.labels(one.medoid)) for one in prediction.hypotheses]
    kind = "lesion" if prediction.channels == 1 else "tissue"
    segments = [
        Segment(one.name, one.hypothesis, one.label, one.colour, kind, {"atfm.Probability": one.sentence})
        for one in found
    ]
    told = {f"atfm_{name}": text for name, text in ({"model": known_as(prediction)} | parameters(prediction)).items()}
    if prediction.place.affine is None:
        told["atfm_place"] = UNPLACED if prediction.place.spacing is None else UNTURNED
    write_seg_nrrd(out / "hypotheses.seg.nrrd", layers, segments, *lies(prediction), fields=told)
    others = _write_nrrd_volumes(out, prediction, told) if beside else {}
    hypotheses: list[dict[str, Any]] = [{"file": "hypotheses.seg.nrrd", "segments": []} for _ in layers]
    for number, one in enumerate(found, start=1):
        hypotheses[one.hypothesis]["segments"].append(number)
    return Written({"segmentation": "hypotheses.seg.nrrd"} | others, hypotheses)


def _write_nrrd_volumes(out: Path, prediction: Prediction, told: dict[str, str]) -> dict[str, str]:
    """The samples and the maps alone; the names of their files."""
    samples = (volume(prediction, labels) for labels in labels_of(prediction))
    write_nrrd_stack(out / "samples.nrrd", samples, len(prediction), *lies(prediction), fields=told)
    for name, values in maps_of(prediction).items():
        whole = volume(prediction, values)
        listed = whole if whole.ndim == 4 else whole[None]  # [C, D, H, W]
        count = len(listed) if whole.ndim == 4 else None
        write_nrrd_stack(out / f"{name}.nrrd", iter(listed), count, *lies(prediction), fields=told)
    return {name: f"{name}.nrrd" for name in ("samples", "probability", "entropy")}


def lies(prediction: Prediction) -> tuple[np.ndarray | None, tuple[float, ...] | None]:
    """The affine of the image, and `(dz, dy, dx)`; None for what nobody said."""
    place = prediction.place
    return place.affine, None if place.spacing is None else ((1.0,) * (3 - len(place.spacing)) + tuple(place.spacing))


def volume(prediction: Prediction, values: np.ndarray) -> np.ndarray:
    """`[..., D, H, W]` of the whole image, `D` 1 where it is flat."""
    whole = prediction.place.put(values)
    return whole[..., None, :, :] if len(prediction.place.whole) == 2 else whole
