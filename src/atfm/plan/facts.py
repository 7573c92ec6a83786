"""`Facts`: the numbers of a data set that a plan is made from."""

from dataclasses import dataclass
from typing import Any

__all__ = ["Facts", "Range"]

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
        reach: how far from the middle of its image anything is marked, as a share of half the image, along each axis.
        readers: least, usual and most readers of a case.
        empty: share of the masks in which nothing is marked.
        denied: cases in which some readers marked something and others nothing.
        agreement: mean IoU of two readers of a case who both marked something; None where no case has two.
        disjoint: share of those pairs that have no pixel in common.
        upright: how much more alike two images are as they lie than with one turned; 0 of images without an upright.
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
    reach: Sides
    readers: tuple[int, int, int]
    empty: float
    denied: int
    agreement: float | None
    disjoint: float
    upright: float = 0.0

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
        from dataclasses import asdict

        return asdict(self)
