"""`draw`: an image file and a model in; masks, probability and ambiguity maps and an overlay sheet out."""

from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from atfm.errors import InputError
from atfm.io.atomic import atomic_write
from atfm.io.images import Picture, read_image, write_nifti, write_npy, write_png
from atfm.methods.method import Samples
from atfm.models import Model
from atfm.report.sheet import Tile, contact_sheet
from atfm.seeding import Noise

__all__ = ["Format", "draw", "read_for"]

Format = Literal["png", "npy", "nifti"]

_SHOWN = 22  # samples on the overlay sheet, beside the two maps: four rows of six


def read_for(model: Model, path: Path) -> Picture:
    """Read an image as a model wants it: grey is repeated into colour and colour weighed into grey where needed.

    Raises:
        InputError: an image of another size than the model's, an unreadable one, or one with NaN.
    """
    method = model.method
    picture = read_image(path, spatial_dims=len(method.size))
    pixels = picture.pixels
    if tuple(pixels.shape[1:]) != method.size:
        wanted, got = (" x ".join(map(str, size)) for size in (method.size, pixels.shape[1:]))
        raise InputError(
            f"{path}: expected an image of {wanted} pixels for the model {model.name}, got {got}; "
            "crop it round the lesion, or resample it"
        )
    if len(pixels) == 3 and method.in_channels == 1:
        pixels = np.tensordot(np.array([0.299, 0.587, 0.114], np.float32), pixels, 1)[None]
    elif len(pixels) == 1 and method.in_channels == 3:
        pixels = np.repeat(pixels, 3, 0)
    elif len(pixels) != method.in_channels:
        raise InputError(f"{path}: expected {method.in_channels} channels for {model.name}, got {len(pixels)}")
    return picture._replace(pixels=np.ascontiguousarray(pixels, np.float32))


def draw(model: Model, path: Path, out: Path, n: int, *, seed: int = 0, form: Format | None = None) -> dict[str, Any]:
    """Draw `n` masks of the image in `path` and write them, the maps and a sheet into `out`.

    The noise belongs to (seed, name of the file, sample): more samples later leave these as they are.

    Args:
        model: a loaded model.
        path: PNG, JPEG, TIFF, NPY or NIfTI.
        out: folder of this image; made if it is missing.
        n: number of samples, at least 1.
        seed: of the noise.
        form: of masks and maps; None: NIfTI for a NIfTI image, PNG else.

    Returns:
        What was written, and for each sample its area in pixels.

    Raises:
        InputError: an image that does not fit the model, or `n < 1`.
        DiskError: a file that could not be written.
    """
    if n < 1:
        raise InputError(f"n: expected at least 1 sample, got {n}")
    picture = read_for(model, path)
    image = torch.from_numpy(picture.pixels).unsqueeze(0).to(next(model.method.parameters()).device)
    samples = model.method.sample(image, n, generator=Noise(seed, [path.name.split(".")[0]]))
    labels = _labels(samples)  # [S, *spatial]
    probability = samples.mean_probability[0, -1 if model.method.channels == 1 else slice(None)].cpu().numpy()
    entropy = samples.entropy[0].cpu().numpy()
    form = form or ("nifti" if picture.meta.get("format") == "nifti" else "png")
    files = _write(out, form, labels, probability, entropy, picture, model.method.channels)
    files["overlay"] = str(out / "overlay.png")
    with atomic_write(out / "overlay.png") as temporary:
        _sheet(picture.pixels, labels, probability, entropy).save(temporary)
    areas = [int(area) for area in (labels > 0).reshape(n, -1).sum(1)]
    return {"image": str(path), "files": files, "areas": areas, "empty": float(np.mean(np.equal(areas, 0)))}


def _labels(samples: Samples) -> np.ndarray:
    masks = samples.masks[0]  # [S, C, *spatial]
    labels = masks[:, 0] if masks.shape[1] == 1 else masks.to(torch.uint8).argmax(1)
    return labels.to(torch.uint8).cpu().numpy()


def _write(
    out: Path,
    form: Format,
    labels: np.ndarray,
    probability: np.ndarray,
    entropy: np.ndarray,
    picture: Picture,
    channels: int,
) -> dict[str, Any]:
    maps = {"probability": probability, "entropy": entropy}
    if form == "nifti":
        affine = picture.meta.get("affine")
        files: dict[str, Any] = {name: str(out / f"{name}.nii.gz") for name in ("samples", *maps)}
        write_nifti(out / "samples.nii.gz", labels, affine)
        for name, values in maps.items():
            write_nifti(out / f"{name}.nii.gz", values.astype(np.float32), affine)
        return files
    if form == "npy" or labels.ndim != 3:
        files = {name: str(out / f"{name}.npy") for name in ("samples", *maps)}
        write_npy(out / "samples.npy", labels)
        for name, values in maps.items():
            write_npy(out / f"{name}.npy", values.astype(np.float32))
        return files
    files = {"masks": []}
    for number, mask in enumerate(labels):
        files["masks"].append(str(out / f"mask-{number:03d}.png"))
        write_png(out / f"mask-{number:03d}.png", mask * 255 if channels == 1 else mask)
    for name, values in maps.items():
        flat = values if values.ndim == 2 else 1 - values[0]  # of classes: whatever is not background
        files[name] = str(out / f"{name}.png")
        write_png(out / f"{name}.png", np.rint(255 * flat / max(1.0, float(flat.max()))).astype(np.uint8))
    return files


def _sheet(image: np.ndarray, labels: np.ndarray, probability: np.ndarray, entropy: np.ndarray) -> Any:
    """The two maps, then the outlines of the first samples, all cut out alike."""
    region = np.any(labels > 0, 0)
    tiles = [Tile(image, region[None] * 0 + labels[:8], "the first samples together")]
    flat = probability if probability.ndim == image.ndim - 1 else 1 - probability[0]
    tiles.append(Tile(flat[None].astype(np.float32), region[None], "mean probability"))
    tiles.append(Tile((entropy / max(1.0, float(entropy.max())))[None].astype(np.float32), region[None], "ambiguity"))
    for number, mask in enumerate(labels[: _SHOWN - 1]):
        tiles.append(Tile(image, mask[None], f"sample {number}: {int((mask > 0).sum())} pixels"))
    return contact_sheet(tiles)
