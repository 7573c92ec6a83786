"""Masks as a DICOM Segmentation that refers to the images they lie on (DICOM PS3.3, A.51), written by highdicom.

A segment is a mask with a label; segments may overlap. Frames without a pixel are left out of the file, so a mask
without any pixel would be a segment without a frame, which readers stumble over: it is left out, and the caller is
told.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from atfm.disk.atomic import atomic_write
from atfm.errors import InputError
from atfm.io.dicom.sources import LONG, TEXT, Algorithm, Sources

if TYPE_CHECKING:
    from highdicom.seg import SegmentDescription
    from pydicom import Dataset

__all__ = ["write_segmentation"]


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
    number: int = 1,
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
        number: of the new series among those of one result.

    Returns:
        The number of each mask's segment, from 1; None for a mask that is empty everywhere. If all are, no file is
        written.

    Raises:
        InputError: masks that do not fit the images, or images that lack what a segmentation has to take from them.
        DiskError: the file cannot be written.
    """
    if masks.ndim != 4 or len(labels) != len(masks) or len(descriptions) != len(masks):
        raise InputError(f"{path}: expected masks [N, D, H, W] with N labels and descriptions, got {list(masks.shape)}")
    if masks.dtype != bool and (masks.dtype.kind != "f" or not (masks.min() >= 0 and masks.max() <= 1)):
        raise InputError(f"{path}: expected bool masks or floats in [0, 1], got {masks.dtype}")
    sources = Sources(files, frames)
    masks = sources.by_frame(path, masks)
    kept = [at for at, mask in enumerate(masks) if mask.any()]
    if not kept:
        return [None] * len(masks)
    segments = [_segment(place, labels[at], descriptions[at], algorithm, kind) for place, at in enumerate(kept, 1)]
    with sources.referring("segmentation"):
        dataset = _dataset(sources, masks[kept], segments, note, sources.heading(algorithm, series, number))
    with atomic_write(path) as temporary:
        dataset.save_as(temporary, enforce_file_format=True)
    return [kept.index(at) + 1 if at in kept else None for at in range(len(masks))]


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
        segment_label=label[:LONG],
        segmented_property_category=category,
        segmented_property_type=coded,
        algorithm_type=hd.seg.SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=hd.AlgorithmIdentificationSequence(
            name=algorithm.name[:LONG],
            family=codes.DCM.ArtificialIntelligence,
            version=algorithm.version[:LONG],
            source="atfm",
            parameters=algorithm.parameters or None,
        ),
        tracking_uid=hd.UID(),
        tracking_id=label[:LONG],
    )
    segment.SegmentDescription = description[:TEXT]
    return segment


def _dataset(
    sources: Sources, masks: np.ndarray, segments: Sequence["SegmentDescription"], note: str, heading: dict[str, Any]
) -> "Dataset":
    """The segmentation of `[N, D, H, W]` masks, none of them empty."""
    import highdicom as hd

    binary = masks.dtype == bool
    values = hd.seg.SegmentationTypeValues
    return hd.seg.Segmentation(
        source_images=sources.datasets,
        pixel_array=np.moveaxis(masks, 0, -1).astype(np.uint8 if binary else np.float32),  # [D, H, W, N]
        segmentation_type=values.BINARY if binary else values.FRACTIONAL,
        segment_descriptions=segments,
        content_label="HYPOTHESES" if binary else "PROBABILITY",
        content_description=note[:LONG] or None,
        **heading,
    )
