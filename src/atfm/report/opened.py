"""What a page holds of a case that can be opened: its image, annotators, and what each method drew, as one short text.

The page's script takes it apart when the case is opened; until then it is a block of data that no browser looks at.
"""

import base64
import io
import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from atfm.report.drawn import Drawn, box_of
from atfm.report.packing import deflated, packed
from atfm.report.panels import foreground, picture, window
from atfm.report.sheet import outlines

__all__ = ["Opened", "opened", "thumbnail"]

LONGEST = 512  # pixels of a picture's longer side: a larger one is scaled down
THUMBNAIL = 88  # pixels, shown in half as many
QUALITY = {"image": 90, "thumbnail": 70}  # of JPEG


class Opened(NamedTuple):
    """A method's part of a case.

    Args:
        label: of the method; "" where there is one alone.
        line: one line with the case's scores.
        drawn: what it drew.
    """

    label: str
    line: str
    drawn: Drawn


def opened(
    image: np.ndarray, annotations: np.ndarray, methods: Sequence[Opened], spacing: Sequence[float] | None = None
) -> str:
    """A case as base64 of compressed JSON, see `deflated`.

    Args:
        image: `[C_in, *spatial]` in [0, 1].
        annotations: `[K, C, *spatial]` bool.
        methods: at least one, all of the same slice.
        spacing: size of a pixel or voxel in mm along each axis; None where it is not known.
    """
    plane = methods[0].drawn.plane
    slices = 1 if plane is None else image.shape[1]
    if plane is not None:
        image, annotations = image[:, plane], annotations[:, :, plane]
    marked: np.ndarray = np.any(foreground(annotations), axis=0)
    region = np.any([marked, *(foreground(method.drawn.whole()).any(0) for method in methods)], axis=0)
    left, top, across, down = window(region)
    box = box_of(marked)
    return deflated(
        {
            "image": jpeg(Image.fromarray(picture(image)), QUALITY["image"]),
            "size": list(region.shape),
            "view": {"x": left, "y": top, "width": across, "height": down},
            "plane": plane,
            "slices": slices,
            "annotators": {"box": asdict(box), "masks": packed(annotations[box.cut][:, :, None])},
            **_sizes(spacing),
            "methods": [_method(method) for method in methods],
        }
    )


def thumbnail(image: np.ndarray, masks: np.ndarray) -> str:
    """A case's annotators on a small picture of it, as a URI; see `outlines`."""
    return jpeg(outlines(image, masks, side=THUMBNAIL), QUALITY["thumbnail"])


def jpeg(drawn: Image.Image, quality: int) -> str:
    """A picture inside a URI, at most `LONGEST` on its longer side."""
    drawn.thumbnail((LONGEST, LONGEST))
    buffer = io.BytesIO()
    drawn.save(buffer, "JPEG", quality=quality, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def _sizes(spacing: Sequence[float] | None) -> dict[str, float | None]:
    """The area of a pixel in mm2, or the volume of a voxel in ml, where it is known; its height by its width."""
    size = None if spacing is None else math.prod(spacing)
    flat = spacing is not None and len(spacing) == 2
    aspect = 1.0 if spacing is None else spacing[-2] / spacing[-1]
    return {"mm2": size if flat else None, "ml": None if size is None or flat else size / 1000, "aspect": aspect}


def _method(method: Opened) -> dict[str, Any]:
    return {"label": method.label, "line": method.line, **method.drawn.as_json()}
