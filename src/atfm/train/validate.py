"""The score along the way: GED and HM-IoU of the averaged weights on a few fixed validation cases."""

import torch

from atfm.data.resident import Resident
from atfm.methods.method import Method
from atfm.metrics.scores import score_case
from atfm.seeding import Noise

__all__ = ["validate"]

_SCORES = ("ged", "ged_{n}", "hm_iou_{n}", "diversity", "annotator_diversity")


@torch.no_grad()
def validate(method: Method, cases: Resident, samples: int, seed: int) -> dict[str, float]:
    """Return the mean scores of `samples` masks of each case; the noise is the same at every validation."""
    method.eval()
    names = [name.format(n=samples) for name in _SCORES]
    sums, counts = dict.fromkeys(names, 0.0), dict.fromkeys(names, 0)
    for index, case_id in enumerate(cases.case_ids):
        batch = cases.whole(index)
        found = method.sample(batch.image, samples, noise=Noise(seed, [case_id]))
        drawn, weights = found.masks[0].cpu(), None if found.weights is None else found.weights[0].cpu()
        annotations = batch.annotations[0].bool().cpu()
        if batch.valid is not None:
            said = batch.valid[0].all(0).cpu()  # [*spatial], as in `atfm.data.labels.counted`
            if not said.any():
                continue
            drawn, annotations = drawn[..., said], annotations[..., said]
        scores = score_case(drawn, annotations, weights=weights, ns=(samples,))
        for name in names:
            if name in scores:
                sums[name] += scores[name]
                counts[name] += 1
    return {name: sums[name] / counts[name] for name in names if counts[name]}
