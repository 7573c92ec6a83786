"""`Recorder`: looks at the training cases as they pass by, and tells afterwards how they looked."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from atfm.data.case import Case
from atfm.data.geometry.rule import Fit
from atfm.data.ood.coreset import Coreset
from atfm.data.ood.features import Features, features, tiles
from atfm.data.ood.training_images import TrainingImages
from atfm.data.patients import PatientsKnown
from atfm.data.seen.images import SeenImages
from atfm.data.seen.looker import Looker
from atfm.data.source import Source

__all__ = ["Recorder", "nearly_all", "reaches"]

FEWEST = 20  # images; fewer say too little of how others may look
MOST = 10_000


def reaches(image: np.ndarray) -> bool:
    """Whether an image in [0, 1] reaches from black to white."""
    return bool(image.min() < 1 / 255 and image.max() > 254 / 255)


def nearly_all(full: int, images: int) -> bool:
    """Whether so many of so many images are enough to say that each was stretched by itself."""
    return images >= FEWEST and full >= 0.98 * images


class Recorder:
    """Looks at training cases as they pass and keeps how they looked.

    Args:
        crop: size of the parts that a training step sees of larger images; None: whole images.
        fit: how images are brought to the network, whose pixels are then looked at; None: as they are.
        known: how the cases' patients are known; see `Looker`.
    """

    def __init__(
        self, crop: Sequence[int] | None = None, fit: Fit | None = None, *, known: PatientsKnown | None = None
    ) -> None:
        self.crop, self.fit = tuple(crop) if crop else None, fit
        self._looker, self._of = Looker(known), 0
        self._seen: list[Features] = []
        self._patients: list[str] = []
        self._spacings: set[tuple[float, ...]] = set()
        self._size: tuple[int, ...] = ()
        self._images = self._channels = self._full = 0

    def look(self, cases: Source | Sequence[Case]) -> None:
        """Look at the cases, and at a fixed 10,000 of them where there are more: as many tell what all look like."""
        self._of += len(cases)
        chosen = np.sort(np.random.default_rng(0).permutation(len(cases))[:MOST])
        for _ in self.watch(cases[i] for i in chosen.tolist()):
            pass

    def watch(self, cases: Iterable[Case]) -> Iterator[Case]:
        """Hand the cases on, each once looked at."""
        for case in cases:
            seen, spacing = case.image, case.spacing
            if self.fit is not None:
                seen, spacing = self.fit.seen(seen, spacing)
            self._size = self.crop or (self.fit and self.fit.canvas) or seen.shape[1:]
            parts = [features(tile) for tile in tiles(seen, self._size)]
            self._seen += parts
            self._patients += [case.patient_id] * len(parts)
            self._spacings.add(tuple(round(float(mm), 6) for mm in spacing))
            self._images, self._channels = self._images + 1, len(case.image)
            self._full += reaches(case.image)
            self._looker.look(case.image, case.patient_id)
            yield case

    @property
    def stretched(self) -> bool:
        """Whether nearly every image reached from black to white."""
        return nearly_all(self._full, self._images)

    def seen_images(self) -> SeenImages:
        """The fingerprints of the images, for the guard against leaks."""
        return self._looker.seen(max(self._of, self._images))

    def training_images(self, modality: str) -> TrainingImages:
        """What was seen, of images of this modality."""
        known = [spacing for spacing in self._spacings if any(mm != 1.0 for mm in spacing)]
        spacing = tuple((min(axis), max(axis)) for axis in zip(*known, strict=True)) if known else None
        enough = self._images >= FEWEST
        return TrainingImages(
            modality=modality,
            channels=self._channels,
            size=self._size,
            spacing=spacing,
            images=self._images,
            histogram=Coreset.of(np.stack([one.histogram for one in self._seen]), self._patients) if enough else None,
            sharpness=Coreset.of(np.stack([one.sharpness for one in self._seen]), self._patients) if enough else None,
        )
