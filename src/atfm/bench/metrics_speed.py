"""How much faster the scores are than a plain double loop over pairs of masks, and how much memory they take.

Both sides score the same masks: phantoms, with edges, parts and empty masks as in real sets, and as large in their
image as LIDC's (about 90 of 16,384 pixels); the same with lesions that fill the image is timed as well, as pixels
without any mask cost less. The loop takes a fifth of a second for a case, so it is timed on a few and multiplied.

Where other programs share the cores, set OMP_NUM_THREADS=1: the threads of the matrix library wait for each other.
"""

import time
import tracemalloc
from collections.abc import Callable, Iterable, Sequence
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
Three = tuple[float, float, float]
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
        threads: images scored at a time; None for one. The matrix product uses the threads of its library besides.

    Returns:
        `seconds` of all cases, `naive_seconds` (multiplied from `naive_measured_seconds` of `naive_cases`), their
        `ratio`, the `largest_difference` between both sides and the mean scores. Multiplied from the distinct cases:
        `all_scores_seconds` (every score of `score_case`), and `large_seconds` with its `large_ratio`, where lesions
        fill the image.

    Raises:
        InputError: numbers that are not positive, or annotators that cannot be repeated to the samples.
    """
    _check(cases, size, samples, annotators, naive_cases, threads)
    numbers, workers = range(min(_DISTINCT, cases)), threads or 1
    field = min(size, max(_SMALLEST, size // _LIDC))
    drawn = [_masks(seed, number, size, field, samples, annotators) for number in numbers]
    many = [drawn[number % len(drawn)] for number in range(cases)]
    by_matrix(*drawn[0])  # scipy is loaded by the first

    ours, seconds = _timed(by_matrix, many, workers)
    _, all_scores = _timed(score_case, drawn, workers)
    few = drawn[:naive_cases]
    loop, naive = _timed(by_double_loop, few, 1)
    naive_seconds = naive / len(few) * cases
    _, large = _timed(by_matrix, [_masks(seed, i, size, size, samples, annotators) for i in numbers], workers)
    each = cases / len(drawn)
    ged, hm_iou, mdm = np.mean(ours, axis=0)
    return {
        "cases": cases,
        "distinct_cases": len(drawn),
        "size": size,
        "samples": samples,
        "annotators": annotators,
        "threads": workers,
        "mean_area": float(np.mean([s.sum() / len(s) for s, _ in drawn])),
        "seconds": seconds,
        "ms_per_case": 1000 * seconds / cases,
        "all_scores_seconds": all_scores * each,
        "naive_cases": len(few),
        "naive_measured_seconds": naive,
        "naive_seconds": naive_seconds,
        "ratio": naive_seconds / seconds,
        "large_seconds": large * each,
        "large_ratio": naive_seconds / (large * each),
        "largest_difference": float(np.abs(np.subtract(ours[: len(few)], loop)).max()),
        f"ged_{samples}": float(ged),
        f"hm_iou_{min(_MATCHED, samples)}": float(hm_iou),
        f"mdm_{min(_MATCHED, samples)}": float(mdm),
    }


def bench_memory(*, size: int = 512, samples: int = 1000, annotators: int = 4, seed: int = 0) -> dict[str, object]:
    """Measure what all scores of one large image take besides its masks.

    Returns:
        `masks_mb`, bool masks as they are given; `peak_mb`, the most that was held beside them at any time, without the
        fixed buffers of the matrix library; `seconds`, under the watch, which slows it a little.
    """
    s, r = _masks(seed, 0, size, size, samples, annotators)
    tracemalloc.start()
    try:
        _, seconds = _timed(score_case, [(s, r)], 1)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    return {
        "size": size,
        "samples": samples,
        "annotators": annotators,
        "masks_mb": (s.nbytes + r.nbytes) / 2**20,
        "peak_mb": peak / 2**20,
        "seconds": seconds,
    }


def by_matrix(s: np.ndarray, r: np.ndarray) -> Three:
    """GED of all samples, HM-IoU and MDM of the first 32, of masks `[S, 1, H, W]` and `[K, 1, H, W]`."""
    overlap = overlaps(s, r)
    matched = slice(_MATCHED)
    return ged_n(overlap.iou.distance), hm_iou_n(overlap.iou.across[matched]), mdm_n(overlap.dice.across[matched])


def by_double_loop(s: np.ndarray, r: np.ndarray) -> Three:
    """The same by looking at every pair of masks in turn, as published code does."""
    across = _each_pair(_iou, s, r)
    ged = 2 * np.mean(1 - across) - np.mean(1 - _each_pair(_iou, s, s)) - np.mean(1 - _each_pair(_iou, r, r))
    few = across[:_MATCHED]  # [n, K]
    repeated = few.repeat(len(few) // len(r), 1)  # [n, n], as n is a multiple of K
    matched = repeated[linear_sum_assignment(repeated, maximize=True)].mean()
    return float(ged), float(matched), float(_each_pair(_dice, s[:_MATCHED], r).max(0).mean())


def _each_pair(score: Callable[[np.ndarray, np.ndarray], float], a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.array([[score(x, y) for y in b] for x in a])


def _iou(x: np.ndarray, y: np.ndarray) -> float:
    either = np.logical_or(x, y).sum()
    return float(np.logical_and(x, y).sum() / either) if either else 1.0


def _dice(x: np.ndarray, y: np.ndarray) -> float:
    total = x.sum() + y.sum()
    return float(2 * np.logical_and(x, y).sum() / total) if total else 1.0


def _timed(score: Callable[..., T], cases: Iterable[Masks], threads: int) -> tuple[list[T], float]:
    """The scores of every case, and the seconds of all."""
    with ThreadPoolExecutor(threads) as workers:
        start = time.perf_counter()
        scores = list(workers.map(lambda case: score(*case), cases))
        return scores, time.perf_counter() - start


def _masks(seed: int, number: int, size: int, field: int, samples: int, annotators: int) -> Masks:
    """Samples `[S, 1, size, size]` and annotations `[K, 1, size, size]` of one phantom, drawn from one law.

    The phantom takes up a field of `field` pixels a side in the middle.
    """
    phantom = phantom_case(seed, number, size=field)
    rng = np.random.default_rng((seed, number))
    masks = np.zeros((samples + annotators, 1, size, size), dtype=bool)
    middle = slice((size - field) // 2, (size - field) // 2 + field)
    for start in range(0, len(masks), _BLOCK):
        block = masks[start : start + _BLOCK, 0, middle, middle]
        block[:] = phantom.annotate(len(block), rng)
    return masks[:samples], masks[samples:]


def _check(cases: int, size: int, samples: int, annotators: int, naive_cases: int, threads: int | None) -> None:
    numbers: Sequence[int] = (cases, size, samples, annotators, naive_cases, threads or 1)
    if min(numbers) < 1:
        raise InputError(f"bench metrics: expected positive numbers, got {list(numbers)}")
    if min(samples, _MATCHED) % annotators:
        raise InputError(
            f"bench metrics: expected annotators that divide {min(samples, _MATCHED)}, the samples that are matched, "
            f"got {annotators}; the plain loop can repeat no others"
        )
