"""`StoreSurvey`: what a whole store holds, from a fixed sample of its cases where there are many."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np

from atfm.data.geometry.rule import known_spacing, usual_spacing
from atfm.data.store import Store
from atfm.data.survey.case import CaseSurvey, look
from atfm.errors import InputError

__all__ = ["Intensities", "StoreSurvey", "survey"]

QUANTILES = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)
_SEED = 2025
_PIXELS = 2**12  # of each channel of an image


@dataclass(frozen=True)
class Intensities:
    """The grey values of some pixels of every image that was looked at, in [0, 1].

    Args:
        quantiles: `[C_in, len(QUANTILES)]`.
        mean, deviation: `[C_in]`.
        full: share of images that reach from black to white.
    """

    quantiles: np.ndarray
    mean: np.ndarray
    deviation: np.ndarray
    full: float


@dataclass(frozen=True)
class StoreSurvey:
    """The measured facts of a store, or of one of its splits.

    Args:
        name, modality: as the store calls them.
        channels, classes, dims: of all its cases; classes is 1 for binary masks.
        splits: of each split how many cases and patients it has.
        sizes: `[N, d]`, of every case.
        spacings: `[N, d]` millimetres, of every case; 1.0 along all axes where the store does not say.
        patients: how many the cases are of.
        cases: those whose masks and images were looked at, all or a fixed sample.
        intensities: of the same.
    """

    name: str
    modality: str
    channels: int
    classes: int
    dims: int
    splits: dict[str, tuple[int, int]]
    sizes: np.ndarray
    spacings: np.ndarray
    patients: int
    cases: Sequence[CaseSurvey]
    intensities: Intensities

    def __len__(self) -> int:
        return len(self.sizes)

    @property
    def mixed_sizes(self) -> bool:
        """Whether images differ in size."""
        return bool((self.sizes != self.sizes[0]).any())

    @cached_property
    def spacing_known(self) -> np.ndarray:
        """`[N]` bool: whose spacing the store tells."""
        return np.array([known_spacing(row) is not None for row in self.spacings.tolist()], bool)

    @cached_property
    def usual_spacing(self) -> tuple[float, ...] | None:
        """The median along each axis of the spacings that are known; None where none is."""
        return usual_spacing(self.spacings.tolist())

    @property
    def readers(self) -> dict[int, int]:
        """How many cases have how many readers."""
        return dict(sorted(Counter(case.readers for case in self.cases).items()))

    @property
    def empty_masks(self) -> float:
        """The share of all readers' masks that are empty."""
        return sum(case.empty for case in self.cases) / sum(case.readers for case in self.cases)

    @property
    def empty_cases(self) -> float:
        """The share of cases in which every reader's mask is empty."""
        return float(np.mean([case.box is None for case in self.cases]))

    @property
    def doubtful_cases(self) -> float:
        """The share of cases in which some readers marked something and others nothing."""
        return float(np.mean([0 < case.empty < case.readers for case in self.cases]))

    @property
    def agreement(self) -> float | None:
        """The mean over cases of the readers' mean pairwise IoU; None where no case has two."""
        ious = [case.iou for case in self.cases if case.iou is not None]
        return float(np.mean(ious)) if ious else None

    @property
    def ever_overlap(self) -> bool | None:
        """Whether two readers ever marked the same pixel; None where no two marked anything of one case."""
        said = [case.overlap for case in self.cases if case.overlap is not None]
        return any(said) if said else None

    @property
    def class_cases(self) -> list[int]:
        """In how many of the cases anybody marked each class but the background."""
        return np.sum([case.classes > 0 for case in self.cases], axis=0).tolist()

    def extents(self, *, mm: bool = False, pieces: bool = False) -> np.ndarray:
        """Sides of what was marked, `[M, d]`, in pixels or in millimetres.

        Args:
            mm: cases of unknown spacing are then left out.
            pieces: of each connected part of what any reader of a case marked, instead of each reader's mask.
        """
        found = [np.zeros((0, self.dims))]
        for case in self.cases:
            sides = case.piece_extents if pieces else case.extents
            if not mm:
                found.append(sides)
            elif case.spacing is not None:
                found.append(sides * np.array(case.spacing))
        return np.concatenate(found)

    def as_json(self) -> dict[str, Any]:
        """A summary: quartiles and extremes in place of every case."""
        extents, millimetres = self.extents(), self.extents(mm=True)
        return {
            "name": self.name,
            "modality": self.modality,
            "cases": len(self),
            "looked_at": len(self.cases),
            "patients": self.patients,
            "splits": {name: {"cases": cases, "patients": who} for name, (cases, who) in self.splits.items()},
            "channels": self.channels,
            "classes": self.classes,
            "class_cases": self.class_cases,
            "size": _spread(self.sizes),
            "mixed_sizes": self.mixed_sizes,
            "spacing": _spread(self.spacings[self.spacing_known]),
            "spacing_known": int(self.spacing_known.sum()),
            "readers": {str(readers): cases for readers, cases in self.readers.items()},
            "empty_masks": self.empty_masks,
            "empty_cases": self.empty_cases,
            "doubtful_cases": self.doubtful_cases,
            "agreement": self.agreement,
            "ever_overlap": self.ever_overlap,
            "lesion_pixels": _spread(extents),
            "lesion_mm": _spread(millimetres),
            "intensity": {
                "quantiles": self.intensities.quantiles.tolist(),
                "mean": self.intensities.mean.tolist(),
                "deviation": self.intensities.deviation.tolist(),
                "full": self.intensities.full,
            },
        }


def survey(
    store: Store,
    split: str | None = None,
    *,
    most: int = 500,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> StoreSurvey:
    """Measure a store: sizes and spacings of all cases, and the pixels of a fixed sample of them.

    Args:
        store: what is measured.
        split: only this one; None: all cases.
        most: cases that are looked at.
        progress: called with the cases done and their total after each of them.

    Raises:
        StoreError: no such split, or a damaged case.
        InputError: a split without a case, or `most` below 1.
    """
    chosen = np.arange(len(store)) if split is None else np.array(store.split(split), dtype=np.int64)
    if not len(chosen) or most < 1:
        raise InputError(f"{store.path}: expected at least 1 case to look at, got {min(len(chosen), most)}")
    index, ids, info = store.pixels.index, store.ids(), store.info
    looked = np.sort(np.random.default_rng(_SEED).permutation(chosen)[:most]).tolist()
    cases, pixels, full = [], [], 0
    for done, number in enumerate(looked, 1):
        spacing = known_spacing(index["spacing"][number, : info.spatial_dims].tolist())
        read = partial(store.pixels.labels, number)
        names = ids[number]
        size = store.shape(number)
        cases.append(look(read, size, spacing, names, classes=info.classes, ignore_label=info.ignore_label))
        flat = store.pixels.image(number).reshape(info.channels, -1)
        full += _reaches(flat, info.dtype)
        pixels.append(_some(flat))
        progress(done, len(looked))
    return StoreSurvey(
        info.name,
        info.modality,
        info.channels,
        info.classes,
        info.spatial_dims,
        {name: _counted(store, name) for name in info.splits},
        index["shape"][chosen, : info.spatial_dims].astype(np.int64),
        np.array(index["spacing"][chosen, : info.spatial_dims]),
        len({ids[number][1] for number in chosen.tolist()}),
        cases,
        _intensities(np.concatenate(pixels, 1), info.dtype, full / len(looked)),
    )


def _counted(store: Store, split: str) -> tuple[int, int]:
    numbers, ids = store.split(split), store.ids()
    return len(numbers), len({ids[number][1] for number in numbers})


def _reaches(flat: np.ndarray, dtype: str) -> bool:
    low, high = (0, 255) if dtype == "uint8" else (1 / 255, 254 / 255)
    return bool(flat.min() <= low and flat.max() >= high)


def _some(flat: np.ndarray) -> np.ndarray:
    """Every so-manieth pixel of `[C_in, pixels]`: an odd number, which walks through all columns of an image."""
    return np.array(flat[:, :: max(1, flat.shape[1] // _PIXELS) | 1])


def _intensities(pixels: np.ndarray, dtype: str, full: float) -> Intensities:
    values = pixels / np.float32(255) if dtype == "uint8" else pixels
    return Intensities(np.quantile(values, QUANTILES, axis=1).T, values.mean(1), values.std(1), full)


def _spread(values: np.ndarray) -> dict[str, list[float]] | None:
    """Extremes, quartiles and 95 % along each axis of `[M, d]`; None of none."""
    if not len(values):
        return None
    names = {"least": 0, "quarter": 0.25, "median": 0.5, "three_quarters": 0.75, "most_95": 0.95, "most": 1}
    return {name: np.quantile(values, share, axis=0).round(3).tolist() for name, share in names.items()}
