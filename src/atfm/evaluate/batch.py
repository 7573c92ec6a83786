"""Draw samples of a few cases and compare them with their annotators: an `Entry` for each case."""

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from atfm.data.case import Case
from atfm.data.labels import counted, one_hot
from atfm.evaluate.evaluation import scored_classes
from atfm.evaluate.plan import Plan
from atfm.evaluate.rows import Entry
from atfm.methods.method import Method
from atfm.metrics.references import REFERENCES, score_reference
from atfm.metrics.reliability import ReliabilityBins
from atfm.metrics.scores import score_case
from atfm.report.drawn import Drawn, fullest
from atfm.seeding import Noise

__all__ = ["score_batch"]


class Cloud(NamedTuple):
    """What one method has drawn of one case.

    Args:
        masks: `[S, C, *spatial]` bool.
        probability: their mean, `[C, *spatial]`.
        weights: `[S]` of sum 1; None where all weigh alike.
        exact: whether the method knows without sampling how probable an empty mask is.
    """

    masks: Tensor
    probability: Tensor
    weights: Tensor | None
    exact: bool = False

    def where(self, counts: Tensor) -> "Cloud":
        """Return the same of the pixels that count, `[*spatial]` bool, in one axis."""
        return self._replace(masks=self.masks[..., counts], probability=self.probability[..., counts])


@torch.no_grad()
def score_batch(plan: Plan, numbers: Sequence[int]) -> list[Entry]:
    """Score cases of one shape, all contenders and references.

    Args:
        plan: what is scored.
        numbers: of the cases in the store, one of `plan.batches`.

    Raises:
        StoreError: a damaged case.
    """
    started = time.perf_counter()
    cases = [plan.store[number] for number in numbers]
    image = torch.from_numpy(np.stack([case.image for case in cases])).to(plan.device)
    noise = Noise(plan.seed, [case.case_id for case in cases])
    drawn = [draw(contender.method, image, plan.samples, noise) for contender in plan.contenders]
    entries = [score(plan, number, case, clouds) for number, case, *clouds in zip(numbers, cases, *drawn, strict=True)]
    seconds = (time.perf_counter() - started) / len(cases)
    return [replace(entry, seconds=seconds) for entry in entries]


def draw(method: Method, image: Tensor, samples: int, noise: Noise) -> list[Cloud]:
    """What a method draws of each image `[B, C_in, *spatial]`."""
    drawn = method.sample(image, samples, noise=noise)
    weights = drawn.weights
    return [
        Cloud(masks, probability, None if weights is None else weights[case].cpu(), drawn.empty is not None)
        for case, (masks, probability) in enumerate(zip(drawn.masks.cpu(), drawn.mean_probability.cpu(), strict=True))
    ]


def kept(cloud: Cloud, annotations: np.ndarray) -> str:
    """What is kept of the samples of a case for its reader, see `Drawn`; nothing where they do not fit."""
    weights = None if cloud.weights is None else cloud.weights.numpy()
    drawn = Drawn.of(cloud.masks.numpy(), plane=fullest(annotations), weights=weights, exact_empty=cloud.exact)
    return "" if drawn is None else drawn.text()


def score(plan: Plan, number: int, case: Case, clouds: Sequence[Cloud]) -> Entry:
    """The scores of one case, every contender's, then every reference's; none where every pixel is ignored."""
    info, scores, bins = plan.store.info, {}, {}
    entry = Entry(number, case.case_id, case.patient_id, case.annotators)
    annotations = one_hot(case.masks, info.classes, case.image.ndim - 1, info.ignore_label)  # [K, C, *spatial]
    drawn = kept(clouds[0], annotations)
    if info.ignore_label is not None:
        said = counted(case.masks, info.ignore_label)  # [*spatial]
        if not said.any():
            return entry
        annotations = annotations[..., said]  # [K, C, N], as are the samples and their mean
        clouds = [cloud.where(torch.from_numpy(said)) for cloud in clouds]
    classes = scored_classes(info)
    for contender, cloud in zip(plan.contenders, clouds, strict=True):
        scores[contender.name] = score_case(
            cloud.masks,
            annotations,
            cloud.probability,
            weights=cloud.weights,
            ns=plan.ns,
            per_class=classes or False,
        )
        pixels = ReliabilityBins()
        pixels.update(cloud.probability, annotations)
        bins[contender.name] = pixels.state_dict()
    for name, reference in REFERENCES.items() if plan.references else ():
        scores[name] = score_reference(reference, annotations, plan.ns, classes)
    return replace(entry, scores=scores, bins=bins, drawn=drawn)
