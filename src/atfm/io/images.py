"""Images and masks from files: PNG, JPEG, TIFF, NPY and NIfTI.

Axes are `[C, H, W]` or `[C, D, H, W]` here, whatever the file has: NIfTI stores `[X, Y, Z]`, which is turned round when
read and turned back when written (`saving`), so that a mask saved with the affine of its image lies on it.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from atfm.errors import InputError
from atfm.io.decoding import decoding
from atfm.io.nifti import open_nifti
from atfm.io.raster import raster_labels, raster_pixels

__all__ = ["EXTENSIONS", "Picture", "read_image", "read_mask", "read_pixels"]

LARGEST_NPY_HEAD = 2**16


class Picture(NamedTuple):
    """Pixels and where they lie.

    Args:
        pixels: `[C, *spatial]`; float32 in [0, 1] from `read_image`, the file's own values from `read_pixels`.
        spacing: millimetres for each spatial axis, 1.0 where the file does not say.
        meta: `format`, and for NIfTI `affine` (4x4, of the file's own axes).
        warnings: a sentence for whatever reading guessed, ignored or left out.
    """

    pixels: np.ndarray
    spacing: tuple[float, ...]
    meta: dict[str, Any]
    warnings: tuple[str, ...] = ()


def read_image(
    path: Path | str, *, window: tuple[float, float] | None = None, spatial_dims: int | None = None
) -> Picture:
    """Read an image as float32 in [0, 1].

    8-bit values are divided by 255 and 16-bit ones by 65535, their full range. Floats have to lie in [0, 1], unless a
    window says which values are black and white. Transparency is left out, palettes are looked up.

    Args:
        path: `.png`, `.jpg`, `.tif`, `.npy`, `.nii` or `.nii.gz`.
        window: values that become 0 and 1; what lies outside is clipped. The file's own values: Hounsfield units, say.
        spatial_dims: 2 or 3; None to tell from the file. Three axes of an array are then `[C, H, W]` or `[H, W, C]`
            if the first is 1 or 3 or the last 1, 3 or 4, else `[D, H, W]`.

    Raises:
        InputError: an unknown extension, an unreadable file, NaN, values out of range, or other axes than expected.
    """
    picture = read_pixels(path, spatial_dims=spatial_dims)
    return picture._replace(pixels=unit_range(picture.pixels, window, Path(path)))


def read_pixels(path: Path | str, *, spatial_dims: int | None = None) -> Picture:
    """Read an image with the values and the type that the file has.

    Args:
        path: as for `read_image`.
        spatial_dims: as for `read_image`.

    Raises:
        InputError: an unknown extension, an unreadable file, or other axes than expected.
    """
    path = Path(path)
    picture = loader(path)(path, False, spatial_dims)
    check_axes(picture.pixels, spatial_dims, path)
    return picture


def read_mask(path: Path | str, *, classes: int = 1, spatial_dims: int | None = None) -> np.ndarray:
    """Read the labels of one annotator.

    Args:
        path: as for `read_image`.
        classes: 1 for a binary mask of 0 and 1, 0 and 255 or transparency; else the labels are 0 to `classes - 1`.
        spatial_dims: as for `read_image`.

    Returns:
        `[*spatial]` uint8 labels.

    Raises:
        InputError: as for `read_image`, or values that are not labels.
    """
    path = Path(path)
    pixels = loader(path)(path, True, spatial_dims).pixels
    check_axes(pixels, spatial_dims, path)
    if len(pixels) != 1:
        raise InputError(f"{path}: expected a mask of one channel, got {len(pixels)}")
    mask = pixels[0]
    top = mask.max() if mask.size else 0
    if classes == 1:
        if top not in (0, 1, 255) or not ((mask == 0) | (mask == top)).all():
            raise InputError(f"{path}: expected a mask of 0 and 255 or 0 and 1, got {some_values(mask)}")
        return (mask > 0).astype(np.uint8)
    labels = mask.astype(np.uint8) if np.isfinite(mask).all() and mask.min() >= 0 and top < classes else None
    if labels is None or (labels != mask).any():
        raise InputError(f"{path}: expected labels 0 to {classes - 1}, got {some_values(mask)}")
    return labels


# ---- one loader for each format: (path, as labels?, spatial_dims) -> Picture with the file's own values ----


def load_raster(path: Path, as_labels: bool, spatial_dims: int | None) -> Picture:
    pixels = (raster_labels if as_labels else raster_pixels)(path)
    return Picture(pixels, (1.0,) * (pixels.ndim - 1), {"format": "raster"})


def load_npy(path: Path, as_labels: bool, spatial_dims: int | None) -> Picture:
    with decoding(path, "an array of numbers"):
        with path.open("rb") as stream:
            head = stream.read(12)  # of version 2 on the length of the head has four bytes, which numpy believes
        if head[:6] == b"\x93NUMPY" and head[6] > 1 and int.from_bytes(head[8:], "little") > LARGEST_NPY_HEAD:
            raise InputError(f"{path}: its head is longer than {LARGEST_NPY_HEAD} bytes; it is no plain array")
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "biuf" or array.size == 0 or array.ndim == 0:
        raise InputError(f"{path}: expected one array of numbers, got another kind of content")
    pixels = channels_first(array, spatial_dims)
    return Picture(np.array(pixels), (1.0,) * (pixels.ndim - 1), {"format": "npy"})


def load_nifti(path: Path, as_labels: bool, spatial_dims: int | None) -> Picture:
    volume = open_nifti(path)
    shape = volume.shape
    with decoding(path, "NIfTI"):
        voxels = np.asanyarray(volume.dataobj)
    if voxels.dtype.kind not in "biuf" or any(n != 1 for n in shape[3:]) or len(shape) < 2 or voxels.size == 0:
        raise InputError(f"{path}: shape {list(shape)} of {voxels.dtype}; expected one grey slice or volume")
    voxels = voxels.reshape((*shape, 1)[:3])  # [X, Y, Z]
    # a spacing of 0 or NaN says as little as none
    zooms = tuple(float(mm) if np.isfinite(mm) and mm > 0 else 1.0 for mm in (*volume.header.get_zooms(), 1.0)[:3])
    if voxels.shape[2] == 1 and spatial_dims != 3:
        voxels, zooms = voxels[..., 0], zooms[:2]
    return Picture(voxels.T[None], zooms[::-1], {"format": "nifti", "affine": np.array(volume.affine)})


LOADERS: dict[str, Callable[[Path, bool, int | None], Picture]] = {
    ".png": load_raster,
    ".jpg": load_raster,
    ".jpeg": load_raster,
    ".tif": load_raster,
    ".tiff": load_raster,
    ".npy": load_npy,
    ".nii": load_nifti,
    ".nii.gz": load_nifti,
}
EXTENSIONS = tuple(LOADERS)


def loader(path: Path) -> Callable[[Path, bool, int | None], Picture]:
    """The loader for a file, by its extension."""
    suffix = ".nii.gz" if path.name.lower().endswith(".nii.gz") else path.suffix.lower()
    if suffix not in LOADERS:
        raise InputError(f"{path}: unknown extension {suffix!r}; expected one of {', '.join(EXTENSIONS)}")
    return LOADERS[suffix]


def channels_first(array: np.ndarray, spatial_dims: int | None) -> np.ndarray:
    """An array of two to four axes as `[C, *spatial]`; see `read_image`."""
    if spatial_dims is None:
        flat = array.ndim == 3 and (array.shape[0] in (1, 3) or array.shape[2] in (1, 3, 4))
        spatial_dims = 2 if flat or array.ndim < 3 else 3
    if array.ndim == spatial_dims:
        return array[None]
    first = array.shape[0] <= 4 or array.shape[-1] > 4
    channels = array if first or array.ndim != 3 else np.moveaxis(array, -1, 0)
    return channels[:3] if len(channels) == 4 and not first else channels  # the fourth of [H, W, 4] is transparency


def check_axes(pixels: np.ndarray, spatial_dims: int | None, path: Path) -> None:
    """Refuse anything but `[C, *spatial]` with as many spatial axes as wanted."""
    found = pixels.ndim - 1
    if found not in (2, 3) or (spatial_dims is not None and found != spatial_dims):
        wanted = spatial_dims or "2 or 3"
        raise InputError(f"{path}: expected {wanted} spatial axes, got {found} in shape {list(pixels.shape)}")


def unit_range(pixels: np.ndarray, window: tuple[float, float] | None, path: Path) -> np.ndarray:
    """The file's own values as float32 in [0, 1]; see `read_image`."""
    if pixels.dtype.kind == "f" and not np.isfinite(pixels).all():
        raise InputError(f"{path}: holds NaN or infinity; mend the file or leave it out")
    if window is not None:
        black, white = window
        if not black < white:
            raise InputError(f"window: expected a lower and a higher value, got {black:g} and {white:g}")
        scaled = pixels.astype(np.float32)  # once, then in place: a volume may take a quarter of the memory
        scaled -= np.float32(black)
        scaled /= np.float32(white - black)
        return np.clip(scaled, 0, 1, out=scaled)
    if pixels.dtype in (np.uint8, np.uint16):
        scaled = pixels.astype(np.float32)
        scaled /= np.float32(np.iinfo(pixels.dtype).max)
        return scaled
    if pixels.dtype.kind in "bf" and pixels.min() >= 0 and pixels.max() <= 1:
        return pixels.astype(np.float32)
    raise InputError(
        f"{path}: {pixels.dtype} values {pixels.min():g} to {pixels.max():g}; expected 8-bit, 16-bit or floats in "
        "[0, 1]; give a window, the two values that are to be black and white"
    )


def some_values(mask: np.ndarray) -> str:
    """A few of the values in a mask, for an error."""
    values = np.unique(mask)
    return ", ".join(f"{value:g}" for value in values[:6].astype(float)) + (" ..." if len(values) > 6 else "")
