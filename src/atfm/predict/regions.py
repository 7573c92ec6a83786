"""`Region`: what a viewer lists, one for each hypothesis, or for each class of each."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from atfm.predict.prediction import Prediction
from atfm.report.sheet import COLOURS

__all__ = ["Region", "known_as", "parameters", "regions"]


@dataclass(frozen=True)
class Region:
    """One class of one hypothesis.

    Args:
        hypothesis: its number in `Prediction.hypotheses`, from 0.
        label: of the class, from 1.
        name: of the hypothesis, and of the class where there are several.
        sentence: how probable it is.
        colour: red, green and blue, 0 to 255; one for each region.
    """

    hypothesis: int
    label: int
    name: str
    sentence: str
    colour: tuple[int, int, int]

    def mask(self, prediction: Prediction) -> np.ndarray:
        """`[n, H, W]` bool, on the slices that were sampled; of a flat image `n` is 1."""
        medoid = prediction.hypotheses[self.hypothesis].medoid
        placed = prediction.place.put(prediction.labels(medoid), planes=True)
        return np.asarray(placed.reshape(-1, *placed.shape[-2:]) == self.label)


def regions(prediction: Prediction) -> list[Region]:
    """Those of all hypotheses in their order, empty ones among them."""
    found: list[Region] = []
    for number, one in enumerate(prediction.hypotheses):
        interval = f"95 % interval {one.low:.1%} to {one.high:.1%}"
        sentence = f"probability {one.probability:.1%} of {len(prediction)} samples, {interval}"
        for label in range(1, max(2, prediction.channels)):
            name = one.name if prediction.channels == 1 else f"{one.name}, class {label}"
            found.append(Region(number, label, name, sentence, COLOURS[len(found) % len(COLOURS)]))
    return found


def known_as(prediction: Prediction) -> str:
    """What a file calls the model: the last part of what the user called it."""
    model = prediction.origin.model
    return Path(model).resolve().stem if model not in ("", ".") else "model"


def parameters(prediction: Prediction) -> dict[str, str]:
    """What a file says of how its masks were drawn."""
    origin = prediction.origin
    return {"weights": origin.weights[:16], "samples": str(len(prediction)), "seed": str(origin.seed)}
