"""How much faster the scores are than a plain double loop over pairs of masks, and how much memory they take.

Both sides score the same masks: phantoms, with edges, parts and empty masks as in real sets, and as large in their
image as LIDC's (about 90 of 16,384 pixels); the same with lesions that fill the image is timed as well, as pixels
without any mask cost less. The loop takes a fifth of a second for a case, so it is timed on a few and multiplied.

Where other programs share the cores, set OMP_NUM_THREADS=1: the threads of the matrix library wait for each other.
"""

import time
import tracemalloc
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
from scipy.optimize import linear_sum_assignment

from atfm.data.phantom.grey import phantom_case
from atfm.errors import InputError
from atfm.metrics.ged import ged_n
from atfm.metrics.matching import hm_iou_n, mdm_n
from atfm.metrics.overlap import overlaps
from atfm.metrics.scores import score_case

__all__ = ["bench_memory", "bench_metrics", "by_double_loop", "by_matrix"]

_DISTINCT = 32  # cases drawn; they are scored again and again
_LIDC = 4  # a phantom in a quarter of the image's side has the area of a nodule in its crop
_MATCHED = 32  # samples of HM-IoU and MDM, as published
_SMALLEST = 16  # pixels of a phantom
_BLOCK = 50  # masks drawn at a time: the phantom needs 8 bytes a pixel

Masks = tuple[np.ndarray, np.ndarray]
T = TypeVar("T")


def bench_metrics(
    *,
    cases: int = 1000,
    size: int = 128,
    samples: int = 100,
    annotators: int = 4,
    seed: int = 0,
    naive_cases: int = 4,
    threads: int | None = None,
) -> dict[str, object]:
    """Time GED of all samples, HM-IoU_32 and MDM_32 against a double loop, and check that both give the same.

    Args:
        cases: images scored.
        size: of the square masks, in pixels.
        samples: `S` of each image, at least 1.
        annotators: `K` of each image, `S` divisible by it where `S < 32`, else 32 divisible by it.
        seed: of the phantoms.
        naive_cases: images that the double loop is timed on; its time is multiplied.
        threads: images scored at a time; None for one.

    Returns:
        `seconds` of all cases, `naive_seconds` of the loop, their `ratio`, the `largest_difference` between both sides
        and the mean scores; `all_scores_seconds` of `score_case`, and `large_seconds` where lesions fill the image.

    Raises:
        InputError: numbers that are not positive, or annotators that cannot be repeated to the samples.
    """
    workers, matched = threads or 1, min(_MATCHED, samples)
    if min(cases, size, samples, annotators, naive_cases, workers) < 1:
        raise InputError(f"bench metrics: expected positive numbers, got {[cases, size, samples, annotators, workers]}")
    if matched % annotators:
        raise InputError(f"bench metrics: expected annotators that divide {matched}, which the loop can repeat, "
                         f"got {annotators}")  # fmt: skip
    fields = {"small": min(size, max(_SMALLEST, size // _LIDC)), "large": size}
    drawn = {
        name: [_masks(seed, number, size, field, samples, annotators) for number in range(min(_DISTINCT, cases))]
        for name, field in fields.items()
    }
    small = drawn["small"]
    by_matrix(*small[0])  # scipy is loaded by the first
    ours, seconds = _timed(by_matrix, [small[number % len(small)] for number in range(cases)], workers)
    loop, naive = _timed(by_double_loop, small[:naive_cases], 1)
    each = cases / len(small)
    naive_seconds, large = naive / len(loop) * cases, _timed(by_matrix, drawn["large"], workers)[1] * each
    ged, hm_iou, mdm = np.mean(ours, axis=0)
    return {
        "cases": cases,
        "size": size,
        "samples": samples,
        "annotators": annotators,
        "threads": workers,
        "mean_area": float(np.mean([s.sum() / len(s) for s, _ in small])),
        "seconds": seconds,
        "ms_per_case": 1000 * seconds / cases,
        "all_scores_seconds": _timed(score_case, small, workers)[1] * each,
        "naive_cases": len(loop),
        "naive_measured_seconds": naive,
        "naive_seconds": naive_seconds,
        "ratio": naive_seconds / seconds,
        "large_seconds": large,
        "large_ratio": naive_seconds / large,
        "largest_difference": float(np.abs(np.subtract(ours[: len(loop)], loop)).max()),
        f"ged_{samples}": float(ged),
        f"hm_iou_{matched}": float(hm_iou),
        f"mdm_{matched}": float(mdm),
    }


def bench_memory(*, size: int = 512, samples: int = 1000, annotators: int = 4, seed: int = 0) -> dict[str, float]:
    """Measure what all scores of one large image take: MB of its bool masks, MB beside them at the peak, and seconds.

    The fixed buffers of the matrix library are not counted, and the watch slows the seconds a little.
    """
    s, r = _masks(seed, 0, size, size, samples, annotators)
    tracemalloc.start()
    try:
        _, seconds = _timed(score_case, [(s, r)], 1)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    masks = (s.nbytes + r.nbytes) / 2**20
    return {"size": size, "samples": samples, "masks_mb": masks, "peak_mb": peak / 2**20, "seconds": seconds}


def by_matrix(s: np.ndarray, r: np.ndarray) -> tuple[float, float, float]:
    """GED of all samples, HM-IoU and MDM of the first 32, of masks `[S, 1, H, W]` and `[K, 1, H, W]`."""
    overlap = overlaps(s, r)
    matched = slice(_MATCHED)
    return ged_n(overlap.iou.distance), hm_iou_n(overlap.iou.across[matched]), mdm_n(overlap.dice.across[matched])


def by_double_loop(s: np.ndarray, r: np.ndarray) -> tuple[float, float, float]:
    """The same by looking at every pair of masks in turn, as published code does."""

    def each_pair(a: np.ndarray, b: np.ndarray, *, dice: bool = False) -> np.ndarray:
        return np.array([[_overlap(x, y, dice) for y in b] for x in a])

    across = each_pair(s, r)
    ged = 2 * np.mean(1 - across) - np.mean(1 - each_pair(s, s)) - np.mean(1 - each_pair(r, r))
    few = across[:_MATCHED]  # [n, K]
    repeated = few.repeat(len(few) // len(r), 1)  # [n, n], as n is a multiple of K
    matched = repeated[linear_sum_assignment(repeated, maximize=True)].mean()
    return float(ged), float(matched), float(each_pair(s[:_MATCHED], r, dice=True).max(0).mean())


def _overlap(x: np.ndarray, y: np.ndarray, dice: bool) -> float:
    """IoU, or Dice; 1 of two empty masks."""
    both, total = np.logical_and(x, y).sum(), x.sum() + y.sum()
    if not total:
        return 1.0
    return float(2 * both / total if dice else both / (total - both))


def _timed(score: Callable[..., T], cases: Iterable[Masks], threads: int) -> tuple[list[T], float]:
    """The scores of every case, and the seconds of all."""
    with ThreadPoolExecutor(threads) as workers:
        start = time.perf_counter()
        scores = list(workers.map(lambda case: score(*case), cases))
        return scores, time.perf_counter() - start


def _masks(seed: int, number: int, size: int, field: int, samples: int, annotators: int) -> Masks:
    """Samples `[S, 1, size, size]` and annotations of one phantom's law, in a field of so many pixels in the middle."""
    phantom, rng = phantom_case(seed, number, size=field), np.random.default_rng((seed, number))
    masks = np.zeros((samples + annotators, 1, size, size), dtype=bool)
    middle = slice((size - field) // 2, (size - field) // 2 + field)
    for start in range(0, len(masks), _BLOCK):
        block = masks[start : start + _BLOCK, 0, middle, middle]
        block[:] = phantom.annotate(len(block), rng)
    return masks[:samples], masks[samples:]
