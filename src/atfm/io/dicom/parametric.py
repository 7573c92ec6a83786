"""A map of real numbers as a DICOM Parametric Map on the images it lies on (PS3.3, A.75), written by highdicom."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from atfm.disk.atomic import atomic_write
from atfm.errors import InputError
from atfm.io.dicom.sources import LONG, Algorithm, Sources

__all__ = ["write_parametric_map"]


def write_parametric_map(
    path: Path,
    files: Sequence[Path],
    values: np.ndarray,
    *,
    name: str,
    largest: float,
    algorithm: Algorithm,
    frames: Sequence[int] | None = None,
    bits: bool = False,
    series: str = "atfm",
    number: int = 1,
) -> None:
    """Write a map as 32-bit floats, each its own value (slope 1, intercept 0), whole or not at all.

    Args:
        path: the file to write.
        files: the source image of each of the map's planes; the same one again where it has many frames.
        values: `[D, H, W]` in [0, `largest`].
        name: what the numbers are, such as "probability".
        largest: the value that viewers show as white.
        algorithm: what drew it.
        frames: of each plane, its frame in its file, from 0; None: the only one, or all of them in their order.
        bits: whether the unit is the bit; else there is none.
        series: description of the new series.
        number: of the new series among those of one result.

    Raises:
        InputError: a map that does not fit the images, or images that lack what it has to take from them.
        DiskError: the file cannot be written.
    """
    if values.ndim != 3 or values.dtype.kind != "f" or not (values.min() >= 0 and values.max() <= largest):
        raise InputError(
            f"{path}: expected floats [D, H, W] in [0, {largest:g}], got {values.dtype} {list(values.shape)}"
        )
    import highdicom as hd
    from pydicom.sr.codedict import codes

    sources = Sources(files, frames)
    pixels = sources.by_frame(path, values[None].astype(np.float32))[0]
    with sources.referring("parametric map"):
        mapping = hd.pm.RealWorldValueMapping(
            lut_label=name[:16],
            lut_explanation=name[:LONG],
            unit=hd.sr.CodedConcept("bit", "UCUM", "bit") if bits else codes.UCUM.NoUnits,
            value_range=(0.0, float(largest)),
            slope=1,
            intercept=0,
        )
        dataset = hd.pm.ParametricMap(
            source_images=sources.datasets,
            pixel_array=pixels,
            contains_recognizable_visual_features=False,
            real_world_value_mappings=[mapping],
            voi_lut_transformations=[hd.VOILUTTransformation(window_center=largest / 2, window_width=float(largest))],
            content_label=name.upper().replace(" ", "_")[:16],
            content_description=", ".join(f"{key} {value}" for key, value in algorithm.parameters.items())[:LONG],
            **sources.heading(algorithm, series, number),
        )
    with atomic_write(path) as temporary:
        dataset.save_as(temporary, enforce_file_format=True)
