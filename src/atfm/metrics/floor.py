r"""How low GED can go: what readers of one image share beyond it, bounded by what was measured.

The Jaccard index is a positive definite kernel (Bouchard et al. 2013), so masks are points `phi` with `d(a, b) = |phi_a
- phi_b|^2 / 2` and `|phi| = 1`. With `m` the mean point of the model's samples and `r`, `r'` two readers of an image
`x`, the unbiased GED is a covariance,

    GED = E <phi_r - m, phi_r' - m> = |mu - m|^2 + F,    mu = E[phi_r | x],    F = E <phi_r - mu, phi_r' - mu>

The first term is the model's: 0 where it draws as readers do. `F` is that of no model: the covariance of two readers
given the image. It is 0 where they are independent, positive where they share what the image does not show (the other
slices, a protocol, a school), and it may be negative where images were chosen by what readers marked. So

    D_sr - D_s = 0 and D_sr - D_r = F    for the model that draws every reader's law exactly

*From above*: `F <= GED` of every model, in the mean over images.

*From below*: how much one reader's mask tells of another's beyond the image, as the model reads it. Samples of the
model, of which a share `a` is replaced by a reader's mask, have another energy score for the other readers, lower by

    2 a C - a^2 V,    C = GED,    V = E |phi_r - m|^2 = 2 D_sr - D_s,

at best by `C^2 / V`. For the model of `mu` this is `F^2 / E |phi_r - mu|^2 <= F`. A model that misses `e = |mu - m|^2`
counts that too: then it is `(F + e)^2 / V`, which exceeds `F` where `F` is small, by less than itself. Where an image
is there once no data can tell what it does not show from what the model does not see: both ends are of the best model
known, and move with it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from atfm.metrics.table import Interval, summarise

__all__ = ["Floor", "floor_of"]

_FOLDS = 5


@dataclass(frozen=True)
class Floor:
    """Where the least GED that a model can have lies, see the top of the file.

    Args:
        above: the GED of a model.
        below: how much a reader's mask, mixed into its samples, lowers the energy score for another reader.
        share: of the mixture, in [0, 1].
    """

    above: Interval
    below: Interval
    share: float

    def as_json(self) -> dict[str, Any]:
        """For the summary."""
        ends = {name: getattr(self, name) for name in ("above", "below")}
        return {
            **{name: {"mean": one.mean, "low": one.low, "high": one.high} for name, one in ends.items()},
            "share": self.share,
        }


def floor_of(rows: Sequence[Mapping[str, Any]], *, groups: str = "patient", seed: int = 0) -> Floor | None:
    """Bound the floor by the rows of a model, those of its cases that have a GED.

    The share of the mixture is found on four fifths of the patients and used on the last, in turn, so that `below` does
    not profit from its own noise.

    Args:
        rows: of one model: `ged`, `d_sr`, `diversity` and whose they are.
        groups: the column that names the patient.
        seed: of the intervals.

    Returns:
        Both ends; None where no case has a GED.
    """
    there = [row for row in rows if all(row.get(name) is not None for name in ("ged", "d_sr", "diversity"))]
    if not there:
        return None
    c = np.array([row["ged"] for row in there])
    v = np.array([2 * row["d_sr"] - row["diversity"] for row in there])
    patients = {name: number for number, name in enumerate(sorted({str(row[groups]) for row in there}))}
    fold = np.array([patients[str(row[groups])] % _FOLDS for row in there])
    gain = np.empty(len(there))
    for one in range(_FOLDS):
        inside = fold == one
        share = _share(c[~inside], v[~inside]) if (~inside).any() else _share(c, v)
        gain[inside] = 2 * share * c[inside] - share**2 * v[inside]
    table = summarise(
        [
            {"patient": row[groups], "above": row["ged"], "below": gained}
            for row, gained in zip(there, gain, strict=True)
        ],
        seed=seed,
    )
    return Floor(table["above"], table["below"], _share(c, v))


def _share(c: np.ndarray, v: np.ndarray) -> float:
    """The best share of a reader's mask, `C / V` of the means, in [0, 1]."""
    total = float(v.sum())
    return float(np.clip(c.sum() / total, 0, 1)) if total > 0 else 0.0
