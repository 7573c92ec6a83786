"""The segments of a `.seg.nrrd`, as 3D Slicer writes it, as one map of labels.

A file has one or several layers; segments that overlap lie in different ones
(https://slicer.readthedocs.io/en/latest/developer_guide/modules/segmentations.html). Where no two segments have one
value the values are the labels; where layers use a value again, each segment has its number, from 1 on, in the order of
the file. Of voxels that are in several segments the last one has them, as when Slicer exports a map of labels. Whatever
that decides is said.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from atfm.errors import InputError
from atfm.io.decoding import brief

__all__ = ["Segment", "labelled", "segments_of"]

FIELD = re.compile(r"Segment(\d{1,4})_(\w+)")


class Segment(NamedTuple):
    """One segment.

    Args:
        name: what the file calls it.
        layer: the volume that it lies in.
        value: of its voxels there.
    """

    name: str
    layer: int
    value: int


def segments_of(fields: Mapping[str, Any], path: Path) -> list[Segment]:
    """The segments that the head of a NRRD tells of, in their order; none of an ordinary volume.

    Raises:
        InputError: a layer or a value that is no number.
    """
    found: dict[int, dict[str, str]] = {}
    for field, text in fields.items():
        match = FIELD.fullmatch(field)
        if match:
            found.setdefault(int(match[1]), {})[match[2]] = str(text)
    try:
        return [
            Segment(
                brief(own.get("Name") or own.get("ID") or f"segment {number}", 60),
                int(own.get("Layer", 0 if "LabelValue" in own else number)),
                int(own.get("LabelValue", 1)),
            )
            for number, own in sorted(found.items())
        ]
    except ValueError as error:
        raise InputError(f"{path}: a segment's layer or value is no number: {brief(error)}; it is damaged") from error


def labelled(layers: np.ndarray, segments: Sequence[Segment], path: Path) -> tuple[np.ndarray, tuple[str, ...]]:
    """Layers `[L, *spatial]` as labels `[*spatial]`, and what there is to say of it.

    A file of a single voxel is how Slicer keeps a segmentation in which nothing is marked.

    Raises:
        InputError: a segment of a layer that is not there, or a value of 0.
    """
    values = [segment.value for segment in segments]
    own = len(set(values)) == len(values)
    labels = values if own else list(range(1, len(segments) + 1))
    if any(segment.layer not in range(len(layers)) for segment in segments) or min(labels) < 1:
        raise InputError(f"{path}: its {len(segments)} segments do not lie in its {len(layers)} layers; it is damaged")
    mask = np.zeros(layers.shape[1:], np.uint8 if max(labels) < 256 else np.int64)
    of_none, twice = layers != 0, np.zeros(mask.shape, bool)
    for label, segment in zip(labels, segments, strict=True):
        inside = layers[segment.layer] == segment.value
        of_none[segment.layer] &= ~inside
        twice |= inside & (mask != 0)
        mask[inside] = label
    told = []
    if len(segments) > 1:
        table = ", ".join(f"{label} {segment.name}" for label, segment in zip(labels, segments, strict=True))
        told.append(f"its segments became the labels {table}")
    if twice.any():
        told.append(f"{int(twice.sum())} voxels are in more than one segment; the last one has them")
    if of_none.any():
        few = Counter(layers[of_none].tolist()).most_common(3)
        told.append(f"{int(of_none.sum())} voxels of no segment were left out, of the values {[v for v, _ in few]}")
    return mask, tuple(told)
