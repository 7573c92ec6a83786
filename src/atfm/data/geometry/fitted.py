"""`Fitted`: the cases of a source on the pixels that a network sees, resampled as they are read.

Held, each case is read once; streamed, of a crop no more is read than it takes. Either gives the same pixels, since
each of them is a function of its case alone. The source itself stays as it is.
"""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from atfm.data.case import Case
from atfm.data.geometry.grid import Grid
from atfm.data.geometry.lesions import Saved, fitted_labels, saved_lesions
from atfm.data.geometry.rule import Fit, known_spacing
from atfm.data.layout import decode_image
from atfm.data.pixels import Box
from atfm.data.source import Source

__all__ = ["Fitted"]

_REMEMBERED = 2**12  # cases whose small lesions are remembered


class Fitted:
    """A `Source` that shows another one as a network sees it.

    Images keep their type: of 8-bit images the values are rounded to 8 bits again.

    Args:
        source: the cases.
        fit: the rule.
        classes: 1 for binary masks, else the number of labels.
        ignore_label: a label that says nothing.

    Raises:
        InputError: an image that the rule does not fit.
    """

    def __init__(self, source: Source, fit: Fit, classes: int, ignore_label: int | None = None) -> None:
        self.source, self.fit, self.classes, self.ignore_label = source, fit, classes, ignore_label
        self.case_ids, self.channels, self.dtype = source.case_ids, source.channels, source.dtype
        self.annotators = source.annotators
        grids = [self.grid(i) for i in range(len(source))]
        dims = source.shapes.shape[1]
        self.shapes = np.array([grid.size for grid in grids], dtype=np.int64).reshape(-1, dims)
        steps = np.array([grid.step for grid in grids]).reshape(-1, dims)
        self.spacings = np.where(_known(source.spacings)[:, None], source.spacings * steps, 1.0)
        self._saved: OrderedDict[int, Saved] = OrderedDict()

    def __len__(self) -> int:
        return len(self.source)

    def __iter__(self) -> Iterator[Case]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, i: int) -> Case:
        image, case = self.image(i), self.source[i]
        return Case(
            decode_image(image), self.labels(i), case.case_id, case.patient_id, tuple(self.spacings[i].tolist())
        )

    def grid(self, i: int) -> Grid:
        """How case `i` is brought to the network."""
        whole = tuple(self.source.shapes[i].tolist())
        return self.fit.grid(whole, known_spacing(self.source.spacings[i].tolist()))

    def image(self, i: int, box: Box | None = None) -> np.ndarray:
        grid = self.grid(i)
        if grid.plain:
            return self.source.image(i, box)
        values = grid.bring_part(partial(self.source.image, i), box or _all(grid.size))
        if self.dtype == np.uint8:
            return np.rint(values).clip(0, 255).astype(np.uint8)
        return np.clip(values, 0, 1)

    def labels(self, i: int, box: Box | None = None) -> np.ndarray:
        grid = self.grid(i)
        if grid.plain:
            return self.source.labels(i, box)
        read = partial(self.source.labels, i)
        return fitted_labels(grid, read, box or _all(grid.size), self.saved(i), binary=self.classes == 1)

    @property
    def passing_bytes(self) -> int:
        """The most that resampling one case takes: its masks and its image, and one of these in floats."""
        pixels = self.source.shapes.prod(1)
        return int((pixels * (self.annotators + self.channels * self.dtype.itemsize + 12)).max(initial=0))

    def saved(self, i: int) -> Saved:
        """The lesions of case `i` that are too small for the network's pixels, see `atfm.data.geometry.lesions`."""
        if i in self._saved:
            self._saved.move_to_end(i)
            return self._saved[i]
        read = partial(self.source.labels, i)
        found = saved_lesions(self.grid(i), read, binary=self.classes == 1, ignore_label=self.ignore_label)
        self._saved[i] = found
        if len(self._saved) > _REMEMBERED:
            self._saved.popitem(last=False)
        return found


def _known(spacings: np.ndarray) -> np.ndarray:
    return (spacings != 1.0).any(1)


def _all(size: Sequence[int]) -> Box:
    return tuple(slice(0, length) for length in size)
