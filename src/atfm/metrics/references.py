"""The two rows that stand under every table: masks that say nothing, and the annotators' own majority."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from atfm.metrics.masks import Array, as_masks, most_likely, share
from atfm.metrics.scores import score_case

__all__ = ["REFERENCES", "always_empty", "majority", "score_reference"]

Reference = Callable[[Array, int], np.ndarray]


def always_empty(annotations: Array, n: int) -> np.ndarray:
    """Return the reference that says nothing: `n` masks without foreground, bool `[n, C, *spatial]`."""
    masks = as_masks(annotations, "annotations")
    nothing = np.zeros((n, *masks.shape[1:]), dtype=bool)
    if nothing.shape[1] > 1:
        nothing[:, 0] = True  # one-hot: every pixel is background
    return nothing


def majority(annotations: Array, n: int) -> np.ndarray:
    """Return the reference without diversity: the annotators' majority `n` times, bool `[n, C, *spatial]`.

    It knows the annotations, so that it is an oracle and no model. Two of four do not make a majority.
    """
    masks = as_masks(annotations, "annotations")
    return most_likely(share(masks))[None].repeat(n, 0)


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
