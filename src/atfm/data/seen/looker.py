"""`Looker`: makes the fingerprints of training images as they pass by."""

import numpy as np

from atfm.data.patients import PatientsKnown, are_known
from atfm.data.seen.fingerprint import ALIKE, BITS, fingerprint, windows
from atfm.data.seen.images import SeenImages, nearest, packed

__all__ = ["Looker"]

ASKED = 200  # patients of whom an image is held against those of all others
LOOKED_AT = 2**27  # pixels of these images, each of which is hashed nine times


class Looker:
    """Makes the fingerprints of training images as they pass by.

    Args:
        known: how the images' patients are known; None: nobody said, and no images are taken to be of different ones.
    """

    def __init__(self, known: PatientsKnown | None = None) -> None:
        self._known = known is not None and are_known(known)
        self._exact: list[bytes] = []
        self._alike: list[bytes] = []
        self._sizes: set[tuple[int, ...]] = set()
        self._patients: list[str] = []
        self._asked: dict[str, np.ndarray] = {}
        self._pixels = 0

    def look(self, image: np.ndarray, patient: str) -> None:
        """Look at an image `[C_in, *spatial]` in [0, 1] of a patient."""
        self._sizes.add(image.shape[1:])
        seen = fingerprint(image)
        if seen is None:
            return
        self._exact.append(seen.exact)
        self._alike.append(seen.alike.tobytes())
        self._patients.append(patient)
        if self._known and patient not in self._asked and len(self._asked) < ASKED:
            self._pixels += image[0].size
            if self._pixels <= LOOKED_AT or not self._asked:
                self._asked[patient] = windows(image)

    def seen(self, images: int) -> SeenImages:
        """What was seen, of so many images that are trained on."""
        return SeenImages(
            images=images,
            recorded=len(self._exact),
            size=next(iter(self._sizes)) if len(self._sizes) == 1 else None,
            exact=packed([b"".join(sorted(self._exact))]),
            alike=packed([b"".join(sorted(self._alike))]),
            by_chance=self._by_chance(),
        )

    def _by_chance(self) -> float:
        """The share of the patients of whom an image looks like one of another patient."""
        patients = np.array(self._patients)
        hashes = np.frombuffer(b"".join(self._alike), np.uint64).reshape(-1, BITS // 64)
        alike = [nearest(asked, hashes[patients != patient]) <= ALIKE for patient, asked in self._asked.items()]
        return sum(alike) / len(alike) if alike else 0.0
