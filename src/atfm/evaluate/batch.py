"""Draw samples of a few cases and compare them with their annotators: an `Entry` for each case."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch

from atfm.data.case import Case
from atfm.data.labels import counted, one_hot
from atfm.evaluate.drawing import Cloud, draw
from atfm.evaluate.evaluation import scored_classes
from atfm.evaluate.plan import Plan
from atfm.evaluate.rows import Entry
from atfm.metrics.references import REFERENCES, score_reference
from atfm.metrics.reliability import ReliabilityBins
from atfm.metrics.scores import score_case
from atfm.seeding import Noise

__all__ = ["score_batch"]


@torch.no_grad()
def score_batch(plan: Plan, numbers: Sequence[int]) -> list[Entry]:
    """Score cases of one shape and spacing, all contenders and references.

    Args:
        plan: what is scored.
        numbers: of the cases in the store, one of `plan.batches`.

    Raises:
        StoreError: a damaged case.
    """
    started = time.perf_counter()
    cases = [plan.store[number] for number in numbers]
    noise = Noise(plan.seed, [case.case_id for case in cases])
    drawn = [draw(one.method, one.fit, cases, plan.samples, noise, plan.device) for one in plan.contenders]
    entries = [score(plan, number, case, clouds) for number, case, *clouds in zip(numbers, cases, *drawn, strict=True)]
    seconds = (time.perf_counter() - started) / len(cases)
    return [replace(entry, seconds=seconds) for entry in entries]


def score(plan: Plan, number: int, case: Case, clouds: Sequence[Callable[[], Cloud]]) -> Entry:
    """The scores of one case, every contender's, then every reference's; none where every pixel is ignored."""
    info, scores, bins = plan.store.info, {}, {}
    entry = Entry(number, case.case_id, case.patient_id, case.annotators)
    annotations = one_hot(case.masks, info.classes, case.image.ndim - 1, info.ignore_label)  # [K, C, *spatial]
    said = None
    if info.ignore_label is not None:
        said = counted(case.masks, info.ignore_label)  # [*spatial]
        if not said.any():
            return entry
        annotations = annotations[..., said]  # [K, C, N], as are the samples and their mean
    classes = scored_classes(info)
    for contender, made in zip(plan.contenders, clouds, strict=True):
        cloud = made() if said is None else made().where(torch.from_numpy(said))
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
    return replace(entry, scores=scores, bins=bins)
