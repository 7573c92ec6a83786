"""`Result`: what was drawn, and the answer that tells it."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from atfm.predict import Hypothesis, Prediction
from atfm.serve.limits import Limits
from atfm.serve.packed import Box, packed_map, packed_masks
from atfm.serve.refusal import Refusal

__all__ = ["Result", "check_answer"]


@dataclass(frozen=True, eq=False)
class Result:
    """A prediction that is kept.

    Args:
        prediction: what was drawn.
        image: id of its image.
        seconds: that it took.
        files: the forms that it can be saved as.
    """

    prediction: Prediction
    image: str
    seconds: float
    files: list[str]

    @property
    def nbytes(self) -> int:
        """What it takes to keep it, the maps that are computed once among them."""
        prediction = self.prediction
        pixels = int(np.prod(prediction.bits.shape))
        return prediction.bits.nbytes + prediction.prepared.image.nbytes + 12 * pixels

    def told(self, name: str) -> dict[str, Any]:
        """The answer.

        Args:
            name: id of the result.
        """
        prediction, box = self.prediction, Box(self.prediction.place)
        found = prediction.hypotheses
        belongs = np.zeros(len(prediction), int)
        for number, one in enumerate(found):
            belongs[list(one.members)] = number
        return {
            "id": name,
            "image": self.image,
            "model": prediction.origin.model,
            "n": len(prediction),
            "seed": prediction.origin.seed,
            "steps": prediction.origin.steps,
            "key": prediction.prepared.key,
            "seconds": self.seconds,
            "place": box.told,
            "masks": packed_masks(box.cut(prediction.masks)),
            "weights": prediction.weights.tolist(),
            "areas": self._areas(),
            "hypothesis_of": belongs.tolist(),
            "hypotheses": [_told(one) for one in found],
            "empty": prediction.empty,
            "empty_exact": prediction.known_empty is not None,
            "probability": packed_map(box.cut(prediction.foreground)),
            "ambiguity": packed_map(box.cut(prediction.entropy)),
            "sentence": sentence(prediction),
            "warnings": list(prediction.warnings),
            "files": self.files,
        }

    def _areas(self) -> dict[str, list[float] | list[int] | None]:
        areas, place = self.prediction.areas, self.prediction.place
        return {
            "px": areas.tolist(),
            "mm2": None if place.mm2 is None else (areas * place.mm2).tolist(),
            "ml": None if place.ml is None else (areas * place.ml).tolist(),
        }


def sentence(prediction: Prediction) -> str:
    """What all of it comes down to."""
    marked, n = int((prediction.areas > 0).sum()), len(prediction)
    return f"{marked} of {n} simulated {'reader' if n == 1 else 'readers'} {_verb(n)} something here"


def _verb(n: int) -> str:
    return "outlines" if n == 1 else "outline"


def _told(one: Hypothesis) -> dict[str, Any]:
    return {
        "name": one.name,
        "probability": one.probability,
        "low": one.low,
        "high": one.high,
        "area": {"px": one.area, "mm2": one.area_mm2, "ml": one.volume_ml},
        "sample": one.medoid,
        "samples": list(one.members),
        "empty": one.area == 0,
    }


def check_answer(channels: int, pixels: int, n: int, limits: Limits) -> None:
    """Refuse an answer that nobody could hold, before it is drawn.

    Raises:
        Refusal: more bytes of masks than the limits allow.
    """
    size = n * -(-channels * pixels // 8)
    if size > limits.answer:
        raise Refusal(
            413,
            f"{n} masks of {pixels} pixels take {size} bytes, more than the {limits.answer} of an answer; ask for "
            "fewer masks or slices, or give a point",
        )
