"""What a notebook shows of a prediction: the image, the outlines, the hypotheses; under 50 kB, whatever the image."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from atfm.io.decoding import brief
from atfm.io.svg.colours import heat, hexadecimal
from atfm.io.svg.ground import grey, ground
from atfm.io.svg.scene import Scene
from atfm.io.svg.sheet import MOST, Bar, Tile, sheet

if TYPE_CHECKING:
    from atfm.predict.prediction import Prediction

__all__ = ["plane_of", "prediction_html", "shares"]

MOST_SAMPLES = 64  # outlines that are drawn over each other
MOST_NOTES = 6
NOTICE = "Not for clinical use."


def prediction_html(prediction: "Prediction") -> str:
    """The image, the samples, the hypotheses and the mean probability side by side, and the shares below."""
    k = plane_of(prediction)
    image, probability = prediction.prepared.shown, prediction.foreground
    if k is not None:
        image, probability = image[:, k], probability[k]
    scene = Scene(grey(image), probability > 0)

    def labels(sample: int) -> np.ndarray:
        drawn = prediction.labels(sample)
        return drawn if k is None else np.asarray(drawn[k])

    found = prediction.hypotheses  # five at most
    readings = [scene.lines(labels(one.medoid), hexadecimal(number)) for number, one in enumerate(found)]
    bars = [
        Bar(hexadecimal(number) if one.area else "", percent, one.low, one.high, one.name)
        for number, (percent, one) in enumerate(zip(shares([one.probability for one in found]), found, strict=True))
    ]
    probable = Tile(ground(heat(probability), scene.box, 6000), scene.box, "mean probability")
    tiles = [
        scene.whole(_caption(prediction, k)),
        scene.cut("".join(reversed(readings)), "hypotheses"),  # the most probable lies on top
        probable,
    ]
    marked = int((prediction.areas > 0).sum())
    readers = "reader outlines" if len(prediction) == 1 else "readers outline"
    title = f"{marked} of {len(prediction)} simulated {readers} something here"
    notes = _notes(prediction)
    left = MOST - len(sheet(title, [*tiles, scene.cut("", f"the first {MOST_SAMPLES} samples")], bars, notes))
    drawn, count = _samples(prediction, scene, labels, left)
    tiles.insert(1, scene.cut(drawn, "all samples" if count == len(prediction) else f"the first {count} samples"))
    return sheet(title, tiles, bars, notes)


def _samples(prediction: "Prediction", scene: Scene, labels: Callable[[int], np.ndarray], most: int) -> tuple[str, int]:
    """The outlines of the first samples, each in the colour of its hypothesis, and how many of them fit."""
    belongs = {sample: number for number, one in enumerate(prediction.hypotheses) for sample in one.members}
    drawn = ""
    for sample in range(min(len(prediction), MOST_SAMPLES)):
        own = belongs.get(sample)  # None of a sample that weighs nothing
        line = "" if own is None else scene.lines(labels(sample), hexadecimal(own), wide=0.8)
        if len(drawn) + len(line) > most:
            return drawn, sample
        drawn += line
    return drawn, min(len(prediction), MOST_SAMPLES)


def plane_of(prediction: "Prediction") -> int | None:
    """Which plane of a volume is shown: that in which most is marked; None of a flat image."""
    return None if len(prediction.place.whole) == 2 else int(prediction.foreground.sum((1, 2)).argmax())


def shares(probabilities: Sequence[float]) -> list[int]:
    """Whole percents whose sum is that of the probabilities: the largest remainders are rounded up."""
    exact = 100 * np.asarray(probabilities, float)
    percents = np.floor(exact + 1e-9).astype(int)
    missing = max(0, round(exact.sum()) - int(percents.sum()))
    percents[np.argsort(percents - exact, kind="stable")[:missing]] += 1
    return [int(percent) for percent in percents]


def _caption(prediction: "Prediction", k: int | None) -> str:
    """What the whole picture is."""
    size, at = prediction.place.size, prediction.prepared.at
    words = " x ".join(map(str, size[-2:][::-1])) + " pixels"
    if at is not None:
        return f"{words} round {' '.join(map(str, at))}"
    return words if k is None or len(prediction.place.slices) < 2 else f"slice {prediction.place.slices[k]}, {words}"


def _notes(prediction: "Prediction") -> list[str]:
    """What stands below: what is unlike the training, and where it comes from."""
    warnings = prediction.warnings
    notes = [f"warning: {brief(warning, 300)}" for warning in warnings[:MOST_NOTES]]
    if len(warnings) > MOST_NOTES:
        notes.append(f"{len(warnings) - MOST_NOTES} more warnings")
    return [*notes, f"{prediction.origin.model}, seed {prediction.origin.seed}. {NOTICE}"]
