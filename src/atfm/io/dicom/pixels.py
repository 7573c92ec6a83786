"""From the bytes of a DICOM file to its stored pixels, and on to values with a meaning (`atfm.io.dicom.values`)."""

from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from atfm.errors import InputError, UnsupportedError
from atfm.io.decoding import brief
from atfm.io.dicom.decoder import SYNTAXES, decode_apart
from atfm.io.dicom.file import open_dicom, said, syntax_of, whole
from atfm.io.dicom.headers import Plane, size_of
from atfm.io.dicom.notes import Notes
from atfm.io.dicom.stack import Stack, different
from atfm.io.dicom.values import COLOUR, GREY, PALETTE, Frames, Window, colour_frames, grey_frames
from atfm.io.most import most

if TYPE_CHECKING:
    from pydicom import Dataset

__all__ = ["MAX_VOXELS", "check_copies", "read_frames", "read_planes"]

MAX_VOXELS = 2**29  # 2 GiB of float32: a scan of 2,000 slices of 512 x 512

# By the beginning of the transfer syntax: JPEG-LS, the other kinds of JPEG, and run lengths.
DECODERS = {
    "1.2.840.10008.1.2.4.8": "pyjpegls",
    "1.2.840.10008.1.2.4": "pillow",
    "1.2.840.10008.1.2.5": "pydicom",
}


def read_planes(planes: Sequence[Plane]) -> tuple[np.ndarray, Window | None, Notes]:
    """The pixels of planes in their order, each file decoded once.

    Returns:
        `[D, H, W]` float32 or `[D, H, W, 3]` uint8, see `read_frames`; the window of the first file; and what there is
        to say of the files.

    Raises:
        InputError: as `read_frames`, or files whose pixels are unlike, by name.
    """
    by_file: dict[Path, list[int]] = defaultdict(list)
    for at, plane in enumerate(planes):
        by_file[plane.file].append(at)
    pixels: np.ndarray | None = None
    first: Frames | None = None
    notes = Notes()
    for file, places in by_file.items():
        frames = read_frames(file)
        notes.add(file, *frames.warnings)
        values = frames.values
        if pixels is None or first is None:
            pixels, first = np.empty((len(planes), *values.shape[1:]), values.dtype), frames
        if values.shape[1:] != pixels.shape[1:] or values.dtype != pixels.dtype:
            raise InputError(f"{file}: {values.shape[1:]} {values.dtype}, unlike the other slices; choose the files")
        if frames.turned != first.turned:
            raise InputError(
                f"{file}: low is bright (MONOCHROME1), but not between the same values as in {planes[0].file}; they "
                "cannot be turned into one volume"
            )
        for at in places:
            pixels[at] = values[planes[at].frame]
    if pixels is None or first is None:
        raise InputError("no planes given; nothing to read")
    return pixels, first.window, notes


def check_copies(stack: Stack) -> None:
    """See that what is there twice is there twice; nothing else is read.

    Raises:
        InputError: a copy with other pixels than its plane, or a file that cannot be read, by name.
    """
    frames_of = lru_cache(maxsize=2)(lambda file: read_frames(file).values)
    for copy, kept in stack.copies:
        if not np.array_equal(frames_of(copy.file)[copy.frame], frames_of(kept.file)[kept.frame]):
            raise different(copy, kept)


def read_frames(path: Path) -> Frames:
    """Decode all frames of one file.

    Returns:
        Modality units or colours, see `atfm.io.dicom.values`.

    Raises:
        InputError: damaged, a kind of pixel that is no picture, or sizes that the pixel data do not fill.
    """
    with open_dicom(path, pixels=True) as ds:
        ds.file_meta.TransferSyntaxUID = syntax_of(ds, path)
        photometric = said(ds, "PhotometricInterpretation")
        stored = decoded(ds, path, checked_shape(ds, path, photometric))
        if photometric in GREY:
            return grey_frames(ds, stored, path, photometric)
        return colour_frames(ds, stored, path, photometric)


def checked_shape(ds: "Dataset", path: Path, photometric: str) -> tuple[int, ...]:
    """`(N, H, W)` or `(N, H, W, 3)`; before anything is reserved, what cannot be a picture of that size is refused."""
    if "PixelData" not in ds:
        other = next((name for name in ("FloatPixelData", "DoubleFloatPixelData") if name in ds), None)
        if other:
            raise UnsupportedError(f"{path}: its pixels are {other}, which is not read; whole numbers are (PixelData)")
        raise InputError(f"{path}: holds no pixel data; choose a file with an image")
    samples, bits = whole(ds, "SamplesPerPixel", path, 1), whole(ds, "BitsAllocated", path, 0)
    kinds = {1: (*GREY, PALETTE), 3: COLOUR}
    if photometric not in kinds.get(samples, ()) or bits not in (8, 16, 32) or (bits == 32 and photometric not in GREY):
        raise UnsupportedError(
            f"{path}: pixels of {samples} x {bits} bits, {photometric or 'of no kind'}, are not read; grey ones of 8, "
            "16 or 32 bits are (MONOCHROME1 and 2), and palettes, RGB and YBR of 8 or 16 bits"
        )
    stored = whole(ds, "BitsStored", path, bits)
    if not 1 <= stored <= bits or whole(ds, "HighBit", path, stored - 1) != stored - 1:
        raise InputError(
            f"{path}: {stored} bits stored of {bits} with high bit {brief(ds.get('HighBit'))}; it is damaged"
        )
    frames, rows, columns = size_of(ds, path)
    sizes, length = f"{frames} frames of {rows} x {columns} pixels", len(ds.PixelData)
    if rows * columns * frames * samples > most(MAX_VOXELS):
        raise InputError(f"{path}: {sizes} are more than the {most(MAX_VOXELS)} that can be read")
    per_pixel = 2 if photometric == "YBR_FULL_422" else samples  # two pixels share their colour
    packed = rows * columns * frames * per_pixel * bits // 8
    if not ds.file_meta.TransferSyntaxUID.is_compressed and length < packed:
        raise InputError(f"{path}: {sizes} take {packed} bytes, but it holds {length}; it is damaged or truncated")
    return (frames, rows, columns, *[samples][: samples - 1])


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
    from pydicom.pixels.decoders.base import get_decoder
    from pydicom.pixels.utils import pixel_array

    syntax = ds.file_meta.TransferSyntaxUID
    if syntax in SYNTAXES:
        return decode_apart(path)
    if syntax.is_compressed:
        try:
            known = bool(get_decoder(syntax).available_plugins)
        except NotImplementedError:
            known = False
        if not known:
            raise UnsupportedError(
                f"{path}: pixels in the transfer syntax {brief(syntax.name)} are not read; uncompressed ones, JPEG, "
                "JPEG-LS, JPEG 2000 (HTJ2K too) and run lengths are"
            )
    plugin = next((name for start, name in DECODERS.items() if syntax.startswith(start)), "")
    try:
        return pixel_array(ds, decoding_plugin=plugin)
    except RuntimeError as error:  # the reasons of a decoder, on several lines
        raise InputError(
            f"{path}: its pixels cannot be decoded, it is damaged: {' '.join(str(error).split())[:400]}"
        ) from error
