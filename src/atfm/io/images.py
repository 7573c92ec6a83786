"""Images and masks from files: pictures (PNG, JPEG, TIFF, GIF, BMP, PPM), NPY, NIfTI, NRRD and MetaImage.

Axes are `[C, H, W]` or `[C, D, H, W]` here, whatever the file has: NIfTI stores `[X, Y, Z]`, which is turned round when
read and turned back when written (`saving`), so that a mask saved with the affine of its image lies on it.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from atfm.errors import InputError, UnsupportedError
from atfm.io.arrays import load_npy
from atfm.io.picture import Picture
from atfm.io.pictures.bitmap import HIDDEN
from atfm.io.pictures.brightness import near_black, unit_range
from atfm.io.pictures.marking import MaskRule
from atfm.io.pictures.raster import RASTERS, Raster, read_raster
from atfm.io.pictures.stated import by_rule
from atfm.io.pictures.unstated import by_itself
from atfm.io.volumes.metaimage import load_metaimage
from atfm.io.volumes.nifti import load_nifti
from atfm.io.volumes.nrrd import load_nrrd

__all__ = ["EXTENSIONS", "Picture", "read_image", "read_labels", "read_mask", "read_pixels", "suffix_of"]

NO_RULE = MaskRule()


def read_image(
    path: Path | str, *, window: tuple[float, float] | None = None, spatial_dims: int | None = None
) -> Picture:
    """Read an image as float32 in [0, 1].

    8-bit values are divided by 255 and 16-bit ones by 65535, their full range. Floats have to lie in [0, 1], unless a
    window says which values are black and white. Palettes are looked up; transparent pixels have their stored colours.

    Args:
        path: ends in one of `EXTENSIONS`.
        window: values that become 0 and 1; what lies outside is clipped. The file's own values: Hounsfield units, say.
        spatial_dims: 2 or 3; None to tell from the file. Three axes of an array are then `[C, H, W]` or `[H, W, C]`
            if the first is 1 or 3 or the last 1, 3 or 4, else `[D, H, W]`.

    Returns:
        The picture; its warnings tell of an image that came out nearly black, too.

    Raises:
        InputError: an unreadable file, NaN, or other axes than expected.
        UnsupportedError: an unknown extension, or a kind of file that is not read.
        AmbiguousError: values of which nobody knows which is white, or a file that can be read in several ways.
    """
    picture = read_pixels(path, spatial_dims=spatial_dims)
    unit = unit_range(picture.pixels, window, Path(path))
    dark = near_black(picture.pixels, unit, window)
    return picture._replace(pixels=unit, warnings=(*picture.warnings, *([dark] if dark else [])))


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


def read_labels(
    path: Path | str, *, classes: int = 1, spatial_dims: int | None = None, rule: MaskRule = NO_RULE
) -> Picture:
    """Read the labels of one annotator, and where they lie.

    Args:
        path: as for `read_image`.
        classes: 1 for a binary mask, else the labels are 0 to `classes - 1`.
        spatial_dims: as for `read_image`.
        rule: what the values and colours mean where the file does not say it itself; see `unstated` for when it does.

    Returns:
        A picture of `[1, *spatial]` uint8 labels.

    Raises:
        InputError: as for `read_image`, or values that are not labels.
        UnsupportedError: as for `read_image`.
        AmbiguousError: a file whose values, palette, transparency and colours do not tell the same.
    """
    path = Path(path)
    if suffix_of(path) in RASTERS:
        raster = read_raster(path)
        picture = pictured(raster)
    else:
        picture = loader(path)(path, True, spatial_dims)
        raster = Raster(picture.pixels, picture.pixels[0] if len(picture.pixels) == 1 else None)
    check_axes(picture.pixels, spatial_dims, path)
    if len(picture.pixels) not in (1, 3) or (raster.stored is None and suffix_of(path) not in RASTERS):
        raise InputError(f"{path}: expected a mask of one channel, got {len(picture.pixels)}")
    labels, told = (by_rule(raster, rule, path), ()) if rule.stated else by_itself(raster, classes, path)
    if rule.stated and labels.max() >= max(classes, 2):
        raise InputError(
            f"{path}: --labels makes {labels.max()} of some pixels, beyond the {max(classes, 2)} labels of --classes"
        )
    return picture._replace(pixels=labels[None], warnings=(*picture.warnings, *told))


def read_mask(
    path: Path | str, *, classes: int = 1, spatial_dims: int | None = None, rule: MaskRule = NO_RULE
) -> np.ndarray:
    """Read the labels of one annotator as `[*spatial]` uint8; see `read_labels`."""
    return read_labels(path, classes=classes, spatial_dims=spatial_dims, rule=rule).pixels[0]


# ---- one loader for each format: (path, as labels?, spatial_dims) -> Picture with the file's own values ----


def load_raster(path: Path, as_labels: bool, spatial_dims: int | None) -> Picture:
    """A picture as it is shown."""
    raster = read_raster(path)
    hidden = raster.alpha is not None and bool((raster.alpha == 0).any() or raster.alpha.min() != raster.alpha.max())
    picture = pictured(raster)
    return picture._replace(warnings=(*raster.warnings, *([HIDDEN] if hidden else [])))


def pictured(raster: Raster) -> Picture:
    """What is shown, which lies nowhere in particular."""
    return Picture(raster.shown, (1.0,) * (raster.shown.ndim - 1), {"format": "raster"}, raster.warnings)


LOADERS: dict[str, Callable[[Path, bool, int | None], Picture]] = {
    **dict.fromkeys(RASTERS, load_raster),
    ".npy": load_npy,
    ".nii": load_nifti,
    ".nii.gz": load_nifti,
    ".nrrd": load_nrrd,
    ".nhdr": load_nrrd,
    ".mha": load_metaimage,
    ".mhd": load_metaimage,
}
EXTENSIONS = tuple(LOADERS)


def suffix_of(path: Path) -> str:
    """The extension of a file, in small letters."""
    return ".nii.gz" if path.name.lower().endswith(".nii.gz") else path.suffix.lower()


def loader(path: Path) -> Callable[[Path, bool, int | None], Picture]:
    """The loader for a file, by its extension."""
    suffix = suffix_of(path)
    if suffix not in LOADERS:
        raise UnsupportedError(f"{path}: unknown extension {suffix!r}; expected one of {', '.join(EXTENSIONS)}")
    return LOADERS[suffix]


def check_axes(pixels: np.ndarray, spatial_dims: int | None, path: Path) -> None:
    """Refuse anything but `[C, *spatial]` with as many spatial axes as wanted."""
    found = pixels.ndim - 1
    if found not in (2, 3) or (spatial_dims is not None and found != spatial_dims):
        wanted = spatial_dims or "2 or 3"
        raise InputError(f"{path}: expected {wanted} spatial axes, got {found} in shape {list(pixels.shape)}")
