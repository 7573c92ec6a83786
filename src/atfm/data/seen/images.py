"""`SeenImages`: the fingerprints of a model's training images, in its card, and the images of a test among them."""

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from atfm.data.case import Case
from atfm.data.seen.fingerprint import ALIKE, BITS, EXACT_BYTES, fingerprint, windows
from atfm.errors import CheckpointError

__all__ = ["FIELD", "Compared", "SeenImages", "nearest", "packed", "seen_images_of"]

FIELD = "seen_images"  # of a card
WIDTH = BITS // 8


@dataclass(frozen=True)
class Compared:
    """What came of comparing the images of a test with those of a training.

    Args:
        cases: how many were compared; an image that shows nothing is not.
        exact: the cases whose pixels are those of a training image.
        alike: the others that look like one.
        by_chance: the share of the training's images that look like one of another patient, see `SeenImages`.
    """

    cases: int
    exact: tuple[str, ...] = ()
    alike: tuple[str, ...] = ()
    by_chance: float = 0.0


class SeenImages(BaseModel):
    """The fingerprints of the training images.

    Args:
        images: how many were trained on.
        recorded: how many of them have a fingerprint here.
        size: spatial, where all have one.
        exact, alike: of all that are recorded, sorted, in base64; see `Fingerprint`.
        partial: weights were taken from a model that has none of its own images here.
        by_chance: the share of them that look like an image of another patient, found as those of a test are; 0 too
            where it is not known who the patients are.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    images: int = Field(ge=0)
    recorded: int = Field(ge=0)
    size: tuple[int, ...] | None = None
    exact: str
    alike: str
    partial: bool = False
    by_chance: float = Field(0.0, ge=0, le=1, exclude_if=lambda share: share == 0)

    @field_validator("exact", "alike")
    @classmethod
    def _is_base64(cls, text: str, info: ValidationInfo) -> str:
        try:
            data = base64.b64decode(text, validate=True)
        except binascii.Error as error:
            raise ValueError("expected base64") from error
        if len(data) % (EXACT_BYTES if info.field_name == "exact" else WIDTH):
            raise ValueError(f"expected whole fingerprints, got {len(data)} bytes")
        return text

    @property
    def hashes(self) -> np.ndarray:
        """The perceptual hashes, `[N, BITS / 64]` uint64."""
        return np.frombuffer(base64.b64decode(self.alike), np.uint64).reshape(-1, WIDTH // 8)

    @property
    def digests(self) -> frozenset[bytes]:
        """Those of the very pixels."""
        data = base64.b64decode(self.exact)
        return frozenset(data[at : at + EXACT_BYTES] for at in range(0, len(data), EXACT_BYTES))

    def joined(self, others: Sequence[Self | None]) -> "SeenImages":
        """These and those of the models that weights were taken from; None for a model that has none recorded.

        An image that is among these already is not counted, nor kept, again, however long the chain of models is.
        """
        whole: SeenImages = self
        for other in filter(None, others):
            whole = whole._with(other)
        return whole.model_copy(update={"partial": whole.partial or any(other is None for other in others)})

    def _with(self, other: "SeenImages") -> "SeenImages":
        """These and those of one other model."""
        known, theirs = self.digests, other.digests
        fresh = theirs - known
        own, more = self.images - self.recorded, other.images - other.recorded
        nested = theirs <= known or known <= theirs  # one training, or a part of it: what is not recorded is the same
        recorded = self.recorded + len(fresh)
        fields: dict[str, Any] = {
            "images": recorded + (max(own, more) if nested else own + more),
            "recorded": recorded,
            "partial": self.partial or other.partial,
            "by_chance": max(self.by_chance, other.by_chance),
        }
        if fresh:
            fields |= {
                "size": self.size if self.size == other.size else None,
                "exact": packed(sorted(known | theirs)),
                "alike": packed(sorted(_rows(self.hashes) | _rows(other.hashes))),
            }
        return self.model_copy(update=fields)

    def compare(self, cases: Iterable[Case]) -> Compared:
        """Find the images of a test that are, or look like, one of the training's.

        Args:
            cases: of the test. Of an image larger than those of the training its centre of their size is compared too.
        """
        known, hashes = self.digests, self.hashes
        exact, alike, count = [], [], 0
        for case in cases:
            views = [print_ for view in _views(case.image, self.size) if (print_ := fingerprint(view)) is not None]
            count += bool(views)
            if any(view.exact in known for view in views):
                exact.append(case.case_id)
            elif views and any(nearest(windows(view), hashes) <= ALIKE for view in _views(case.image, self.size)):
                alike.append(case.case_id)
        return Compared(count, tuple(exact), tuple(alike), self.by_chance)


def seen_images_of(card: Mapping[str, Any], name: str) -> SeenImages | None:
    """The fingerprints in a model's card; None in cards without them.

    Raises:
        CheckpointError: fields that are none.
    """
    if card.get(FIELD) is None:
        return None
    try:
        return SeenImages.model_validate(card[FIELD])
    except ValidationError as error:
        reason = error.errors()[0]["msg"]
        raise CheckpointError(f"{name}: field {FIELD} of its JSON: {reason}; take the JSON of its training") from error


def _rows(hashes: np.ndarray) -> frozenset[bytes]:
    """Hashes `[N, BITS / 64]` as bytes, each once."""
    return frozenset(row.tobytes() for row in hashes)


def packed(parts: Iterable[bytes]) -> str:
    """Fingerprints as they stand in a card."""
    return base64.b64encode(b"".join(parts)).decode()


def _views(image: np.ndarray, size: tuple[int, ...] | None) -> list[np.ndarray]:
    """The image, and its centre of the training's size where it is larger."""
    spatial = image.shape[1:]
    if size is None or len(size) != len(spatial) or spatial == size or any(map(int.__lt__, spatial, size)):
        return [image]
    centre = tuple(slice((s - w) // 2, (s - w) // 2 + w) for s, w in zip(spatial, size, strict=True))
    return [image, image[:, *centre]]


def nearest(asked: np.ndarray, known: np.ndarray) -> int:
    """The fewest signs in which any of `[V, BITS / 8]` differs from any of `[N, BITS / 64]`."""
    if not len(known):
        return BITS
    words = asked.view(np.uint64)
    # A word after the other: a sum along an axis of two takes longer than all the rest.
    differing = np.zeros((len(words), len(known)), np.uint8)
    for word in range(words.shape[1]):
        differing += np.bitwise_count(words[:, word, None] ^ known[None, :, word])
    return int(differing.min())
