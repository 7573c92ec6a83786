"""The score along the way: GED and HM-IoU of the averaged weights on a few fixed validation cases."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from atfm.data.dataset import CaseDataset
from atfm.methods.method import Method
from atfm.metrics.masks import foreground
from atfm.metrics.scores import score_case
from atfm.seeding import Noise
from atfm.train.processes import Processes

__all__ = ["case_scores", "means", "validate"]

_AT_ONCE = 2**24  # numbers of all samples that are drawn at a time; those of a large volume come one by one
_SCORES = ("ged", "ged_{n}", "hm_iou_{n}", "diversity", "annotator_diversity")


@torch.no_grad()
def validate(
    method: Method, cases: CaseDataset, samples: int, seed: int, *, processes: Processes | None = None
) -> dict[str, float]:
    """Return the mean scores of `samples` masks of each case; the noise is the same at every validation.

    Processes share the cases, and all get the same means, whatever their number.
    """
    return means(case_scores(method, cases, samples, seed, processes=processes))


@torch.no_grad()
def case_scores(
    method: Method, cases: CaseDataset, samples: int, seed: int, *, processes: Processes | None = None
) -> list[dict[str, float]]:
    """Return the scores of each case, in their order, see `validate`; none of one where nothing counts."""
    processes = processes or Processes()
    method.eval()
    names = [name.format(n=samples) for name in _SCORES]
    own = []
    for index in processes.share(range(len(cases.case_ids))):
        scores = _scores(method, cases, index, samples, seed)
        own.append({name: scores[name] for name in names if name in scores})
    return processes.rejoin(own)


def means(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the mean of each score over the cases that have it."""
    names = dict.fromkeys(name for row in rows for name in row)
    values = {name: [row[name] for row in rows if name in row] for name in names}
    return {name: sum(found) / len(found) for name, found in values.items()}


def _scores(method: Method, cases: CaseDataset, index: int, samples: int, seed: int) -> dict[str, float]:
    """The scores of one case; none where nothing counts."""
    annotations, counts = cases.annotations(index)
    if not counts.any():
        return {}
    noise = Noise(seed, [cases.case_ids[index]])
    packed, weights = _drawn(method, cases.image(index).unsqueeze(0), samples, noise)
    annotations = annotations.reshape(*annotations.shape[:2], -1)  # [K, C, pixels]
    # These scores are blind to pixels that are background to all; most of a volume are.
    marked = np.unpackbits(np.bitwise_or.reduce(foreground(packed), axis=(0, 1)), count=counts.size).view(bool)
    kept = counts.ravel() & (marked | foreground(annotations).any((0, 1)))
    kept[counts.argmax()] = True
    pixels = np.flatnonzero(kept)
    drawn = [np.unpackbits(mask, axis=-1, count=counts.size)[:, pixels] for mask in packed]
    return score_case(np.stack(drawn), annotations[..., pixels], weights=weights, ns=(samples,))


def _drawn(method: Method, image: Tensor, samples: int, noise: Noise) -> tuple[np.ndarray, np.ndarray | None]:
    """Masks of one image, `[S, C, bytes]` with eight pixels to a byte, and their weights `[S]` of sum 1.

    Of a large image a few are drawn at a time: memory is that of one sample, however many there are.
    """
    at_once = max(1, _AT_ONCE // image[0, 0].numel())
    masks, weights = [], []
    for first in range(0, samples, at_once):
        count = min(at_once, samples - first)
        drawn = method.sample(image, count, noise=noise, first=first)
        masks.append(np.packbits(drawn.masks[0].flatten(2).cpu().numpy(), axis=-1))
        if drawn.weights is not None:  # of sum 1 in each drawing, which stands for `count` of all samples
            weights.append(drawn.weights[0].double().cpu().numpy() * count / samples)
    return np.concatenate(masks), np.concatenate(weights) if weights else None
