r"""`Law`: a distribution of annotations that is known exactly, and `Simulated`, an image that has one.

An annotator is one latent number `u ~ N(0, 1)`, generous or strict, and a branch `b` with the odds `q_b`: how all the
coins of this annotator fell. In each branch there is a map `z_l` for each label `l`, the depth of a pixel within label
`l` or higher, in units of the blur of that edge; labels are nested, `z_1 >= z_2 >= ...`:

    Y(x) = sum_l [ z_bl(x) + u > 0 ],    P( Y(x) >= l ) = sum_b q_b Phi( z_bl(x) )

So the annotators of a branch are nested, and every expectation over the law is a finite sum (`Law.outcomes`).
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from atfm.errors import InputError

__all__ = ["ANNOTATORS", "NOISE", "SHAPE", "Law", "Simulated", "stream"]

# The streams of one case, apart so that a change in one draw leaves the others alone.
SHAPE, NOISE, ANNOTATORS = range(3)


@dataclass(frozen=True)
class Law:
    """The odds of each branch and its depths.

    Args:
        odds: `[B]`, `q_b`, summing to 1.
        depths: `[B, L, *spatial]`, `z_bl`, falling with `l`; -inf where the branch has no such label.
    """

    odds: np.ndarray
    depths: np.ndarray

    def annotate(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Draw `n` annotators, `[n, *spatial]` uint8 labels; annotator `k` is the same whether 4 or 100 are drawn.

        Raises:
            InputError: `n < 1`.
        """
        if n < 1:
            raise InputError(f"phantom: annotators: expected at least 1, got {n}")
        uniform = rng.random((n, 2))  # one row for each annotator keeps annotator k in place when n grows
        branch = np.searchsorted(self.odds.cumsum()[:-1], uniform[:, 1], side="right")
        return np.stack([self.labels(u, b) for u, b in zip(ndtri(uniform[:, 0]), branch, strict=True)])

    def labels(self, u: float, branch: int) -> np.ndarray:
        """The labels of a given annotator, `[*spatial]` uint8."""
        return np.asarray((self.depths[branch] > -u).sum(0, dtype=np.uint8))

    def probability(self) -> np.ndarray:
        """How often each label is given, in closed form: `[L + 1, *spatial]` float64, summing to 1 over the labels."""
        at_least = np.tensordot(self.odds, ndtr(self.depths), 1)  # [L, *spatial]
        ends = np.ones_like(at_least[:1]), np.zeros_like(at_least[:1])
        return -np.diff(np.concatenate([ends[0], at_least, ends[1]]), axis=0)

    def empty_probability(self) -> float:
        """The probability of a mask without any label but background, in closed form."""
        deepest = self.depths[:, 0].reshape(len(self.odds), -1).max(1)  # [B]
        return 1.0 - float(self.odds @ ndtr(deepest))

    def outcomes(self) -> tuple[np.ndarray, np.ndarray]:
        """Every annotation that can be drawn, with its probability.

        The labels of a branch change only where `-u` passes one of its depths, so there are at most as many as pixels
        times labels: expectations over the law are finite sums, which a small image affords.

        Returns:
            `[M, *spatial]` uint8 labels and `[M]` float64 probabilities > 0 that sum to 1; an annotation that several
            branches reach is listed once for each.
        """
        labels, odds = [], []
        for weight, depths in zip(self.odds, self.depths, strict=True):
            edges = np.concatenate([[-np.inf], np.unique(depths), [np.inf]])  # cuts in [edge i, edge i+1) draw alike
            chance = weight * np.diff(ndtr(edges))
            cuts = edges[:-1][chance > 0]
            cuts = cuts.reshape(-1, *[1] * depths.ndim)  # [M, 1, 1, 1]
            labels.append((depths > cuts).sum(1, dtype=np.uint8))
            odds.append(chance[chance > 0])
        return np.concatenate(labels), np.concatenate(odds)


@dataclass(frozen=True)
class Simulated:
    """One simulated image and the law of its annotations.

    Args:
        image: `[C_in, *spatial]` float32 in [0, 1], in steps of 1/255.
        law: of its annotations.
        traits: what decides the law and can be read from the image, by name.
        seed: of the set.
        number: of the case in its set.
        spacing: of the pixels in millimetres.
    """

    image: np.ndarray
    law: Law
    traits: dict[str, float]
    seed: int
    number: int
    spacing: tuple[float, ...]

    def annotate(self, n: int, rng: np.random.Generator | None = None) -> np.ndarray:
        """Draw `n` annotators, `[n, *spatial]` uint8; from the case's own stream if `rng` is None.

        Raises:
            InputError: `n < 1`.
        """
        return self.law.annotate(n, stream(self.seed, self.number, ANNOTATORS) if rng is None else rng)


def stream(seed: int, number: int, part: int) -> np.random.Generator:
    """The random numbers of one part of one case: the same whatever else is drawn."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(number, part)))
