"""`Subject`: an image as a model wants it, and where it came from."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from atfm.data.intensity import Intensity, Mapped, intensity_of
from atfm.data.ood.training_images import out_of_distribution, training_images_of
from atfm.draw.slices import Slices, chosen_slices
from atfm.draw.source import Source, read_source, title
from atfm.errors import InputError
from atfm.io.images import Picture
from atfm.models import Model

__all__ = ["Subject", "read_subject"]

LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601


class Subject(NamedTuple):
    """What is to be sampled.

    Args:
        name: of the results, and of the noise.
        path: what the user gave.
        picture: in [0, 1], with the model's channels; of a volume for a 2-D model the chosen slices, `[C, n, H, W]`.
        slices: their numbers; None where the image is looked at as a whole.
        depth: slices of the whole volume; 0 for a flat image.
        files, frames: the DICOM file of each plane of the picture, and its frame in that file; empty for other formats.
        how: how the values were put into [0, 1].
        warnings: a sentence for all that is unlike the training.
    """

    name: str
    path: Path
    picture: Picture
    slices: tuple[int, ...] | None
    depth: int
    files: tuple[Path, ...]
    frames: tuple[int, ...]
    how: str
    warnings: list[str]


def read_subject(
    model: Model,
    path: Path,
    *,
    slices: Slices | None = None,
    series: str | None = None,
    window: tuple[float, float] | None = None,
) -> Subject:
    """Read an image and fit it to a model: its slices, its intensities, its channels.

    Grey is repeated into colour, and colour weighed into grey, where the model wants it so.

    Args:
        model: what it is for.
        path: see `read_source`.
        slices: of a volume, for a 2-D model.
        series: UID of a DICOM series.
        window: the values that become 0 and 1, in place of the model's own rule.

    Raises:
        InputError: an image that cannot be read or does not fit the model; one line says why and what would.
    """
    method = model.method
    dims = len(method.size)
    source = read_source(path, spatial_dims=3 if dims == 3 or slices is not None else None, series=series)
    if dims == 2:
        source = _as_channels(source, method.in_channels)
    depth = source.picture.pixels.shape[1] if source.picture.pixels.ndim == 4 else 0
    numbers = None
    if dims == 2 and depth:
        numbers = chosen_slices(slices, depth, path)
        source = _cut(source, numbers)
    elif slices is not None:
        raise InputError(f"{path}: {model.name} takes a volume as a whole; leave --slice and --slices out")
    _check_size(model, path, source.picture.pixels.shape[-dims:])
    mapped = _mapped(model, path, source, window, by_slice=numbers is not None)
    pixels = _fitted(mapped.pixels, method.in_channels, path, model.name)
    grey = bool((mapped.pixels == mapped.pixels[:1]).all())  # grey that was saved as colour is grey
    meta = source.picture.meta | {"file_channels": 1 if grey else len(mapped.pixels)}
    picture = source.picture._replace(pixels=pixels, meta=meta)
    reference = training_images_of(model.card, model.name)
    warnings = [mapped.warning] if mapped.warning else []
    warnings += out_of_distribution(reference, picture) if reference else []
    return Subject(title(path), path, picture, numbers, depth, source.files, source.frames, mapped.how, warnings)


def _as_channels(source: Source, in_channels: int) -> Source:
    """An array `[1, D, H, W]` whose first axis has just as many entries as the model has channels, as `[C, H, W]`."""
    pixels = source.picture.pixels
    plain = source.picture.meta.get("format") == "npy" and pixels.ndim == 4
    if plain and len(pixels) == 1 and pixels.shape[1] == in_channels > 1:
        return source._replace(picture=source.picture._replace(pixels=pixels[0], spacing=(1.0, 1.0)))
    return source


def _cut(source: Source, numbers: tuple[int, ...]) -> Source:
    """The chosen slices of a volume, and where they come from."""
    picture = source.picture._replace(pixels=source.picture.pixels[:, list(numbers)])
    if not source.files:
        return source._replace(picture=picture)
    files, frames = tuple(source.files[k] for k in numbers), tuple(source.frames[k] for k in numbers)
    return source._replace(picture=picture, files=files, frames=frames)


def _check_size(model: Model, path: Path, size: tuple[int, ...]) -> None:
    if not model.method.accepts(size):
        wanted, got = (" x ".join(map(str, shape)) for shape in (model.method.size, size))
        raise InputError(
            f"{path}: expected an image of {wanted} pixels for the model {model.name}, got {got}; "
            "crop it round the lesion, or resample it"
        )


def _mapped(model: Model, path: Path, source: Source, window: tuple[float, float] | None, *, by_slice: bool) -> Mapped:
    """The file's values in [0, 1], a slice at a time where the model sees slices."""
    rule = intensity_of(model.card, model.name)
    if window is not None:
        low, high = window
        if not -np.inf < low < high < np.inf:
            raise InputError(f"--window: expected a lower and a higher value, got {low:g} and {high:g}")
        rule = Intensity(kind="window", low=low, high=high)
    units = source.in_units or window is not None
    pixels = source.picture.pixels
    if not by_slice:
        return rule.apply(pixels, path, display=source.display, units=units)
    planes = [
        rule.apply(pixels[:, k], path, display=source.display, units=units) for k in range(pixels.shape[1])
    ]  # [C, H, W] each
    warning = next((plane.warning for plane in planes if plane.warning), None)
    return Mapped(np.stack([plane.pixels for plane in planes], 1), planes[0].how, warning)


def _fitted(pixels: np.ndarray, in_channels: int, path: Path, name: str) -> np.ndarray:
    if len(pixels) == 3 and in_channels == 1:
        pixels = np.tensordot(LUMA, pixels, 1)[None]
    elif len(pixels) == 1 and in_channels == 3:
        pixels = np.repeat(pixels, 3, 0)
    elif len(pixels) != in_channels:
        raise InputError(f"{path}: expected {in_channels} channels for {name}, got {len(pixels)}")
    return np.ascontiguousarray(pixels, np.float32)
