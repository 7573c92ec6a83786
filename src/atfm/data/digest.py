"""What a store holds, in numbers: sizes, areas, empty masks, and how far its annotators agree."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from atfm.data.labels import one_hot
from atfm.data.store import Store

__all__ = ["describe", "seeded_cases"]

AGREEMENT_CASES = 1000  # the standard error of the mean IoU over so many cases is about 0.01


def describe(
    store: Store, *, seed: int = 0, progress: Callable[[int, int], object] = lambda done, total: None
) -> dict[str, Any]:
    """Read every case once and count.

    Args:
        store: what to describe.
        seed: of the cases on which the agreement is measured, where there are more than 1000.
        progress: called with the cases done and their total after each of them.

    Returns:
        Facts that JSON can hold. Areas are those of non-empty masks, in pixels (voxels), for each label but the
        background; `annotator_iou` is the mean IoU of two different annotators, empty against empty counted as 1, or
        None where no case has two.
    """
    info = store.info
    areas: list[list[int]] = [[] for _ in range(max(info.classes - 1, 1))]
    filled: Counter[int] = Counter()
    chosen, agreement = set(seeded_cases(store, AGREEMENT_CASES, seed)), []
    for i, case in enumerate(store):
        channels = one_hot(case.masks, info.classes, info.spatial_dims, info.ignore_label)
        labels = channels[:, min(info.classes - 1, 1) :]  # [K, C', *spatial]: all but the background
        sizes = labels.reshape(*labels.shape[:2], -1).sum(2)  # [K, C']
        for label, size in zip(areas, sizes.T, strict=True):
            label.extend(size[size > 0].tolist())
        filled[int((sizes.sum(1) > 0).sum())] += 1
        if i in chosen and case.annotators > 1:
            agreement.append(mean_iou(labels))
        progress(i + 1, len(store))
    annotators = Counter(store.annotators(i) for i in range(len(store)))
    masks = sum(count * cases for count, cases in annotators.items())
    return {
        **overview(store),
        "annotators": {str(k): annotators[k] for k in sorted(annotators)},
        "filled_masks": {str(k): filled[k] for k in sorted(filled)},
        "empty_share": 1 - sum(k * cases for k, cases in filled.items()) / masks,
        "areas": {str(number): quartiles(label) for number, label in enumerate(areas, start=1)},
        "annotator_iou": float(np.mean(agreement)) if agreement else None,
        "annotator_iou_cases": len(agreement),
    }


def overview(store: Store) -> dict[str, Any]:
    """The facts that need no pixel."""
    info = store.info
    sizes = Counter(store.shape(i) for i in range(len(store)))
    return {
        "name": info.name,
        "licence": info.licence,
        "orientation": info.orientation,
        "source": info.source,
        "modality": info.modality,
        "digest": store.digest,
        "cases": len(store),
        "patients": len(store.patients()),
        "patients_known": info.patients_known,
        "classes": info.classes,
        "channels": info.channels,
        "dtype": info.dtype,
        "splits": {
            name: {"patients": len(patients), "cases": len(store.split(name))} for name, patients in info.splits.items()
        },
        "unassigned_patients": store.unassigned(),
        "sizes": {"x".join(map(str, size)): count for size, count in sizes.most_common(8)},
        "different_sizes": len(sizes),
    }


def seeded_cases(store: Store, count: int, seed: int) -> list[int]:
    """The numbers of up to `count` cases, drawn without replacement, in order."""
    drawn = np.random.default_rng(seed).permutation(len(store))[:count]
    return sorted(drawn.tolist())


def quartiles(values: list[int]) -> dict[str, float] | None:
    """Least, quartiles, 90th percentile and most; None where there are no values."""
    if not values:
        return None
    names, shares = ("min", "q1", "median", "q3", "p90", "max"), (0, 25, 50, 75, 90, 100)
    return dict(zip(names, np.percentile(values, shares).tolist(), strict=True))


def mean_iou(labels: np.ndarray) -> float:
    """Mean IoU over the pairs of different annotators in `[K, C', *spatial]`."""
    from atfm.metrics.overlap import pairwise_iou

    iou = pairwise_iou(labels, labels)  # [K, K]
    k = len(iou)
    return float((iou.sum() - np.trace(iou)) / (k * (k - 1)))
