"""The same cases drawn by every method whose weights are at hand: easy, usual, hard, and where they differ most."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from atfm.compare.entrant import Entrant
from atfm.data.case import Case
from atfm.data.geometry.rule import fit_of
from atfm.data.labels import one_hot
from atfm.data.store import Store
from atfm.evaluate.drawing import draw
from atfm.models import Model
from atfm.report.side_by_side import DrawnBy, SharedCase
from atfm.seeding import Noise

__all__ = ["drawn_cases", "picked"]

DRAWN, SHOWN = 16, 7  # samples behind the mean probability, and those that are shown


def picked(entrants: Sequence[Entrant]) -> dict[str, int]:
    """Return the place of the cases that are shown among those scored, by why; each case once.

    Args:
        entrants: scored on the same cases, in the same order.
    """
    samples = int(entrants[0].kept.summary["samples"])
    ged = np.array(
        [[row.scores.get("ged", row.scores[f"ged_{samples}"]) for row in entrant.kept.own] for entrant in entrants]
    )
    order = np.argsort(ged.mean(0), kind="stable")
    picks = {"Easiest case": order[0], "Median case": order[len(order) // 2], "Hardest case": order[-1]}
    if len(entrants) > 1:
        picks["Where methods differ most"] = int(np.argmax(ged.max(0) - ged.min(0)))
    found: dict[str, int] = {}
    for title, place in picks.items():
        if int(place) not in found.values():
            found[title] = int(place)
    return found


@torch.no_grad()
def drawn_cases(entrants: Sequence[Entrant], store: Store, device: torch.device | str) -> list[SharedCase]:
    """Draw the chosen cases by every method that has its weights: the very samples that were scored.

    Args:
        entrants: one training of each method, scored on `store`.
        store: the cases.
        device: where the models are.
    """
    numbers = {case_id: number for number, (case_id, _) in enumerate(store.ids())}
    seed = int(entrants[0].kept.summary["seed"])
    found = []
    for title, place in picked(entrants).items():
        case_id = entrants[0].kept.own[place].case_id
        case = store[numbers[case_id]]
        noise = Noise(seed, [case_id])
        methods = [
            _drawn(entrant.label, entrant.model, case, noise, device, entrant.kept.own[place].scores)
            for entrant in entrants
            if entrant.model is not None
        ]
        annotations = one_hot(case.masks, store.info.classes, case.image.ndim - 1, store.info.ignore_label)
        found.append(SharedCase(title, case.case_id, case.patient_id, case.image, annotations, methods))
    return found


def _drawn(
    label: str, model: Model, case: Case, noise: Noise, device: torch.device | str, scores: Mapping[str, float]
) -> DrawnBy:
    drawn = draw(model.method, fit_of(model.card, model.name), [case], DRAWN, noise, device)[0]()
    told = [("GED", "ged"), ("HM-IoU_16", "hm_iou_16")]
    line = ", ".join(f"{name} {scores[key]:.3f}" for name, key in told if key in scores)
    return DrawnBy(label, line, drawn.masks[:SHOWN].numpy(), drawn.probability.numpy())
