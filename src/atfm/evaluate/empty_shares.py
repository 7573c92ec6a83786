"""Whether each method of an evaluation draws as many empty masks as readers leave, image for image."""

from collections.abc import Mapping, Sequence

from atfm.evaluate.evaluation import Evaluation, Result
from atfm.metrics.empty_calibration import EmptyCalibration, empty_calibration

__all__ = ["empty_shares", "in_sentences"]

_HEAD = (
    "Of the images of which a model says that a share p of the masks is empty, readers should leave p empty; by how "
    "much they do not, over ten bins of p, is the expected calibration error. It is never below 0: beside it stands "
    "what a model would show whose bins are right, by chance, with so many patients."
)


def empty_shares(evaluation: Evaluation) -> Mapping[str, EmptyCalibration]:
    """Return the calibration of every method's share of empty masks, by its name; the references are no models.

    Nothing at all where no annotation is empty.
    """
    methods = [evaluation.result, *evaluation.beside]
    if not any(row.scores.get("empty_drawn") for row in evaluation.result.rows):
        return {}
    found = {result.name: empty_calibration(_rows(result), seed=evaluation.seed) for result in methods}
    return {name: one for name, one in found.items() if one is not None}


def in_sentences(shares: Mapping[str, EmptyCalibration], titles: Mapping[str, str]) -> list[str]:
    """What a reader is told of them.

    Args:
        shares: of `empty_shares`.
        titles: what each method is called.
    """
    return [_HEAD, *(f"{titles[name]}: {_sentence(one)}." for name, one in shares.items())] if shares else []


def _sentence(one: EmptyCalibration) -> str:
    chance = ""
    if one.by_chance is not None:
        chance = f" (by chance {one.by_chance[0]:.3f}, at most {one.by_chance[1]:.3f} in 95 of 100)"
    return (
        f"empty masks {one.predicted:.3f}, of readers {one.drawn:.3f}, difference {one.excess}; "
        f"expected calibration error {one.ece:.3f}{chance}"
    )


def _rows(result: Result) -> Sequence[Mapping[str, object]]:
    return [{"patient": row.patient_id, **row.scores} for row in result.rows]
