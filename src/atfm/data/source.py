"""`Source`: cases by number, of which a part can be read without the rest: of a store, or in memory already."""

from collections.abc import Iterator, Sequence
from typing import Protocol, runtime_checkable

import numpy as np

from atfm.data.case import Case
from atfm.data.layout import on_grid
from atfm.data.pixels import Box
from atfm.data.store import Store
from atfm.errors import InputError

__all__ = ["InMemory", "Selection", "Source", "source_of"]


@runtime_checkable
class Source(Protocol):
    """Cases by number; a list of `Case` becomes one by `source_of`.

    Attributes:
        case_ids: of every case.
        channels: of every image, `C_in`.
        dtype: of the pixels as they are kept: uint8 (255 is 1.0) or float32.
        shapes: `[N, d]`, the spatial shapes.
        annotators: `[N]`, the numbers `K`.
        spacings: `[N, d]`, millimetres of a pixel; 1.0 along all axes where nobody said.
    """

    case_ids: Sequence[str]
    channels: int
    dtype: np.dtype
    shapes: np.ndarray
    annotators: np.ndarray
    spacings: np.ndarray

    def __len__(self) -> int: ...

    def __getitem__(self, i: int) -> Case: ...

    def __iter__(self) -> Iterator[Case]: ...

    def image(self, i: int, box: Box | None = None) -> np.ndarray:
        """The image of case `i`, `[C_in, *spatial]` of `dtype`, or a part of it; not to be written to."""
        ...

    def labels(self, i: int, box: Box | None = None) -> np.ndarray:
        """The labels of case `i`, `[K, *spatial]` uint8, or a part of them; not to be written to."""
        ...


class Selection:
    """Some cases of a store, read when they are asked for.

    Args:
        store: where they are.
        indices: their numbers in the store.
    """

    def __init__(self, store: Store, indices: Sequence[int]) -> None:
        self.store, self.indices = store, np.array(indices, dtype=np.int64)
        index, identifiers = store.pixels.index, store.ids()
        self.case_ids: Sequence[str] = [identifiers[i][0] for i in indices]
        self.channels = store.info.channels
        self.dtype = np.dtype(store.info.dtype)
        self.shapes = index["shape"][self.indices, : store.info.spatial_dims].astype(np.int64)
        self.annotators = index["annotators"][self.indices].astype(np.int64)
        self.spacings = index["spacing"][self.indices, : store.info.spatial_dims].astype(np.float64)

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, i: int) -> Case:
        return self.store[int(self.indices[i])]

    def __iter__(self) -> Iterator[Case]:
        return (self[i] for i in range(len(self)))

    def image(self, i: int, box: Box | None = None) -> np.ndarray:
        return self.store.pixels.image(int(self.indices[i]), box)

    def labels(self, i: int, box: Box | None = None) -> np.ndarray:
        return self.store.pixels.labels(int(self.indices[i]), box)


class InMemory:
    """Cases that are there already; kept as 8-bit steps if all images have these exactly, as a store would.

    Args:
        cases: all with as many channels and spatial axes.

    Raises:
        InputError: one with other channels or axes than the first.
    """

    def __init__(self, cases: Sequence[Case]) -> None:
        self.cases = list(cases)
        for case in self.cases:
            first = self.cases[0].image
            if len(case.image) != len(first) or case.image.ndim != first.ndim:
                raise InputError(
                    f"case {case.case_id}: expected an image of {len(first)} channels and {first.ndim - 1} spatial "
                    f"axes like the first case, got {list(case.image.shape)}; leave it out or convert it"
                )
        self.case_ids: Sequence[str] = [case.case_id for case in self.cases]
        self.channels = len(self.cases[0].image) if self.cases else 0
        self.dtype = np.dtype(np.uint8 if all(on_grid(case.image) is not None for case in self.cases) else np.float32)
        dims = self.cases[0].image.ndim - 1 if self.cases else 2
        self.shapes = np.array([case.image.shape[1:] for case in self.cases], dtype=np.int64).reshape(-1, dims)
        self.annotators = np.array([case.annotators for case in self.cases], dtype=np.int64)
        self.spacings = np.array([case.spacing for case in self.cases], dtype=np.float64).reshape(-1, dims)

    def __len__(self) -> int:
        return len(self.cases)

    def __getitem__(self, i: int) -> Case:
        return self.cases[i]

    def __iter__(self) -> Iterator[Case]:
        return iter(self.cases)

    def image(self, i: int, box: Box | None = None) -> np.ndarray:
        image = self.cases[i].image if box is None else self.cases[i].image[:, *box]
        return np.rint(image * 255).astype(np.uint8) if self.dtype == np.uint8 else image

    def labels(self, i: int, box: Box | None = None) -> np.ndarray:
        return self.cases[i].masks if box is None else self.cases[i].masks[:, *box]


def source_of(cases: Source | Sequence[Case]) -> Source:
    """Return a source as it is, and a sequence of cases as one."""
    return cases if isinstance(cases, Source) else InMemory(cases)
