"""From stored pixels to values with a meaning: modality units (Hounsfield for CT), or RGB.

Grey values are `slope * stored + intercept`, or the modality's look-up table (DICOM PS3.3, C.11.1). Where the file says
MONOCHROME1, low is bright; so that bright is high everywhere, a rescaled value `v` becomes `lo + hi - v`, `lo` and `hi`
being the rescaled ends of what the stored bits can hold. Values that measure something, Hounsfield units and
activities, are what they are however they are to be shown, and stay. Padding keeps its value, and is told of.
"""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from atfm.errors import InputError
from atfm.io.dicom.file import groups, items_of, number, numbers, said, whole
from atfm.io.dicom.scale import Scale, scale_of, scales_of, table_of, unlike

if TYPE_CHECKING:
    from pydicom import Dataset

__all__ = ["COLOUR", "GREY", "PALETTE", "Frames", "Window", "colour_frames", "grey_frames"]

GREY = ("MONOCHROME1", "MONOCHROME2")
COLOUR = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_422", "YBR_PARTIAL_420", "YBR_ICT", "YBR_RCT")
PALETTE = "PALETTE COLOR"
TABLE = ("LUTDescriptor", "LUTData")

Window = tuple[float, float]


class Frames(NamedTuple):
    """All frames of one file.

    Args:
        values: `[N, H, W]` float32 in modality units, or `[N, H, W, 3]` uint8 colours.
        window: `(centre, width)` in which the file asks to be shown, if it does.
        turned: the sum of the ends between which values were turned round, None where they were not.
        warnings: what was guessed or ignored, a sentence each.
    """

    values: np.ndarray
    window: Window | None = None
    turned: float | None = None
    warnings: tuple[str, ...] = ()


def grey_frames(ds: "Dataset", stored: np.ndarray, path: Path, photometric: str) -> Frames:
    """Modality units and the window, turned so that bright is high.

    Raises:
        InputError: frames that are not of one scale, a table that is damaged, or values that are not finite.
    """
    mixed = unlike(scales_of(ds, len(stored), path))
    if mixed:
        raise InputError(f"{path}: some of its frames have {mixed[0]}, others {mixed[1]}; they are of no one unit")
    values = np.empty(stored.shape, np.float32)
    window: Window | None = None
    turned: float | None = None
    for frame, plane in enumerate(stored):
        places = groups(ds, frame)
        values[frame], ends = rescaled(ds, plane, places, path)
        if frame == 0:
            window = asked(places, path)
        if photometric == "MONOCHROME1" and not measured(ds, places):
            if turned not in (None, sum(ends)):
                raise InputError(f"{path}: low is bright (MONOCHROME1), but not between the same values in all frames")
            turned = sum(ends)
            values[frame] = np.float32(turned) - values[frame]
    if not np.isfinite(values).all():
        raise InputError(f"{path}: values that are no finite numbers after slope and intercept; it is damaged")
    if turned is not None and window is not None:
        window = turned - window[0], window[1]
    return Frames(values, window, turned, tuple(ignored(ds, stored, path, photometric)))


def rescaled(
    ds: "Dataset", plane: np.ndarray, places: "list[Dataset]", path: Path
) -> tuple[np.ndarray, tuple[float, float]]:
    """One plane in modality units, and what the least and the greatest storable value become."""
    bits = whole(ds, "BitsStored", path, 8 * plane.itemsize)
    signed = plane.dtype.kind == "i"
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    if scale_of(places, path) == Scale.TABLE:
        place = next(place for place in places if items_of(place, "ModalityLUTSequence"))
        table = table_of(items_of(place, "ModalityLUTSequence")[0], ds, *TABLE, path)
        reached = table.look_up(np.array([low, high]))
        return table.look_up(plane).astype(np.float32), (float(reached[0]), float(reached[1]))
    slope, intercept = number(places, "RescaleSlope", path, 1.0), number(places, "RescaleIntercept", path, 0.0)
    if slope == 0:
        raise InputError(f"{path}: RescaleSlope is 0, which leaves nothing of the image; it is damaged")
    return (plane * slope + intercept).astype(np.float32), (low * slope + intercept, high * slope + intercept)


def measured(ds: "Dataset", places: "list[Dataset]") -> bool:
    """Whether the values measure something: Hounsfield units, or the activity of a PET."""
    units = next((str(place.RescaleType) for place in places if place.get("RescaleType")), "")
    return units == "HU" or (ds.get("Modality") in ("CT", "PT") and units in ("", "US"))


def asked(places: "list[Dataset]", path: Path) -> Window | None:
    """The first window that the file asks for, as one of DICOM's linear function (PS3.3, C.11.2.1.2.1)."""
    for place in places:
        centre, width = numbers(place, "WindowCenter", path), numbers(place, "WindowWidth", path)
        if centre and width and width[0] > 0:
            function = said(place, "VOILUTFunction")
            if function == "SIGMOID":
                return None
            # The exact one has its ends half a step further out (C.11.2.1.3.2).
            return (centre[0] + 0.5, width[0] + 1) if function == "LINEAR_EXACT" else (centre[0], width[0])
    return None


def ignored(ds: "Dataset", stored: np.ndarray, path: Path, photometric: str) -> "list[str]":
    """What a file says of its values that changes nothing here, in a sentence each."""
    sentences = []
    shape = said(ds, "PresentationLUTShape")
    if (shape, photometric) in (("INVERSE", "MONOCHROME2"), ("IDENTITY", "MONOCHROME1")):
        sentences.append(f"PresentationLUTShape {shape} contradicts {photometric}, which is what was read")
    if any(said(place, "VOILUTFunction") == "SIGMOID" for place in groups(ds, 0)):
        sentences.append("asks to be shown by a curve (VOILUTFunction SIGMOID), which is not applied")
    if any(items_of(place, "VOILUTSequence") for place in groups(ds, 0)):
        sentences.append("asks to be shown by a table (VOILUTSequence), which is not applied")
    if any(items_of(place, "PresentationLUTSequence") for place in groups(ds, 0)):
        sentences.append("asks to be shown by a table (PresentationLUTSequence), which is not applied")
    padding = numbers(ds, "PixelPaddingValue", path)
    if padding:
        first, last = sorted((padding[0], (numbers(ds, "PixelPaddingRangeLimit", path) or padding)[0]))
        bits = 8 * stored.itemsize
        if stored.dtype.kind == "i":  # such as 63536 of an unsigned attribute for -2000
            first, last = sorted(value - 2**bits if value >= 2 ** (bits - 1) else value for value in (first, last))
        if ((stored >= first) & (stored <= last)).any():
            sentences.append("holds padding (PixelPaddingValue), which is no measurement and keeps its value")
    return sentences


def colour_frames(ds: "Dataset", stored: np.ndarray, path: Path, photometric: str) -> Frames:
    """Colours of 8 bits, palettes looked up."""
    bits = int(ds.get("BitsStored") or 8)
    if photometric == PALETTE:
        stored, bits = through_palette(ds, stored, path)
    # Deeper colours give up their last bits; shallower ones are spread over all eight.
    scaled = stored if bits == 8 else stored >> (bits - 8) if bits > 8 else stored * (255 // (2**bits - 1))
    return Frames(np.ascontiguousarray(scaled).astype(np.uint8))


def through_palette(ds: "Dataset", stored: np.ndarray, path: Path) -> tuple[np.ndarray, int]:
    """Colours of a palette, and of how many bits."""
    from pydicom.pixels.processing import apply_color_lut

    if "SegmentedRedPaletteColorLookupTableData" in ds and "RedPaletteColorLookupTableData" not in ds:
        found = apply_color_lut(stored, ds)[..., :3]
        return found, 8 * found.itemsize
    names = [f"{colour}PaletteColorLookupTable" for colour in ("Red", "Green", "Blue")]
    tables = [table_of(ds, ds, f"{name}Descriptor", f"{name}Data", path) for name in names]
    bits = max(table.bits for table in tables)
    return np.stack([table.look_up(stored).astype(np.uint16) for table in tables], axis=-1), bits
