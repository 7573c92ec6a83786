"""Masks as a DICOM Segmentation that refers to the images they lie on (DICOM PS3.3, A.51), written by highdicom.

A segment is a mask with a label; segments may overlap. Frames without a pixel are left out of the file, so a mask
without any pixel would be a segment without a frame, which readers stumble over: it is left out, and the caller is
told.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from atfm.errors import InputError
from atfm.io.atomic import atomic_write
from atfm.io.dicom.file import open_dicom

if TYPE_CHECKING:
    from highdicom.seg import SegmentDescription
    from pydicom import Dataset

__all__ = ["Algorithm", "write_segmentation"]

_LONG, _TEXT = 64, 1024  # characters that DICOM allows in a label (LO) and in a description (ST)


@dataclass(frozen=True)
class Algorithm:
    """What drew the masks, as the file tells it.

    Args:
        name, version: of the model; at most 64 characters of each are kept.
        parameters: whatever else made the result.
    """

    name: str
    version: str
    parameters: dict[str, str] = field(default_factory=dict)


def write_segmentation(
    path: Path,
    files: Sequence[Path],
    masks: np.ndarray,
    labels: Sequence[str],
    descriptions: Sequence[str],
    *,
    algorithm: Algorithm,
    frames: Sequence[int] | None = None,
    series: str = "atfm",
    note: str = "",
    kind: str = "lesion",
) -> list[int | None]:
    """Write masks as one DICOM Segmentation, whole or not at all.

    Args:
        path: the file to write.
        files: the source image of each of the masks' planes; the same one again where it has many frames.
        masks: `[N, D, H, W]`; bool gives a BINARY segmentation, float32 in [0, 1] a FRACTIONAL one of probabilities.
        labels: the name of each segment.
        descriptions: a sentence of each.
        algorithm: what drew them.
        frames: of each plane, its frame in its file, from 0; None: the only one, or all of them in their order.
        series: description of the new series.
        note: description of the content, what is not in the file included.
        kind: "lesion", or "tissue" for anything else; the coded property of the segments.

    Returns:
        The number of each mask's segment, from 1; None for a mask that is empty everywhere. If all are, no file is
        written.

    Raises:
        InputError: masks that do not fit the images, or images that lack what a segmentation has to take from them.
        DiskError: the file cannot be written.
    """
    if masks.ndim != 4 or len(labels) != len(masks) or len(descriptions) != len(masks):
        raise InputError(f"{path}: expected masks [N, D, H, W] with N labels and descriptions, got {list(masks.shape)}")
    sources = []
    for file in dict.fromkeys(files):
        with open_dicom(file, pixels=False) as source:
            sources.append(source)
    masks = _by_frame(path, sources, masks, files, range(len(files)) if frames is None else frames)
    kept = [number for number, mask in enumerate(masks) if mask.any()]
    if not kept:
        return [None] * len(masks)
    segments = [
        _segment(number, labels[at], descriptions[at], algorithm, kind) for number, at in enumerate(kept, start=1)
    ]
    # highdicom reads attributes as it goes; of an image that lacks one it says so by whatever error comes of that.
    try:
        dataset = _dataset(sources, masks[kept], segments, algorithm, series, note)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"{files[0]}: no segmentation can refer to it: {reason}; choose another --format") from error
    with atomic_write(path) as temporary:
        dataset.save_as(temporary, enforce_file_format=True)
    return [kept.index(at) + 1 if at in kept else None for at in range(len(masks))]


def _by_frame(
    path: Path, sources: Sequence["Dataset"], masks: np.ndarray, files: Sequence[Path], frames: Sequence[int]
) -> np.ndarray:
    """Masks of the planes as masks of all frames that the sources have, empty where none was given."""
    counts = [int(source.get("NumberOfFrames") or 1) for source in sources]
    sizes = {(int(source.get("Rows") or 0), int(source.get("Columns") or 0)) for source in sources}
    if len(files) != masks.shape[1] or len(frames) != len(files) or sizes != {masks.shape[2:]}:
        raise InputError(
            f"{path}: masks of {masks.shape[1]} planes of {masks.shape[2]} x {masks.shape[3]} pixels do not fit "
            f"{len(files)} images of {', '.join(f'{rows} x {columns}' for rows, columns in sorted(sizes)) or 'nothing'}"
        )
    if masks.dtype != bool and (masks.dtype.kind != "f" or masks.min() < 0 or masks.max() > 1):
        raise InputError(f"{path}: expected bool masks or floats in [0, 1], got {masks.dtype}")
    if max(counts) == 1 and len(sources) == len(files):
        return masks
    if len(sources) > 1 or max(frames) >= counts[0]:
        raise InputError(
            f"{files[0]}: a segmentation refers to single frames, or to one file of many, "
            f"not to {len(sources)} files of {', '.join(map(str, counts))} frames; choose another --format"
        )
    whole = np.zeros((len(masks), counts[0], *masks.shape[2:]), masks.dtype)
    whole[:, list(frames)] = masks
    return whole


def _segment(number: int, label: str, description: str, algorithm: Algorithm, kind: str) -> "SegmentDescription":
    """One segment's entry, with its tracking ids."""
    import highdicom as hd
    from pydicom.sr.codedict import codes

    category, coded = (
        (codes.SCT.MorphologicallyAbnormalStructure, codes.SCT.Lesion)
        if kind == "lesion"
        else (codes.SCT.Tissue, codes.SCT.Tissue)
    )
    segment = hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=label[:_LONG],
        segmented_property_category=category,
        segmented_property_type=coded,
        algorithm_type=hd.seg.SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=hd.AlgorithmIdentificationSequence(
            name=algorithm.name[:_LONG],
            family=codes.DCM.ArtificialIntelligence,
            version=algorithm.version[:_LONG],
            source="atfm",
            parameters=algorithm.parameters or None,
        ),
        tracking_uid=hd.UID(),
        tracking_id=label[:_LONG],
    )
    segment.SegmentDescription = description[:_TEXT]
    return segment


def _dataset(
    sources: Sequence["Dataset"],
    masks: np.ndarray,
    segments: Sequence["SegmentDescription"],
    algorithm: Algorithm,
    series: str,
    note: str,
) -> "Dataset":
    """The segmentation of `[N, D, H, W]` masks, none of them empty."""
    import highdicom as hd

    binary = masks.dtype == bool
    values = hd.seg.SegmentationTypeValues
    dataset = hd.seg.Segmentation(
        source_images=sources,
        pixel_array=np.moveaxis(masks, 0, -1).astype(np.uint8 if binary else np.float32),  # [D, H, W, N]
        segmentation_type=values.BINARY if binary else values.FRACTIONAL,
        segment_descriptions=segments,
        series_instance_uid=hd.UID(),
        series_number=int(sources[0].get("SeriesNumber") or 0) % 10**6 * 100 + 1,
        sop_instance_uid=hd.UID(),
        instance_number=1,
        manufacturer="atfm",
        manufacturer_model_name=algorithm.name[:_LONG],
        software_versions=algorithm.version[:_LONG],
        device_serial_number=algorithm.parameters.get("weights", "none")[:_LONG],
        content_label="HYPOTHESES" if binary else "PROBABILITY",
        content_description=note[:_LONG] or None,
        series_description=series[:_LONG],
    )
    return dataset
