"""What a fit costs before anything is trained: the readers' own masks go in and come back, and are compared."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from scipy import ndimage

from atfm.data.geometry.fitted import Fitted
from atfm.data.geometry.grid import Grid
from atfm.data.geometry.masks import masks_back
from atfm.data.geometry.rule import Fit
from atfm.data.labels import one_hot
from atfm.data.source import Source
from atfm.errors import InputError
from atfm.metrics.matching import hm_iou_n
from atfm.metrics.overlap import overlaps

__all__ = ["Ceiling", "ceiling"]

_SEED = 2025


@dataclass(frozen=True)
class Ceiling:
    """The best that a model can score whose masks are these readers' own, as far as its pixels can say them.

    Args:
        cases: how many were looked at.
        sizes: `[N, d]`, of all images on the network's pixels.
        steps: `[N, d]`, pixels of the image for each of the network's.
        iou, dice: mean over cases and readers, empty against empty 1.
        hm_iou: mean over cases of the matched IoU of all readers with all that came back.
        hard_iou: the IoU, were it the mask on the network's pixels that comes back, not what is covered of each.
        lesions, kept, vanished: outlined parts, those too small for the network's pixels that are given one, and those
            that are not; see `atfm.data.geometry.lesions`.
        larger: share of the readers' masks with a connected part that the crop cannot hold; without a crop, 0.
    """

    cases: int
    sizes: np.ndarray
    steps: np.ndarray
    iou: float
    dice: float
    hm_iou: float
    hard_iou: float
    lesions: int
    kept: int
    vanished: int
    larger: float

    def as_json(self) -> dict[str, Any]:
        """All of it, sizes and steps by their extremes."""
        ends = {
            "size": {"least": self.sizes.min(0).tolist(), "most": self.sizes.max(0).tolist()},
            "step": {"least": self.steps.min(0).round(4).tolist(), "most": self.steps.max(0).round(4).tolist()},
        }
        return ends | {name: value for name, value in vars(self).items() if name not in ("sizes", "steps")}


def ceiling(
    source: Source,
    fit: Fit,
    classes: int,
    ignore_label: int | None = None,
    *,
    crop: Sequence[int] | None = None,
    most: int = 100,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> Ceiling:
    """Measure what bringing masks to the network's pixels and back costs.

    Args:
        source: the cases, as they are.
        fit: the rule.
        classes: 1 for binary masks, else the number of labels.
        ignore_label: a label that says nothing.
        crop: what a training step sees of the network's pixels; None: all.
        most: a fixed sample of so many cases is looked at.
        progress: called with the cases done and their total after each of them.

    Raises:
        InputError: no case, or images that the rule does not fit.
    """
    if not len(source) or most < 1:
        raise InputError("fit: expected at least 1 case to look at; choose another split")
    cases = Fitted(source, fit, classes, ignore_label)
    chosen = np.sort(np.random.default_rng(_SEED).permutation(len(source))[:most]).tolist()
    rows, larger, masks = [], 0, 0
    for done, i in enumerate(chosen, 1):
        grid, labels = cases.grid(i), source.labels(i)
        small = cases.labels(i)
        rows.append(_compared(grid, labels, small, classes, ignore_label))
        larger += 0 if crop is None else sum(_is_larger(mask, crop, ignore_label) for mask in small)
        masks += len(small)
        progress(done, len(chosen))
    saved = [cases.saved(i) for i in chosen if not cases.grid(i).plain]
    iou, dice, matched, hard = np.mean(rows, 0).tolist()
    return Ceiling(
        cases=len(chosen),
        sizes=cases.shapes,
        steps=np.array([cases.grid(i).step for i in range(len(cases))]),
        iou=iou,
        dice=dice,
        hm_iou=matched,
        hard_iou=hard,
        lesions=sum(one.lesions for one in saved),
        kept=sum(len(one.reader) for one in saved),
        vanished=sum(one.vanished for one in saved),
        larger=larger / masks,
    )


def _compared(
    grid: Grid, labels: np.ndarray, small: np.ndarray, classes: int, ignore: int | None
) -> tuple[float, float, float, float]:
    """IoU, Dice and matched IoU of a case, and the IoU by way of the mask."""
    split = partial(one_hot, classes=classes, spatial_dims=labels.ndim - 1, ignore_label=ignore)
    wanted = split(labels)  # [K, C, *whole]
    covered = np.stack([grid.cover(mask) for mask in wanted])
    soft, hard = (np.stack(list(masks_back(grid, given))) for given in (covered, split(small).astype(np.float32)))
    found, again = overlaps(soft, wanted), overlaps(hard, wanted).iou.across
    iou, dice = found.iou.across, found.dice.across  # [K, K]
    return float(iou.diagonal().mean()), float(dice.diagonal().mean()), hm_iou_n(iou), float(again.diagonal().mean())


def _is_larger(mask: np.ndarray, crop: Sequence[int], ignore: int | None) -> bool:
    marked = mask > 0 if ignore is None else (mask > 0) & (mask != ignore)
    parts = ndimage.find_objects(ndimage.label(marked, np.ones((3,) * mask.ndim))[0])
    return any(part.stop - part.start > side for box in parts for part, side in zip(box, crop, strict=True))
