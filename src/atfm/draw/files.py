"""What is written of one image, by format: PNG, NPY, NIfTI, DICOM Segmentation."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from atfm.draw.drawn import Drawn
from atfm.draw.subject import Subject
from atfm.io.images import write_nifti, write_npy, write_png

__all__ = ["Written", "write_nifti_files", "write_npy_files", "write_png_files"]


class Written(NamedTuple):
    """Where things are.

    Args:
        files: by what they hold; a list where there are several.
        hypotheses: of each hypothesis what JSON says of its file: `file`, None where it has none, and so on.
    """

    files: dict[str, Any]
    hypotheses: list[dict[str, Any]]


def write_png_files(out: Path, subject: Subject, drawn: Drawn, classes: int) -> Written:
    """Grey pictures: masks as 0 and 255 (or the labels of classes), the maps from black for 0.

    Several slices have a folder each, and lists in place of single names.
    """
    files: dict[str, list[str]] = {"masks": [], "probability": [], "entropy": []}
    hypotheses: list[list[str]] = [[] for _ in drawn.hypotheses]
    scale = 255 if classes == 1 else 1

    def save(path: Path, pixels: np.ndarray) -> str:
        write_png(path, pixels)
        return str(path)

    for folder, labels, probability, entropy in _planes(out, subject, drawn):
        for number, mask in enumerate(labels):
            files["masks"].append(save(folder / f"mask-{number:03d}.png", mask * scale))
        files["probability"].append(save(folder / "probability.png", grey(probability)))
        files["entropy"].append(save(folder / "entropy.png", grey(entropy)))
        for number, one in enumerate(drawn.hypotheses):
            name = f"hypothesis-{number + 1}.png"
            hypotheses[number].append(save(folder / name, labels[one.medoid] * scale))
    maps = {name: files[name] if len(files[name]) > 1 else files[name][0] for name in ("probability", "entropy")}
    names = [paths if len(paths) > 1 else paths[0] for paths in hypotheses]
    return Written({"masks": files["masks"], **maps}, [{"file": name} for name in names])


def _planes(out: Path, subject: Subject, drawn: Drawn) -> Iterator[tuple[Path, np.ndarray, np.ndarray, np.ndarray]]:
    """The folder, `[S, H, W]` labels, and the maps `[H, W]` of each plane."""
    if drawn.labels.ndim == 3:
        yield out, drawn.labels, drawn.foreground, drawn.entropy
        return
    count = drawn.labels.shape[1]
    for at, number in enumerate(subject.slices or range(count)):
        folder = out / f"slice-{number:04d}" if count > 1 else out
        yield folder, drawn.labels[:, at], drawn.foreground[at], drawn.entropy[at]


def grey(values: np.ndarray) -> np.ndarray:
    """A map as uint8, white for 1, or for its largest value where that is more (entropy of classes in bits)."""
    return np.rint(255 * values / max(1.0, float(values.max()))).astype(np.uint8)


def write_npy_files(out: Path, subject: Subject, drawn: Drawn, classes: int) -> Written:
    """Arrays: samples `[S, *spatial]` uint8 labels, maps `[*spatial]` float32 (`[C, *spatial]` of classes)."""
    arrays = {"samples": drawn.labels, "probability": drawn.probability, "entropy": drawn.entropy}
    for name, array in arrays.items():
        write_npy(out / f"{name}.npy", array)
    hypotheses = []
    for number, one in enumerate(drawn.hypotheses, start=1):
        write_npy(out / f"hypothesis-{number}.npy", drawn.labels[one.medoid])
        hypotheses.append({"file": str(out / f"hypothesis-{number}.npy")})
    return Written({name: str(out / f"{name}.npy") for name in arrays}, hypotheses)


def write_nifti_files(out: Path, subject: Subject, drawn: Drawn, classes: int) -> Written:
    """Volumes that lie on the image, with the samples (and the classes of a probability) along the fourth axis.

    They are as large as the volume of the image; slices that were not sampled are 0.
    """
    affine = subject.picture.meta.get("affine")
    volumes = {"samples": drawn.labels, "probability": drawn.probability, "entropy": drawn.entropy}
    for name, array in volumes.items():
        write_nifti(out / f"{name}.nii.gz", placed(array, subject), affine)
    hypotheses = []
    for number, one in enumerate(drawn.hypotheses, start=1):
        write_nifti(out / f"hypothesis-{number}.nii.gz", placed(drawn.labels[one.medoid], subject), affine)
        hypotheses.append({"file": str(out / f"hypothesis-{number}.nii.gz")})
    return Written({name: str(out / f"{name}.nii.gz") for name in volumes}, hypotheses)


def placed(array: np.ndarray, subject: Subject) -> np.ndarray:
    """`[..., H, W]` of a flat image as `[..., 1, H, W]`; `[..., n, H, W]` of chosen slices as `[..., D, H, W]`."""
    if subject.depth == 0:
        return array[..., None, :, :]
    if subject.slices is None or len(subject.slices) == subject.depth:
        return array
    whole = np.zeros((*array.shape[:-3], subject.depth, *array.shape[-2:]), array.dtype)
    whole[..., list(subject.slices), :, :] = array
    return whole
