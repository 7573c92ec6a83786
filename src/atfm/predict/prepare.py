"""An array or a file becomes what a model wants: the whole of it, some of its slices, or a field round each point."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from atfm.errors import InputError
from atfm.io.images import Picture
from atfm.io.pictures.raster import RASTERS
from atfm.metrics.masks import Array
from atfm.predict.arrays import as_image
from atfm.predict.fitting import Fitting, Point, Window, words
from atfm.predict.prepared import Prepared, Trained
from atfm.predict.slices import Slices
from atfm.predict.source import Source, read_source, title
from atfm.predict.turning import turned_to

__all__ = ["as_channels", "prepare_array", "prepare_file"]


def prepare_array(
    model: Trained,
    image: Array,
    *,
    key: str = "image-0",
    at: Point | None = None,
    spacing: Sequence[float] | None = None,
    window: Window | None = None,
) -> Prepared:
    """Fit an array to a model.

    Args:
        model: what it is for.
        image: see `arrays.as_image`; with `at` it may be a volume for a model of slices.
        key: the noise belongs to it.
        at: the pixel round which the model's field is cut out, `(x, y)` or `(x, y, z)`: columns first.
        spacing: millimetres along each spatial axis, in their order; None where they are not known.
        window: the values that become 0 and 1, in place of the model's own rule.

    Raises:
        InputError: an array that does not fit the model; one line says why and what would.
    """
    volume = at is not None and len(at) == 3 and getattr(image, "ndim", 0) in (3, 4)
    pixels, told = as_image(image, 3 if volume else len(model.method.size), model.method.in_channels)
    if spacing is not None and (len(spacing) != pixels.ndim - 1 or not all(0 < mm < math.inf for mm in spacing)):
        raise InputError(f"spacing: expected {pixels.ndim - 1} sizes above 0 mm, got {list(spacing)}")
    meta = {"format": "array", "spacing known": spacing is not None}
    picture = Picture(pixels, tuple(map(float, spacing or [1.0] * (pixels.ndim - 1))), meta, told)
    made = Fitting(model, Source(picture), "image", window)
    prepared = made.whole(None) if at is None else made.round(at)
    return replace(prepared, key=key)


def prepare_file(
    model: Trained,
    path: Path,
    *,
    key: str | None = None,
    slices: Slices | None = None,
    series: str | None = None,
    at: Sequence[Point] = (),
    at_mm: Sequence[Point] = (),
    window: Window | None = None,
) -> list[Prepared]:
    """Fit a file to a model: the whole of it, or its slices; or the model's field round each of the points.

    Args:
        model: what it is for.
        path: see `read_source`.
        key: the noise belongs to it; None: the name of the file, with the point where there is one.
        slices: of a volume, for a 2-D model, as the file counts them along that axis.
        series: UID of a DICOM series.
        at: points in voxels of the file, columns first.
        at_mm: points in millimetres: RAS for a NIfTI, LPS for all others.
        window: the values that become 0 and 1, in place of the model's own rule.

    Raises:
        InputError: an image that cannot be read or does not fit the model; one line says why and what would.
    """
    dims = len(model.method.size)
    points = [*at, *at_mm]
    if slices is not None and points:
        raise InputError(f"{path}: --at chooses the slice itself; leave --slice and --slices out")
    deep = any(len(point) == 3 for point in points) and not path.name.lower().endswith(
        RASTERS
    )  # pictures say themselves
    volume = dims == 3 or slices is not None or deep
    source = read_source(path, spatial_dims=3 if volume else None, series=series)
    if dims == 2 and not volume:
        source = as_channels(source, model.method.in_channels)
    source = turned_to(model, source)
    made = Fitting(model, source, str(path), window)
    if not points:
        found = [made.whole(slices)]
    else:
        found = [made.round(point) for point in (*at, *(source.voxel(point, str(path)) for point in at_mm))]
    for number, one in enumerate(found):
        if one.at is not None and one.at in [other.at for other in found[:number]]:
            raise InputError(f"{path}: the point {words(one.at)} is given twice; give each once")
    name = title(path)
    keys = [name if one.at is None else f"{name} at {words(one.at)}" for one in found]
    return [replace(one, key=key or own, path=path) for one, own in zip(found, keys, strict=True)]


def as_channels(source: Source, in_channels: int) -> Source:
    """An array `[1, D, H, W]` whose first axis has just as many entries as the model has channels, as `[C, H, W]`."""
    pixels = source.picture.pixels
    plain = source.picture.meta.get("format") == "npy" and pixels.ndim == 4
    if plain and len(pixels) == 1 and pixels.shape[1] == in_channels > 1:
        return source._replace(picture=source.picture._replace(pixels=pixels[0], spacing=(1.0, 1.0)))
    return source
