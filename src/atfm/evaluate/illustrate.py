"""The best, the median and the worst case of an evaluation, drawn again for the report."""

from collections.abc import Mapping

import torch

from atfm.data.geometry.rule import Fit
from atfm.data.labels import one_hot
from atfm.data.store import Store
from atfm.evaluate.drawing import draw
from atfm.evaluate.rows import CaseScores
from atfm.methods.method import Method
from atfm.report.panels import Illustration
from atfm.seeding import Noise

__all__ = ["illustrate", "ranked"]

SHOWN = 8  # samples of each case


def ranked(rows: Mapping[int, CaseScores], samples: int) -> dict[str, int]:
    """The numbers of the best, the median and the worst case by GED, as far as they differ.

    Args:
        rows: by number of the case in its store.
        samples: the `n` of the GED_n that ranks cases; the unbiased GED does where it exists.
    """

    def ged(i: int) -> float:
        scores = rows[i].scores
        return scores.get("ged", scores[f"ged_{samples}"])

    order = sorted(rows, key=ged)
    picks = {"Best case": order[0], "Median case": order[len(order) // 2], "Worst case": order[-1]}
    return {title: i for number, (title, i) in enumerate(picks.items()) if i not in list(picks.values())[:number]}


@torch.no_grad()
def illustrate(
    method: Method,
    store: Store,
    rows: Mapping[int, CaseScores],
    samples: int,
    seed: int,
    device: torch.device | str,
    fit: Fit | None = None,
) -> list[Illustration]:
    """Draw the chosen cases again: their noise is known, so that nothing had to be kept of the thousands of others.

    Args:
        method: what drew them.
        store: the cases.
        rows: the scores of each case by its number.
        samples: as when they were scored.
        seed: as when they were scored.
        device: where the method is.
        fit: how it brings images to its pixels.
    """
    shown = []
    for title, i in ranked(rows, samples).items():
        case, scores = store[i], rows[i].scores
        cloud = draw(method, fit, [case], samples, Noise(seed, [case.case_id]), device)[0]()
        line = ", ".join(
            f"{name} {scores[key]:.3f}"
            for name, key in (("GED", "ged"), (f"GED_{samples}", f"ged_{samples}"), ("HM-IoU", f"hm_iou_{samples}"))
            if key in scores
        )
        shown.append(
            Illustration(
                title=title,
                case_id=case.case_id,
                patient_id=case.patient_id,
                score=line,
                image=case.image,
                annotations=one_hot(case.masks, store.info.classes, case.image.ndim - 1, store.info.ignore_label),
                samples=cloud.masks[:SHOWN].numpy(),
                probability=cloud.probability.numpy(),
                entropy=cloud.entropy.numpy(),
            )
        )
    return shown
