"""Whether masks fit the annotators' better in another order of axes, or inside out: what no header tells of an array.

With `p` the share of a case's masks that have a pixel and `q` that of its annotators, `cos(T) = sum (T p) q / |p| |q|`
is compared over the orders of axes `T` that keep the size of the image. Somebody who exchanged rows and columns has a
`T` that fits better in nearly every case; of round lesions in the middle of a crop all fit alike, and nothing is said.
"""

import itertools
from collections import defaultdict

import numpy as np

__all__ = ["Lie"]

_CASES = {2: 400, 3: 20}  # that are looked at, by the number of axes
_FEWEST = 10
_BETTER = 0.02  # of the cosine, in the mean
_CERTAIN = 4.0  # standard errors of the mean over cases

Order = tuple[tuple[int, ...], tuple[bool, ...]]  # of each axis which it was, and whether it runs the other way


class Lie:
    """Looks at cases as they pass by."""

    def __init__(self) -> None:
        self._gain: dict[Order, list[float]] = defaultdict(list)
        self._apart: list[tuple[float, float]] = []  # squared distance of each case as it is, and inside out

    def look(self, predicted: np.ndarray, drawn: np.ndarray) -> None:
        """Look at a case: masks `[S, *spatial]` and annotations `[K, *spatial]`, of which what is not 0 is on."""
        if len(self._apart) >= _CASES.get(predicted.ndim - 1, 0):
            return
        p, q = ((masks != 0).mean(0, dtype=np.float32) for masks in (predicted, drawn))
        self._apart.append((float(np.square(p - q).mean()), float(np.square(1 - p - q).mean())))
        length = float(np.sqrt(np.square(p).sum() * np.square(q).sum()))
        if not length:
            return
        own = float((p * q).sum()) / length
        for order in _orders(p.shape):
            turned = np.flip(p.transpose(order[0]), tuple(axis for axis, flip in enumerate(order[1]) if flip))
            self._gain[order].append(float((turned * q).sum()) / length - own)

    def said(self) -> list[str]:
        """A sentence where another order fits better beyond chance; none of too few cases."""
        apart = np.array(self._apart)
        if len(apart) >= _FEWEST and apart[:, 1].mean() < apart[:, 0].mean():
            return [
                f"In {len(apart)} cases masks fit the annotators' better inside out: the background may be stored as "
                "1; if so, state --foreground 0."
            ]
        better = [(float(np.mean(gain)), order) for order, gain in self._gain.items() if _certain(gain)]
        if not better:
            return []
        gain, order = max(better)
        return [
            f"In {len(self._gain[order])} cases masks fit the annotators' better {_words(order)} (by {gain:.3f} of the "
            "cosine): they may be stored in another order of axes than the images."
        ]


def _certain(gain: list[float]) -> bool:
    if len(gain) < _FEWEST:
        return False
    mean, error = float(np.mean(gain)), float(np.std(gain, ddof=1)) / len(gain) ** 0.5
    return mean > _BETTER and mean > _CERTAIN * error


def _orders(shape: tuple[int, ...]) -> list[Order]:
    """All orders of axes that keep the shape, but for that of the array itself."""
    axes = range(len(shape))
    kept = [axis for axis in itertools.permutations(axes) if tuple(shape[k] for k in axis) == shape]
    orders = [(axis, flips) for axis in kept for flips in itertools.product((False, True), repeat=len(shape))]
    return [order for order in orders if order != (tuple(axes), (False,) * len(shape))]


def _words(order: Order) -> str:
    names = ("rows", "columns") if len(order[0]) == 2 else ("slices", "rows", "columns")
    flipped = [names[axis] for axis, flip in enumerate(order[1]) if flip]
    swapped = order[0] != tuple(range(len(names)))
    said = (
        [f"with axes {', '.join(names[axis] for axis in order[0])} in place of {', '.join(names)}"] if swapped else []
    )
    return " and ".join(said + ([f"with {' and '.join(flipped)} reversed"] if flipped else []))
