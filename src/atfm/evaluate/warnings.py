"""What a reader of an evaluation is warned of, one sentence each."""

from collections.abc import Sequence

from atfm.evaluate.evaluation import Result
from atfm.evaluate.guard import Leak
from atfm.evaluate.rows import Row
from atfm.metrics.energy import consistent
from atfm.metrics.table import summarise

__all__ = ["warnings"]


def warnings(results: Sequence[Result], leaks: Sequence[Leak], silent: int = 0) -> list[str]:
    """What a reader has to know: an unchecked leak, missing scores or cases, a table that cannot be.

    Args:
        results: of the model, then of what was scored beside it.
        leaks: what the guard found of each. Of the model itself a leak is an alarm and no warning.
        silent: cases without a pixel that counts.
    """
    found = []
    if not leaks[0].checked:
        found.append("The model carries no list of the patients it was trained on, so a leak cannot be excluded.")
    for result, leak in zip(results[1:], leaks[1:], strict=True):
        if leak == leaks[0]:
            continue  # a stage of the model has seen what the model has
        if leak.patients:
            found.append(f"{result.name} was trained on {len(leak.patients)} of the patients ({leak.names}).")
        elif not leak.checked:
            found.append(f"{result.name} carries no list of the patients it was trained on.")
    found += [
        f"{result.name}: GED falls from 32 to 100 samples by more than self-pairs can explain (.0213), so the first "
        "samples are unlike the later ones: this table is wrong."
        for result in results
        if falls_too_far(result.rows)
    ]
    if silent:
        found.append(
            f"{silent} of {len(results[0].rows) + silent} cases have no pixel that counts, as all are ignored: "
            "they are left out."
        )
    alone = sum(row.annotators == 1 for row in results[0].rows)
    if alone:
        found.append(
            f"{alone} of {len(results[0].rows)} cases have one annotator: their unbiased GED and floor do not exist."
        )
    return found


def falls_too_far(rows: Sequence[Row]) -> bool:
    """Whether GED_32 - GED_100 exceeds what any method can show, beyond chance.

    The bound holds in the mean. GED_32 is that of the first 32 samples and scatters from case to case, so the lower
    end of the interval has to exceed it. Samples with weights do not keep to it.
    """
    falls = [
        {"patient": row.patient_id, "fall": row.scores["ged_32"] - row.scores["ged_100"]}
        for row in rows
        if {"ged_32", "ged_100"} <= row.scores.keys() and "effective_samples" not in row.scores
    ]
    low = summarise(falls)["fall"].low if falls else None
    return low is not None and not consistent(low, 0.0)
