"""From the bytes of a DICOM file to values with a meaning: modality units (Hounsfield for CT), or RGB."""

from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from atfm.errors import InputError
from atfm.io.decoding import brief
from atfm.io.dicom.file import groups, number, numbers, open_dicom, said, whole
from atfm.io.dicom.headers import Plane, size_of
from atfm.io.dicom.lossless import SYNTAXES, decode_lossless
from atfm.io.dicom.stack import Stack, different

if TYPE_CHECKING:
    from pydicom import Dataset

__all__ = ["MAX_VOXELS", "Window", "check_copies", "read_frames", "read_plane", "read_planes"]

MAX_VOXELS = 2**29  # 2 GiB of float32: a scan of 2,000 slices of 512 x 512

GREY = ("MONOCHROME1", "MONOCHROME2")
COLOUR = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_422", "YBR_PARTIAL_420", "YBR_ICT", "YBR_RCT")
PALETTE = "PALETTE COLOR"

# By the beginning of the transfer syntax: JPEG-LS, the other kinds of JPEG, and run lengths.
DECODERS = {
    "1.2.840.10008.1.2.4.8": "pyjpegls",
    "1.2.840.10008.1.2.4": "pillow",
    "1.2.840.10008.1.2.5": "pydicom",
}

Window = tuple[float, float]


def read_planes(planes: Sequence[Plane]) -> tuple[np.ndarray, Window | None]:
    """The pixels of planes in their order, each file decoded once.

    Returns:
        `[D, H, W]` float32 or `[D, H, W, 3]` uint8, see `read_frames`; and the window of the first file.

    Raises:
        InputError: as `read_frames`, or files whose pixels are unlike, by name.
    """
    by_file: dict[Path, list[int]] = defaultdict(list)
    for at, plane in enumerate(planes):
        by_file[plane.file].append(at)
    pixels: np.ndarray | None = None
    first: Window | None = None
    for file, places in by_file.items():
        frames, window = read_frames(file)
        if pixels is None:
            pixels, first = np.empty((len(planes), *frames.shape[1:]), frames.dtype), window
        if frames.shape[1:] != pixels.shape[1:] or frames.dtype != pixels.dtype:
            raise InputError(f"{file}: {frames.shape[1:]} {frames.dtype}, unlike the other slices; choose the files")
        for at in places:
            pixels[at] = frames[planes[at].frame]
    if pixels is None:
        raise InputError("no planes given; nothing to read")
    return pixels, first


def read_plane(plane: Plane) -> np.ndarray:
    """The pixels of one slice, `[H, W]` or `[H, W, 3]`; see `read_frames`."""
    return read_planes([plane])[0][0]


def check_copies(stack: Stack) -> None:
    """See that what is there twice is there twice; nothing else is read.

    Raises:
        InputError: a copy with other pixels than its plane, or a file that cannot be read, by name.
    """
    frames_of = lru_cache(maxsize=2)(lambda file: read_frames(file)[0])
    for copy, kept in stack.copies:
        if not np.array_equal(frames_of(copy.file)[copy.frame], frames_of(kept.file)[kept.frame]):
            raise different(copy, kept)


def read_frames(path: Path) -> tuple[np.ndarray, Window | None]:
    """Decode all frames of one file.

    Grey values are `slope * stored + intercept`, or the modality's lookup table (DICOM PS3.3, C.11.1). Where the file
    says MONOCHROME1, low is bright; so that bright is high everywhere, a rescaled value `v` becomes `lo + hi - v`, `lo`
    and `hi` being the rescaled ends of what the stored bits can hold. Values that measure something, Hounsfield units
    and activities, are what they are however they are to be shown, and stay.

    Returns:
        `[N, H, W]` float32 in modality units, or `[N, H, W, 3]` uint8 colours; and the window `(centre, width)` in
        which the file asks to be shown, if it does.

    Raises:
        InputError: damaged, a kind of pixel that is no picture, or sizes that the pixel data do not fill.
    """
    with open_dicom(path, pixels=True) as ds:
        photometric = said(ds, "PhotometricInterpretation")
        stored = decoded(ds, path, checked_shape(ds, path, photometric))
        if photometric in GREY:
            return grey(ds, stored, path, photometric)
        return colour(ds, stored, photometric), None


def checked_shape(ds: "Dataset", path: Path, photometric: str) -> tuple[int, ...]:
    """`(N, H, W)` or `(N, H, W, 3)`; before anything is reserved, what cannot be a picture of that size is refused."""
    if "PixelData" not in ds:
        raise InputError(f"{path}: holds no pixel data; choose a file with an image")
    samples, bits = whole(ds, "SamplesPerPixel", path, 1), whole(ds, "BitsAllocated", path, 0)
    kinds = {1: (*GREY, PALETTE), 3: COLOUR}
    if photometric not in kinds.get(samples, ()) or bits not in (8, 16, 32) or (bits == 32 and photometric not in GREY):
        raise InputError(
            f"{path}: pixels of {samples} x {bits} bits, {photometric or 'of no kind'}; expected grey or colour "
            "pictures of 8 or 16 bits"
        )
    stored = whole(ds, "BitsStored", path, bits)
    if not 1 <= stored <= bits or whole(ds, "HighBit", path, stored - 1) != stored - 1:
        raise InputError(
            f"{path}: {stored} bits stored of {bits} with high bit {brief(ds.get('HighBit'))}; it is damaged"
        )
    frames, rows, columns = size_of(ds, path)
    sizes, length = f"{frames} frames of {rows} x {columns} pixels", len(ds.PixelData)
    if rows * columns * frames * samples > MAX_VOXELS:
        raise InputError(f"{path}: {sizes} are more than the {MAX_VOXELS} that can be read")
    per_pixel = 2 if photometric == "YBR_FULL_422" else samples  # two pixels share their colour
    packed = rows * columns * frames * per_pixel * bits // 8
    if not compressed(ds) and length < packed:
        raise InputError(f"{path}: {sizes} take {packed} bytes, but it holds {length}; it is damaged or truncated")
    return (frames, rows, columns, *[samples][: samples - 1])


def compressed(ds: "Dataset") -> bool:
    """Whether the pixel data are compressed; without a transfer syntax they are taken to be plain."""
    syntax = ds.file_meta.get("TransferSyntaxUID")
    return syntax is not None and bool(syntax.is_compressed)


def decoded(ds: "Dataset", path: Path, shape: tuple[int, ...]) -> np.ndarray:
    """The stored values in that shape, colours already RGB; bits beyond those stored are cut off."""
    stored = unpacked(ds, path)
    if stored.size != np.prod(shape):
        raise InputError(f"{path}: expected {shape} pixels, decoded {stored.shape}; it is damaged")
    stored = stored.reshape(shape)  # [N, H, W] or [N, H, W, 3]
    spare = 8 * stored.itemsize - whole(ds, "BitsStored", path, 8 * stored.itemsize)
    if spare > 0 and len(shape) == 3:
        stored = (stored << spare) >> spare  # overlays once lay there; of signed values this keeps the sign
    return stored


def unpacked(ds: "Dataset", path: Path) -> np.ndarray:
    """The pixels by the decoder that stands damaged files best, of those that know the compression."""
    from pydicom.pixels.utils import pixel_array

    syntax = ds.file_meta.get("TransferSyntaxUID", "")
    if syntax in SYNTAXES:
        return decode_lossless(path)
    plugin = next((name for start, name in DECODERS.items() if syntax.startswith(start)), "")
    try:
        return pixel_array(ds, decoding_plugin=plugin)
    except RuntimeError as error:  # the reasons of a decoder, on several lines
        raise InputError(f"{path}: its pixels cannot be decoded: {' '.join(str(error).split())[:400]}") from error


def grey(ds: "Dataset", stored: np.ndarray, path: Path, photometric: str) -> tuple[np.ndarray, Window | None]:
    """Modality units and the window, turned so that bright is high."""
    values = np.empty(stored.shape, np.float32)
    window: Window | None = None
    for frame, plane in enumerate(stored):
        places = groups(ds, frame)
        values[frame], ends = rescaled(ds, plane, places, path)
        if frame == 0:
            window = asked(places, path)
        if photometric == "MONOCHROME1" and not measured(ds, places):
            values[frame] = np.float32(sum(ends)) - values[frame]
            if frame == 0 and window is not None:
                window = sum(ends) - window[0], window[1]
    if not np.isfinite(values).all():
        raise InputError(f"{path}: values that are no finite numbers after slope and intercept; it is damaged")
    return values, window


def rescaled(
    ds: "Dataset", plane: np.ndarray, places: "list[Dataset]", path: Path
) -> tuple[np.ndarray, tuple[float, float]]:
    """One plane in modality units, and what the least and the greatest storable value become."""
    from pydicom.pixels.processing import apply_modality_lut

    bits = whole(ds, "BitsStored", path, 8 * plane.itemsize)
    signed = plane.dtype.kind == "i"
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    table = next((place for place in places if place.get("ModalityLUTSequence")), None)
    if table is not None:
        looked_up = apply_modality_lut(plane, table)
        reached = apply_modality_lut(np.array([low, high], plane.dtype), table)
        return looked_up.astype(np.float32), (float(reached[0]), float(reached[1]))
    slope, intercept = number(places, "RescaleSlope", path, 1.0), number(places, "RescaleIntercept", path, 0.0)
    if slope == 0:
        raise InputError(f"{path}: RescaleSlope is 0, which leaves nothing of the image; it is damaged")
    return (plane * slope + intercept).astype(np.float32), (low * slope + intercept, high * slope + intercept)


def measured(ds: "Dataset", places: "list[Dataset]") -> bool:
    """Whether the values measure something: Hounsfield units, or the activity of a PET."""
    units = next((str(place.RescaleType) for place in places if place.get("RescaleType")), "")
    return units == "HU" or (ds.get("Modality") in ("CT", "PT") and units in ("", "US"))


def asked(places: "list[Dataset]", path: Path) -> Window | None:
    """The first window that the file asks for."""
    for place in places:
        centre, width = numbers(place, "WindowCenter", path), numbers(place, "WindowWidth", path)
        if centre and width and width[0] > 0:
            return centre[0], width[0]
    return None


def colour(ds: "Dataset", stored: np.ndarray, photometric: str) -> np.ndarray:
    """Colours of 8 bits, palettes looked up."""
    from pydicom.pixels.processing import apply_color_lut

    bits = int(ds.get("BitsStored") or 8)
    if photometric == PALETTE:
        stored = apply_color_lut(stored, ds)[..., :3]
        bits = 8 * stored.itemsize
    # Deeper colours give up their last bits; shallower ones are spread over all eight.
    scaled = stored if bits == 8 else stored >> (bits - 8) if bits > 8 else stored * (255 // (2**bits - 1))
    return np.ascontiguousarray(scaled).astype(np.uint8)
