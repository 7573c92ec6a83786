"""One case as several methods draw it, a row of small pictures for each, as inline SVG."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from atfm.report.panels import (
    MOST_OUTLINES,
    annotator_caption,
    data_uri,
    empty_note,
    foreground,
    heat,
    outline_path,
    picture,
    tile,
    use,
    window,
)

__all__ = ["DrawnBy", "SharedCase", "side_by_side"]


@dataclass(frozen=True)
class DrawnBy:
    """What one method draws of a case.

    Args:
        label: of the method.
        score: one line with the case's scores.
        samples: `[S, C, *spatial]` bool, those to show.
        probability: `[C, *spatial]` mean probability, in [0, 1].
    """

    label: str
    score: str
    samples: np.ndarray
    probability: np.ndarray


@dataclass(frozen=True)
class SharedCase:
    """A case that all methods draw.

    Args:
        title: why it is shown.
        case_id, patient_id: as in the store.
        image: `[C_in, *spatial]` in [0, 1].
        annotations: `[K, C, *spatial]` bool.
        methods: in the order of the table.
    """

    title: str
    case_id: str
    patient_id: str
    image: np.ndarray
    annotations: np.ndarray
    methods: Sequence[DrawnBy]


def side_by_side(case: SharedCase, key: str) -> str:
    """The image with its annotators, then of each method the mean probability and its samples, all through one window.

    Args:
        case: what to show; of a volume the slice with the largest outlined area is shown.
        key: unique in the page; names this case's image in it.
    """
    cut = _cut(case.annotations)
    image, annotations = picture(case.image[cut]), case.annotations[cut]
    marked = [foreground(annotations), *(foreground(method.samples[cut]) for method in case.methods)]
    region: np.ndarray = np.any(np.concatenate(marked), axis=0)
    height, width = region.shape
    view = window(region)
    left, top, across, down = view
    whole = f'<image id="{key}" width="{width}" height="{height}" href="{data_uri(image)}"/>'
    frame = f'<rect class="frame" x="{left}" y="{top}" width="{across}" height="{down}"/>'
    drawn = [outline_path(mask, f"a{k % 7}") for k, mask in enumerate(annotations[:MOST_OUTLINES])]
    head = [
        tile(whole + frame, "whole image", (0, 0, width, height)),
        tile(use(key) + "".join(drawn), annotator_caption(annotations), view),
        tile(heat(foreground(annotations).mean(0)), "share of annotators", view),
    ]
    rows = "".join(_row(method, cut, key, view) for method in case.methods)
    return (
        f'<section class="case"><h3>{escape(case.title)}</h3>'
        f'<p class="quiet">case {escape(case.case_id)}, patient {escape(case.patient_id)}</p>'
        f'<div class="tiles samples">{"".join(head)}</div>{rows}</section>'
    )


def _row(method: DrawnBy, cut: tuple[Any, ...], key: str, view: tuple[int, int, int, int]) -> str:
    """A method's row: its name and scores over its pictures."""
    probability, samples = method.probability[cut], method.samples[cut]
    objects = probability[0] if len(probability) == 1 else 1 - probability[0]
    tiles = [tile(heat(objects), "mean probability", view)]
    tiles += [
        tile(use(key) + outline_path(mask, "sample"), f"sample {s + 1}" + empty_note(mask), view)
        for s, mask in enumerate(samples)
    ]
    told = f"; {escape(method.score)}" if method.score else ""
    return f'<p class="quiet"><b>{escape(method.label)}</b>{told}</p><div class="tiles samples">{"".join(tiles)}</div>'


def _cut(annotations: np.ndarray) -> tuple[Any, ...]:
    """The index that leaves `[..., H, W]`: all of a picture, of a volume the slice that is marked most."""
    if annotations.ndim == 4:
        return (Ellipsis,)
    fullest = int(foreground(annotations).sum((0, 2, 3)).argmax())
    return (Ellipsis, fullest, slice(None), slice(None))
