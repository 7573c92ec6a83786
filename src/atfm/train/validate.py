"""The score along the way: GED and HM-IoU of the averaged weights on a few fixed validation cases."""

import numpy as np
import torch
from torch import Tensor

from atfm.data.dataset import CaseDataset
from atfm.methods.method import Method
from atfm.metrics.masks import foreground
from atfm.metrics.scores import score_case
from atfm.seeding import Noise

__all__ = ["validate"]

_AT_ONCE = 2**24  # numbers of all samples that are drawn at a time; those of a large volume come one by one
_SCORES = ("ged", "ged_{n}", "hm_iou_{n}", "diversity", "annotator_diversity")


@torch.no_grad()
def validate(method: Method, cases: CaseDataset, samples: int, seed: int) -> dict[str, float]:
    """Return the mean scores of `samples` masks of each case; the noise is the same at every validation."""
    method.eval()
    names = [name.format(n=samples) for name in _SCORES]
    sums, seen = dict.fromkeys(names, 0.0), dict.fromkeys(names, 0)
    for index, case_id in enumerate(cases.case_ids):
        annotations, counts = cases.annotations(index)
        if not counts.any():
            continue
        drawn = _drawn(method, cases.image(index).unsqueeze(0), samples, Noise(seed, [case_id]))
        # These scores are blind to pixels that are background to all; most of a volume are.
        kept = counts & (foreground(drawn).any((0, 1)) | foreground(annotations).any((0, 1)))
        kept.flat[counts.argmax()] = True
        scores = score_case(drawn[..., kept], annotations[..., kept], ns=(samples,))
        for name in names:
            if name in scores:
                sums[name] += scores[name]
                seen[name] += 1
    return {name: sums[name] / seen[name] for name in names if seen[name]}


def _drawn(method: Method, image: Tensor, samples: int, noise: Noise) -> np.ndarray:
    """Masks `[S, C, *spatial]` of one image; of a large one only the masks of all samples are ever held."""
    at_once = max(1, _AT_ONCE // image[0, 0].numel())
    parts = []
    for first in range(0, samples, at_once):
        drawn = method.sample(image, min(at_once, samples - first), noise=noise, first=first)
        parts.append(drawn.masks[0].cpu().numpy())
    return np.concatenate(parts) if len(parts) > 1 else parts[0]
