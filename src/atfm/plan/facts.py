"""`Facts`: the numbers of a data set that a plan is made from."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from atfm.data.patients import are_known
from atfm.data.store import Store
from atfm.data.survey import CaseSurvey, survey
from atfm.plan.upright import upright

__all__ = ["Facts", "Range", "facts_of"]

Sides = tuple[float, ...]


@dataclass(frozen=True)
class Range:
    """Least, usual (median) and most of a quantity along each axis.

    Args:
        least: of any case.
        usual: the median.
        most: of any case.
    """

    least: Sides
    usual: Sides
    most: Sides

    def times(self, factors: Sides) -> "Range":
        """The same where each axis is multiplied by a factor, such as from pixels of an image to those of a network."""
        scaled = [
            tuple(side * by for side, by in zip(sides, factors, strict=True))
            for sides in (self.least, self.usual, self.most)
        ]
        return Range(*scaled)


@dataclass(frozen=True)
class Facts:
    """What is to be known of the training cases of a store; pixels are those of the images, as they are stored.

    Args:
        name: of the data set.
        channels: of the images.
        classes: 1 for binary masks, else the number of labels, background included.
        cases, patients: that are trained on.
        validation: patients of the split `val`; 0 where there is none.
        patients_known: whether the ids stand for patients.
        size: of the images, in pixels.
        spacing: of their pixels in millimetres, of the cases that say it; None where none does.
        unsaid: share of the cases that do not say their spacing.
        lesion: sides of the box round all that any reader marked in an image, of the images where somebody did.
        small: the least side in pixels, of the single masks, that nine in ten exceed in their longest.
        reach: how far from the middle of the image anything is marked, as a share of half its side, in 99 of 100 cases.
        readers: least, usual and most readers of a case.
        empty: share of the masks in which nothing is marked.
        denied: cases in which some readers marked something and others nothing.
        agreement: mean IoU of two readers, of the cases where each marked something; None where no such case has two.
        disjoint: share of the cases of two or more readers who marked something where no two share a pixel.
        upright: how much more alike two images are as they lie than turned, see `atfm.plan.upright`; 0 of too few.
        sided: the same of mirroring left to right.
    """

    name: str
    channels: int
    classes: int
    cases: int
    patients: int
    validation: int
    patients_known: bool
    size: Range
    spacing: Range | None
    unsaid: float
    lesion: Range | None
    small: float
    reach: float
    readers: tuple[int, int, int]
    empty: float
    denied: int
    agreement: float | None
    disjoint: float
    upright: float = 0.0
    sided: float = 0.0

    @property
    def dims(self) -> int:
        """Spatial axes, 2 or 3."""
        return len(self.size.usual)

    @property
    def same_size(self) -> bool:
        """Whether all images have one size."""
        return self.size.least == self.size.most

    def as_json(self) -> dict[str, Any]:
        """All of it."""
        return asdict(self)


def facts_of(
    store: Store, split: str = "train", *, progress: Callable[[int, int], object] = lambda done, total: None
) -> Facts:
    """Measure the cases of a store that are trained on.

    Args:
        store: where they are.
        split: that is trained on.
        progress: called with the cases done and their total after each of them.

    Raises:
        StoreError: no such split, or a damaged case.
        InputError: a split without a case.
    """
    found = survey(store, split, progress=progress)
    lies = upright(store, split)
    marked = [case for case in found.cases if case.box is not None]
    sides = np.array([case.box[:, 1] - case.box[:, 0] for case in marked if case.box is not None], float)
    longest = found.extents().max(1, initial=0)
    both = [case.overlap for case in found.cases if case.overlap is not None]
    agreement = [case.iou for case in found.cases if case.iou is not None and not case.empty]
    readers = [case.readers for case in found.cases]
    known = found.spacing_known
    return Facts(
        name=found.name,
        channels=found.channels,
        classes=found.classes,
        cases=len(found),
        patients=found.patients,
        validation=found.splits.get("val", (0, 0))[1],
        patients_known=are_known(store.info.patients_known),
        size=_range(found.sizes),
        spacing=_range(found.spacings[known]) if known.any() else None,
        unsaid=1 - float(known.mean()),
        lesion=_range(sides) if len(sides) else None,
        small=float(np.quantile(longest, 0.1)) if len(longest) else 0.0,
        reach=_reach(marked),
        readers=(min(readers), int(np.median(readers)), max(readers)),
        empty=found.empty_masks,
        denied=round(found.doubtful_cases * len(found)),
        agreement=float(np.mean(agreement)) if agreement else None,
        disjoint=1 - float(np.mean(both)) if both else 0.0,
        upright=lies.alike - lies.turned,
        sided=lies.alike - lies.mirrored,
    )


def _range(values: np.ndarray) -> Range:
    least, usual, most = values.min(0), np.median(values, 0), values.max(0)
    return Range(*(tuple(map(float, sides)) for sides in (least, usual, most)))


def _reach(marked: list[CaseSurvey]) -> float:
    """How far from the middle anything is marked, as a share of half the image, along whichever axis is farther."""
    reach = []
    for case in marked:
        half = np.array(case.size)[:, None] / 2
        if case.box is not None:
            reach.append(float((np.abs(case.box - half) / half).max()))
    return float(np.quantile(reach, 0.99)) if reach else 1.0
