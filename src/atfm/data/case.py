"""`Case`: one image with the masks of all its annotators, the noun that walks through the whole library."""

from dataclasses import dataclass

import numpy as np

from atfm.errors import InputError

__all__ = ["Case"]


@dataclass(frozen=True)
class Case:
    """One image and its `K` annotations.

    Args:
        image: `[C_in, *spatial]` float32 in [0, 1].
        masks: `[K, *spatial]` uint8 labels, 0 is background; `K >= 1` may differ from case to case.
        case_id: unique within a store.
        patient_id: splits are by patient, never by case.
        spacing: size of a pixel in millimetres, one number for each spatial axis; 1.0 where unknown.
        warnings: a sentence for whatever reading its files guessed, ignored or left out; a store keeps their counts.

    Raises:
        InputError: a shape, type or value that does not fit, named with the case.
    """

    image: np.ndarray
    masks: np.ndarray
    case_id: str
    patient_id: str
    spacing: tuple[float, ...] = (1.0, 1.0)
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        spatial = self.image.shape[1:]
        if self.image.dtype != np.float32 or len(spatial) not in (2, 3):
            raise InputError(
                f"case {self.case_id}: image: expected float32 [C_in, *spatial] with 2 or 3 spatial axes, "
                f"got {self.image.dtype} {list(self.image.shape)}"
            )
        if self.masks.dtype != np.uint8 or self.masks.shape[1:] != spatial or len(self.masks) == 0:
            raise InputError(
                f"case {self.case_id}: masks: expected uint8 [K, {', '.join(map(str, spatial))}] with K >= 1, "
                f"got {self.masks.dtype} {list(self.masks.shape)}"
            )
        if not np.isfinite(self.image).all():
            raise InputError(f"case {self.case_id}: image: holds NaN or infinity; mend or leave out this image")
        if self.image.min() < 0 or self.image.max() > 1:
            raise InputError(
                f"case {self.case_id}: image: expected values in [0, 1], "
                f"got {self.image.min():.4g} to {self.image.max():.4g}"
            )
        if len(self.spacing) != len(spatial):
            raise InputError(f"case {self.case_id}: spacing: expected {len(spatial)} numbers, got {list(self.spacing)}")

    def _repr_html_(self) -> str:
        """What a notebook shows: the image and the outlines of its annotators."""
        from atfm.data.shown import case_html

        return case_html(self)

    @property
    def annotators(self) -> int:
        """The number `K` of annotators of this case."""
        return len(self.masks)
