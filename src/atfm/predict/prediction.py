"""`Prediction`: the masks of one image, what they say together, and the few readings that they come down to."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from atfm.errors import InputError
from atfm.hypotheses.bits import Bits
from atfm.hypotheses.hypotheses import Hypothesis, find_hypotheses
from atfm.predict.place import Place
from atfm.predict.prepared import Prepared
from atfm.predict.sampling import Chunk

__all__ = ["UNKNOWN", "Origin", "Prediction", "gather"]

UNKNOWN = "unknown"  # the digest of weights that nobody has written down
BLOCK = 2**23  # numbers that are summed at a time


@dataclass(frozen=True)
class Origin:
    """What drew the masks.

    Args:
        model: what the user called it.
        weights: SHA-256 of its weights, or `UNKNOWN`.
        seed: of the noise.
        steps: of the solver, where they were not the model's own.
    """

    model: str
    weights: str
    seed: int
    steps: int | None = None


@dataclass(frozen=True, eq=False, repr=False)
class Prediction:
    """`S` plausible masks of one image; `*spatial` is the size of the image, or of the part that was looked at.

    Args:
        bits: the masks, packed.
        weights: `[S]` float64 with sum 1.
        known_empty: probability that nothing is there, where the method knows it exactly; else None.
        prepared: the image, and where it lies.
        origin: what drew them.
    """

    bits: Bits
    weights: np.ndarray
    known_empty: float | None
    prepared: Prepared
    origin: Origin

    def __len__(self) -> int:
        return len(self.bits)

    def __repr__(self) -> str:
        place = self.place
        size = " x ".join(map(str, place.size))
        where = "" if self.prepared.at is None else f" round {' '.join(map(str, self.prepared.at))}"
        lines = [f"Prediction of {len(self)} samples, {size}{where}, no lesion {self.empty:.0%}"]
        for one in self.hypotheses:
            lines.append(f"  {one.probability:4.0%} ({one.low:.0%} to {one.high:.0%})  {one.name}")
        return "\n".join([*lines, *(f"  warning: {warning}" for warning in self.warnings)])

    def _repr_html_(self) -> str:
        """What a notebook shows: the image, the outlines, the hypotheses."""
        from atfm.predict.shown import prediction_html

        return prediction_html(self)

    @property
    def place(self) -> Place:
        """Where the masks lie in the whole image."""
        return self.prepared.place

    @property
    def warnings(self) -> tuple[str, ...]:
        """A sentence for all in which the image is unlike those of the training."""
        return self.prepared.warnings

    @property
    def channels(self) -> int:
        """Channels `C` of a mask; 1 is binary, else channel 0 is background."""
        return self.bits.shape[0]

    @property
    def masks(self) -> np.ndarray:
        """`[S, C, *spatial]` bool."""
        return self.bits.all()

    def labels(self, number: int) -> np.ndarray:
        """Sample `number` as labels `[*spatial]` uint8, 0 for background."""
        mask = self.bits[number]
        return (mask[0] if self.channels == 1 else mask.argmax(0)).astype(np.uint8)

    @cached_property
    def areas(self) -> np.ndarray:
        """`[S]`, the foreground pixels of each sample."""
        return np.array([int(_foreground(mask).sum()) for mask in self.bits])

    @cached_property
    def mean_probability(self) -> np.ndarray:
        """`[C, *spatial]` float32: how often a pixel belongs to each class, by the weights of the samples."""
        total = np.zeros(self.bits.shape)
        block = max(1, BLOCK // max(1, total.size))
        for first in range(0, len(self), block):
            numbers = range(first, min(first + block, len(self)))
            masks = np.stack([self.bits[number] for number in numbers])
            total += np.tensordot(self.weights[first : first + block], masks.astype(np.float64), 1)
        return np.clip(total, 0, 1).astype(np.float32)

    @property
    def foreground(self) -> np.ndarray:
        """`[*spatial]` float32: how probable any object is, whatever its class."""
        mean = self.mean_probability
        return mean[0] if self.channels == 1 else np.minimum(mean[1:].sum(0), 1)

    @cached_property
    def entropy(self) -> np.ndarray:
        """`[*spatial]` float32: the ambiguity of each pixel in bits, the entropy of `mean_probability`.

        Where no class was drawn at all, as outside a model's window, nothing is ambiguous.
        """
        mean = self.mean_probability
        flat = mean.reshape(len(mean), -1)  # [C, P]
        bits = np.empty(flat.shape[1], np.float32)
        for first in range(0, len(bits), BLOCK // 8):  # a volume in float64, several times over, is too much
            part = slice(first, first + BLOCK // 8)
            bits[part] = _entropy(flat[:, part].astype(np.float64))
        return bits.reshape(mean.shape[1:])

    @property
    def drawn_empty(self) -> float:
        """The share of the samples that are empty, by their weights."""
        return float(min(1.0, self.weights[self.areas == 0].sum()))

    @property
    def empty(self) -> float:
        """The probability of no lesion: exact where the method knows it, else the share of empty samples."""
        return self.drawn_empty if self.known_empty is None else self.known_empty

    @cached_property
    def hypotheses(self) -> list[Hypothesis]:
        """The few readings that the samples come down to, the most probable first.

        Where the method knows the probability of no lesion exactly, that reading has it, and the outlines share the
        rest as their samples do: only they have a sampling error.
        """
        exact = self.known_empty is not None and 0 < self.drawn_empty < 1
        spatial = self.bits.shape[1:]
        flat = len(spatial) == 2 or spatial[0] == 1  # a single slice has pixels, not voxels
        return find_hypotheses(
            self.bits,
            weights=self._known_weights(),
            exact_empty=exact,
            pixel="pixels" if flat else "voxels",
            mm2=self.place.mm2,
            ml=self.place.ml,
        )

    def _known_weights(self) -> np.ndarray:
        """The samples' weights, scaled to what is known of empty masks; as drawn where either kind of mask lacks."""
        if self.known_empty is None or not 0 < self.drawn_empty < 1:
            return self.weights
        empty, other = self.known_empty / self.drawn_empty, (1 - self.known_empty) / (1 - self.drawn_empty)
        return self.weights * np.where(self.areas == 0, empty, other)


def gather(
    prepared: Prepared,
    chunks: Iterable[Chunk],
    origin: Origin,
    progress: Callable[[int, int], object] = lambda done, of: None,
) -> Prediction:
    """Join chunks, all of them or the first few, to a prediction.

    Weights of a chunk are of its own samples alone; a chunk counts by how many samples it has.

    Args:
        prepared: the image.
        chunks: in their order, from sample 0 on.
        origin: what drew them.
        progress: called with (done, of) after each chunk; what it raises ends the drawing.

    Raises:
        InputError: no chunk.
    """
    bits: Bits | None = None
    weights: list[np.ndarray] = []
    known: float | None = None
    for chunk in chunks:
        if bits is None:
            bits = Bits(chunk.masks.shape[1:])
        bits.add(chunk.masks)
        count = len(chunk.masks)
        weights.append(np.ones(count) if chunk.weights is None else chunk.weights * count)
        known = chunk.empty
        progress(chunk.done, chunk.of)
    if bits is None:
        raise InputError("chunks: expected at least one, got none; draw some samples first")
    joined = np.concatenate(weights)
    return Prediction(bits, joined / joined.sum(), known, prepared, origin)


def _entropy(mean: np.ndarray) -> np.ndarray:
    """In bits, `[P]`, of probabilities `[C, P]` float64; of a single channel together with its background."""
    p = np.concatenate([1 - mean, mean]) if len(mean) == 1 else mean
    terms = np.where(p > 0, -p * np.log2(np.where(p > 0, p, 1)), 0)
    return np.asarray(np.abs(terms.sum(0)))


def _foreground(mask: np.ndarray) -> np.ndarray:
    """`[*spatial]` of a mask `[C, *spatial]`: the union of its classes but the background."""
    return np.asarray(mask[0] if len(mask) == 1 else mask[1:].any(0))
