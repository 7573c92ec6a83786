"""The two rows that stand under every table: a model that never marks anything, and the annotators' own majority."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from atfm.metrics.case import score_case
from atfm.metrics.masks import Array
from atfm.metrics.references import always_empty, majority

__all__ = ["REFERENCES", "score_reference"]

Reference = Callable[[Array, int], np.ndarray]

REFERENCES: Mapping[str, Reference] = {"always_empty": always_empty, "majority": majority}


def score_reference(reference: Reference, annotations: np.ndarray, ns: Sequence[int]) -> dict[str, float]:
    """Score a reference that repeats one mask, from as few copies of it as there are annotators.

    A score of `n` equal masks is the same for every `n >= K`: the distances within are 0, and each annotator is matched
    with the same mask.

    Args:
        reference: annotations and a number of masks to as many equal masks.
        annotations: `[K, C, *spatial]` bool.
        ns: numbers of samples that the scores are wanted for.
    """
    copies = max(2, len(annotations))
    row = score_case(reference(annotations, copies), annotations, ns=sorted({*ns, copies}))
    known = {name.removesuffix(f"_{copies}") for name in row if name.endswith(f"_{copies}")} - {"floor_ged"}
    for n in ns:
        if n > copies:
            row |= {f"{name}_{n}": row[f"{name}_{copies}"] for name in known}
    if copies not in ns:
        for name in (*known, "floor_ged"):
            row.pop(f"{name}_{copies}", None)
    return row
