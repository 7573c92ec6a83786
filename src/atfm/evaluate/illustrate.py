"""The best, the median and the worst case of an evaluation, from the samples that were scored."""

from collections.abc import Mapping, Sequence

import numpy as np

from atfm.data.labels import one_hot
from atfm.data.store import Store
from atfm.evaluate.rows import CaseScores, Entry
from atfm.report.drawn import Drawn
from atfm.report.panels import Illustration

__all__ = ["illustrate", "ranked", "ranking"]

SHOWN = 8  # samples of each case


def ranking(row: CaseScores, samples: int) -> float:
    """What cases are ranked by, the lower the better: the unbiased GED where it exists, else that of all samples."""
    return row.scores.get("ged", row.scores[f"ged_{samples}"])


def ranked(rows: Mapping[int, CaseScores], samples: int) -> dict[str, int]:
    """The numbers of the best, the median and the worst case by GED, as far as they differ.

    Args:
        rows: by number of the case in its store.
        samples: the `n` of the GED_n that ranks cases; the unbiased GED does where it exists.
    """
    order = sorted(rows, key=lambda number: ranking(rows[number], samples))
    picks = {"Best case": order[0], "Median case": order[len(order) // 2], "Worst case": order[-1]}
    return {title: i for number, (title, i) in enumerate(picks.items()) if i not in list(picks.values())[:number]}


def illustrate(store: Store, entries: Sequence[Entry], method: str, samples: int) -> list[Illustration]:
    """Show the chosen cases.

    Args:
        store: the cases.
        entries: all that were scored; those whose samples were too large to be kept are not among the chosen.
        method: what drew them.
        samples: as when they were scored.
    """
    kept = {entry.number: entry for entry in entries if entry.drawn}
    rows = {number: entry.row(method) for number, entry in kept.items()}
    picks = ranked(rows, samples) if rows else {}
    return [_shown(store, kept[number], title, _line(rows[number], samples)) for title, number in picks.items()]


def _shown(store: Store, entry: Entry, title: str, line: str) -> Illustration:
    case, drawn = store[entry.number], Drawn.from_text(entry.drawn)
    annotations = one_hot(case.masks, store.info.classes, case.image.ndim - 1, store.info.ignore_label)
    image = case.image
    if drawn.plane is not None:
        image, annotations = image[:, drawn.plane], annotations[:, :, drawn.plane]
    probability = drawn.probability()
    return Illustration(
        title=title,
        case_id=case.case_id,
        patient_id=case.patient_id,
        score=line,
        image=image,
        annotations=annotations,
        samples=drawn.whole()[:SHOWN],
        probability=probability,
        entropy=entropy(probability),
    )


def _line(row: CaseScores, samples: int) -> str:
    told = (("GED", "ged"), (f"GED_{samples}", f"ged_{samples}"), ("HM-IoU", f"hm_iou_{samples}"))
    return ", ".join(f"{name} {row.scores[key]:.3f}" for name, key in told if key in row.scores)


def entropy(probability: np.ndarray) -> np.ndarray:
    """The ambiguity of each pixel in bits, `[H, W]`, of `[C, H, W]` probabilities."""
    classes = probability if len(probability) > 1 else np.concatenate([probability, 1 - probability])
    return -np.sum(classes * np.log2(np.where(classes > 0, classes, 1)), axis=0)
