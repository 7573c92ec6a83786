"""All scores of one image, from one product of its masks; of every class too, where that is asked for."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from atfm.errors import InputError
from atfm.metrics.calibration import ncc_of_votes, share_of
from atfm.metrics.counted import counted_masks
from atfm.metrics.crps import crps_of_areas
from atfm.metrics.ged import (
    annotator_diversity,
    floor_ged_n,
    ged,
    ged_n,
    sample_diversity,
    sample_to_annotator,
)
from atfm.metrics.masks import Array, foreground, most_likely, share, votes
from atfm.metrics.matching import best_k_iou_n, d_max_n, hm_iou_n, mdm_n
from atfm.metrics.overlap import Overlaps, overlaps_of
from atfm.metrics.weights import as_weights, effective_samples, first, with_weight

__all__ = ["score_case"]

Scores = dict[str, float | None]


def score_case(
    samples: Array,
    annotations: Array,
    probability: Array | None = None,
    *,
    weights: Array | None = None,
    ns: Sequence[int] = (1, 2, 4, 8, 16, 32, 50, 100),
    empty: float | None = 1.0,
    ignore: Array | None = None,
    per_class: bool | Sequence[str] = False,
) -> dict[str, float]:
    """Score the samples of one image; one drawing of the largest `n` serves every smaller one, by its first `n`.

    Args:
        samples: `[S, C, *spatial]`, values 0 or 1; of one-hot masks the background is not scored.
        annotations: `[K, C, *spatial]`, values 0 or 1.
        probability: `[C, *spatial]` in [0, 1], the mean probability; None takes the (weighted) share of the samples.
        weights: of the samples, `[S]` of sum 1; None where all weigh alike. The first `n` keep their proportions.
        ns: numbers of samples to score; those above `S` get their floor only.
        empty: the IoU and Dice of empty against empty, as in `overlaps`.
        ignore: pixels that do not count, 0 or 1: `[*spatial]`, or `[K, *spatial]` of which any annotator's counts.
        per_class: True, or the names of the classes but the background, adds the columns of each class alone:
            `ged_16/1`, `ged_16/2`, or `ged_16/liver`. Those without a class take the masks as wholes.

    Returns:
        The columns of `METRICS` but `ece`, which belongs to many cases. What does not exist is absent: `ged`,
        `diversity`, `crps_area` and `ncc` with one sample of any weight; `ged` and its parts, `annotator_diversity`,
        `ncc` and the floors with one annotator; `own_ged` and `own_empty` with fewer than `K + 2` samples, or weights;
        the scores of `n` samples that all have weight 0; `effective_samples` where none has a weight; with `empty=None`
        the columns of a class that no mask has.

    Raises:
        InputError: shapes, values or weights that do not fit, an `n` below 1, no pixel that counts, or too few names.
    """
    s, r, p = counted_masks(samples, annotations, probability, ignore)
    w = as_weights(weights, len(s))
    if any(n < 1 for n in ns):
        raise InputError(f"ns: expected numbers of samples from 1 on, got {list(ns)}")
    names = _names(per_class, foreground(s).shape[1])
    compared = _compare(s, r, p, w, empty)
    row = _scores(compared, ns)
    if weights is not None:
        row["effective_samples"] = effective_samples(w, len(s))
    for channel, name in enumerate(names):
        one = compared.of_class(channel)
        if empty is None and not one.masks.shared.any():
            continue  # nobody speaks of this class, and `empty` says that this is no agreement
        row |= {f"{column}/{name}": value for column, value in _scores(one, ns).items()}
    return {name: value for name, value in row.items() if value is not None}


@dataclass(frozen=True)
class _Comparison:
    """What all scores of an image are read from, over all foreground classes or over one.

    Args:
        masks: samples against annotators.
        mean: the one mask of the mean probability against the annotators.
        sample_votes: `[C, *spatial]`, the samples that have a pixel; with weights the share of them.
        annotator_votes: `[C, *spatial]`, the annotators that have it.
        weights: of the samples, `[S]`; None where all weigh alike.
    """

    masks: Overlaps
    mean: Overlaps
    sample_votes: np.ndarray
    annotator_votes: np.ndarray
    weights: np.ndarray | None

    def of_class(self, channel: int) -> "_Comparison":
        """The same of one class alone."""
        one = slice(channel, channel + 1)
        return _Comparison(
            self.masks.of_class(channel),
            self.mean.of_class(channel),
            self.sample_votes[one],
            self.annotator_votes[one],
            self.weights,
        )


def _compare(
    s: np.ndarray, r: np.ndarray, p: np.ndarray | None, w: np.ndarray | None, empty: float | None
) -> _Comparison:
    drawn, voted = votes(s) if w is None else share(s, w), votes(r)  # [C, *spatial]
    if p is None:
        p = drawn / len(s) if w is None else drawn
    hard = most_likely(p)[None]  # [1, C, *spatial]
    return _Comparison(
        overlaps_of(foreground(s), foreground(r), empty=empty),
        overlaps_of(foreground(hard), foreground(r), empty=empty),
        foreground(drawn[None])[0],
        foreground(voted[None])[0],
        w,
    )


def _scores(compared: _Comparison, ns: Sequence[int]) -> Scores:
    masks, distance, w = compared.masks, compared.masks.iou.distance, compared.weights
    areas_s, areas_r = masks.sample_areas, masks.annotator_areas
    s, k = len(areas_s), len(areas_r)
    d_r = annotator_diversity(distance)
    whole, presence = ged(distance, w), ged(masks.presence.distance, w)
    row: Scores = {
        "ged": whole,
        "ged_presence": presence,
        "ged_shape": None if whole is None or presence is None else whole - presence,
        "d_sr": sample_to_annotator(distance, w),
        "diversity": sample_diversity(distance, w),
        "annotator_diversity": d_r,
        "dice_of_mean": float(compared.mean.dice.across.mean()),
        "ncc": _ncc(compared, s, k),
        "crps_area": crps_of_areas(areas_s, areas_r, w),
        "empty_predicted": share_of((areas_s == 0).all(1), w),
        "empty_drawn": share_of((areas_r == 0).all(1), None),
        **_of_own_readers(compared, k),
    }
    # a mask is at distance 0 of itself, unless it is empty and `empty` says otherwise
    to_itself = float(np.trace(distance.annotators)) / k
    for n in ns:
        there = n <= s and (w is None or bool(w[:n].any()))
        w_n = first(w, n) if there else None
        if d_r is not None:
            row[f"floor_ged_{n}"] = floor_ged_n(d_r - to_itself, effective_samples(w_n, n), k)
        if there:
            row[f"ged_{n}"] = ged_n(distance.first(n), w_n)
            row[f"hm_iou_{n}"] = hm_iou_n(masks.iou.across[:n], w_n)
            row[f"best_k_iou_{n}"] = best_k_iou_n(masks.iou.across[:n], w_n)
            row[f"mdm_{n}"] = mdm_n(masks.dice.across[:n], w_n)
            row[f"d_max_{n}"] = d_max_n(masks.dice.across[:n], w_n)
    return row


def _of_own_readers(compared: _Comparison, k: int) -> Scores:
    """What the model would score if the annotators were its own: the last `k` samples stand for them, see `own_ged`."""
    if compared.weights is not None or k < 2 or len(compared.masks.sample_areas) < k + 2:
        return {}
    own = compared.masks.own_readers(k)
    return {"own_ged": ged(own.iou.distance), "own_empty": share_of((own.annotator_areas == 0).all(1), None)}


def _ncc(compared: _Comparison, s: int, k: int) -> float | None:
    if k == 1 or len(with_weight(compared.weights, s)) == 1:
        return None
    return ncc_of_votes(compared.sample_votes, s if compared.weights is None else 1, compared.annotator_votes, k)


def _names(per_class: bool | Sequence[str], classes: int) -> Sequence[str]:
    """The names of the classes whose columns are wanted."""
    if isinstance(per_class, bool):
        return [str(number) for number in range(1, classes + 1)] if per_class else []
    if len(per_class) != classes or len(set(per_class)) != classes:
        raise InputError(
            f"per_class: expected the names of {classes} classes, each once and without the background, "
            f"got {list(per_class)}"
        )
    return per_class
