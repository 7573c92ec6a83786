"""The least GED that a model can have on the scored images, bounded by the best model that was scored there."""

from dataclasses import dataclass
from typing import Any

from atfm.evaluate.evaluation import Evaluation, Result
from atfm.metrics.floor import Floor, floor_of

__all__ = ["BestFloor", "best_floor", "in_sentences"]


@dataclass(frozen=True)
class BestFloor:
    """The floor as the best of some models tells it.

    Args:
        floor: its bounds.
        method: the name of the rows of that model.
        title: what it is.
    """

    floor: Floor
    method: str
    title: str

    def as_json(self) -> dict[str, Any]:
        """For the summary."""
        return {"method": self.method, **self.floor.as_json()}


def best_floor(evaluation: Evaluation) -> BestFloor | None:
    """Return the bounds by the model of the least GED among those scored; None where there is no GED.

    The references are no models: always empty knows no image, and the majority has seen the annotators.
    """
    models = [result for result in (evaluation.result, *evaluation.beside) if "ged" in result.scores]
    if not models:
        return None
    best = min(models, key=lambda result: result.scores["ged"].mean)
    floor = floor_of(_rows(best), seed=evaluation.seed)
    return None if floor is None else BestFloor(floor, best.name, best.title)


def in_sentences(best: BestFloor) -> list[str]:
    """What a reader is told of the floor."""
    floor = best.floor
    return [
        f"The least GED that a model of the image alone can have: at most {floor.above}, which {best.title} has, and "
        f"at least about {floor.below}, by which its samples mixed with a reader's mask ({floor.share:.0%}) are "
        "nearer to another reader. It is 0 only where readers share nothing that the image does not show.",
        "The lower end counts whatever this model does not see for what the image does not show, and falls with a "
        "better one. Images that were chosen by what readers marked push it down.",
    ]


def _rows(result: Result) -> list[dict[str, Any]]:
    return [{"patient": row.patient_id, **row.scores} for row in result.rows]
