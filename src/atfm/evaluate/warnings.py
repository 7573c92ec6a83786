"""What a reader of an evaluation is warned of, one sentence each."""

from collections.abc import Sequence

from atfm.evaluate.evaluation import Result
from atfm.evaluate.guard import Leak
from atfm.evaluate.rows import Row
from atfm.metrics.energy import consistent
from atfm.metrics.table import summarise

__all__ = ["warnings"]


def warnings(results: Sequence[Result], leak: Leak, silent: int = 0) -> list[str]:
    """What a reader has to know: an unchecked leak, missing scores or cases, a table that cannot be."""
    found = []
    if not leak.checked:
        found.append("The model carries no list of the patients it was trained on, so a leak cannot be excluded.")
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
    end of the interval has to exceed it.
    """
    falls = [
        {"patient": row.patient_id, "fall": row.scores["ged_32"] - row.scores["ged_100"]}
        for row in rows
        if {"ged_32", "ged_100"} <= row.scores.keys()
    ]
    low = summarise(falls)["fall"].low if falls else None
    return low is not None and not consistent(low, 0.0)
