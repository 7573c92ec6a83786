"""Arrays in files, NPY, and which of an array's axes is which."""

from pathlib import Path

import numpy as np

from atfm.errors import AmbiguousError, InputError, UnsupportedError
from atfm.io.decoding import decoding
from atfm.io.picture import Picture

__all__ = ["channels_first", "load_npy", "native", "open_npy"]

LARGEST_NPY_HEAD = 2**16

COLOURS = "an array of three axes whose first has 3 entries was taken for colours [C, H, W], not for three slices"
FOURTH = "the fourth channel of an array [H, W, 4] was left out as transparency"


def load_npy(path: Path, as_labels: bool, spatial_dims: int | None) -> Picture:
    """One array of numbers, of any whole or floating type and either order of bytes.

    Args:
        path: of the file.
        as_labels: does not matter here.
        spatial_dims: see `channels_first`.

    Raises:
        InputError: no array, or damaged.
        UnsupportedError: an array of something else than numbers.
        AmbiguousError: as for `channels_first`.
    """
    array = open_npy(path)
    try:
        pixels = channels_first(array, spatial_dims)
    except AmbiguousError as error:
        raise AmbiguousError(f"{path}: {error}") from None
    told: tuple[str, ...] = ()
    if spatial_dims is None and array.ndim == 3 and array.shape[0] == 3:
        told = (COLOURS,)
    elif pixels.ndim == array.ndim == 3 and array.shape[-1] == 4 and len(pixels) == 3:
        told = (FOURTH,)
    return Picture(native(pixels), (1.0,) * (pixels.ndim - 1), {"format": "npy"}, told)


def open_npy(path: Path) -> np.ndarray:
    """One array of numbers with the axes that it has, still on the disk.

    Raises:
        InputError: no array, an empty one, or damaged.
        UnsupportedError: an array of something else than numbers.
    """
    with decoding(path, "an array of numbers"):
        with path.open("rb") as stream:
            head = stream.read(12)  # of version 2 on the length of the head has four bytes, which numpy believes
        if head[:6] == b"\x93NUMPY" and head[6] > 1 and int.from_bytes(head[8:], "little") > LARGEST_NPY_HEAD:
            raise InputError(f"{path}: its head is longer than {LARGEST_NPY_HEAD} bytes; it is no plain array")
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    if not isinstance(array, np.ndarray):
        raise UnsupportedError(
            f"{path}: expected one array of numbers, got another kind of content; save one with np.save"
        )
    if array.dtype.kind not in "biuf":
        raise UnsupportedError(
            f"{path}: expected one array of numbers, got another kind of content, {array.dtype}; save whole or "
            "floating numbers"
        )
    if array.size == 0 or array.ndim == 0:
        raise InputError(
            f"{path}: expected one array of numbers, got another kind of content, shape {list(array.shape)}"
        )
    return array


def native(array: np.ndarray) -> np.ndarray:
    """A copy in the order of bytes of this machine."""
    return np.array(array, array.dtype.newbyteorder("="))


def channels_first(array: np.ndarray, spatial_dims: int | None) -> np.ndarray:
    """An array of two to four axes as `[C, *spatial]`.

    Args:
        array: `[H, W]`, `[C, H, W]`, `[H, W, C]`, `[D, H, W]`, `[C, D, H, W]` or `[D, H, W, C]`.
        spatial_dims: 2 or 3; None: three axes are `[C, H, W]` or `[H, W, C]` if the first is 1 or 3 or the last 1, 3 or
            4, else `[D, H, W]`.

    Raises:
        AmbiguousError: channels that may as well be the first axis as the last, or neither.
    """
    ends = (array.shape[0] in (1, 3), array.shape[-1] in (1, 3, 4)) if array.ndim else (False, False)
    if spatial_dims is None:
        spatial_dims = 2 if array.ndim < 3 or (array.ndim == 3 and any(ends)) else 3
    if array.ndim == spatial_dims:
        return array[None]
    if array.ndim != spatial_dims + 1:
        return array  # of too few or too many axes, which whoever asked says in its own words
    axes = "H, W" if spatial_dims == 2 else "D, H, W"
    if (all(ends) and array.shape[0] != array.shape[-1]) or (ends[0] and array.shape[-1] == array.shape[0] == 3):
        raise AmbiguousError(
            f"shape {list(array.shape)} may be [C, {axes}] or [{axes}, C]; save it without the axis of channels, or as "
            f"[1 or 3, {axes}] with more than 4 columns"
        )
    first = array.shape[0] <= 4 or array.shape[-1] > 4
    if spatial_dims == 3 and min(array.shape[0], array.shape[-1]) > 4:
        raise AmbiguousError(
            f"shape {list(array.shape)}: expected [C, {axes}] or [{axes}, C] with up to 4 channels; this looks like a "
            "series of volumes, or one in time; save each as a file of its own"
        )
    channels = array if first else np.moveaxis(array, -1, 0)
    return channels[:3] if len(channels) == 4 and not first else channels  # the fourth of [H, W, 4] is transparency
