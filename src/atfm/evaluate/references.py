"""The two rows that stand under every table: a model that never marks anything, and the annotators' own majority."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from atfm.metrics.case import score_case
from atfm.metrics.masks import Array
from atfm.metrics.references import always_empty, majority

__all__ = ["REFERENCES", "score_reference"]

Reference = Callable[[Array, int], np.ndarray]

REFERENCES: Mapping[str, Reference] = {"always_empty": always_empty, "majority": majority}


def score_reference(
    reference: Reference, annotations: np.ndarray, ns: Sequence[int], classes: Sequence[str] = ()
) -> dict[str, float]:
    """Score a reference that repeats one mask, from as few copies of it as there are annotators.

    A score of `n` equal masks is the same for every `n >= K`: the distances within are 0, and each annotator is matched
    with the same mask.

    Args:
        reference: annotations and a number of masks to as many equal masks.
        annotations: `[K, C, *spatial]` bool.
        ns: numbers of samples that the scores are wanted for.
        classes: names of the classes but the background that are scored one by one too.
    """
    copies = max(2, len(annotations))
    row = score_case(reference(annotations, copies), annotations, ns=sorted({*ns, copies}), per_class=classes or False)
    for column, value in list(row.items()):
        metric, slash, name = column.partition("/")
        family, _, n = metric.rpartition("_")
        if n != str(copies):
            continue
        if family != "floor_ged":  # the floor is that of each n already
            row |= {f"{family}_{more}{slash}{name}": value for more in ns if more > copies}
        if copies not in ns:
            del row[column]
    return row
