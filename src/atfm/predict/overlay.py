"""The overlay sheet: the hypotheses, then some samples together, the two maps, and single samples."""

import numpy as np
from PIL import Image

from atfm.predict.prediction import Prediction
from atfm.report.panels import window
from atfm.report.sheet import Tile, contact_sheet

__all__ = ["overlay"]

_PICTURES = 24  # four rows of six


def overlay(prediction: Prediction) -> Image.Image:
    """Draw the sheet; of a volume it shows the slice with the most marked pixels."""
    image, probability, entropy = prediction.prepared.shown, prediction.foreground, prediction.entropy
    k = _slice(prediction)
    if k is not None:
        image, probability, entropy = image[:, k], probability[k], entropy[k]

    def plane(number: int) -> np.ndarray:
        """The labels `[H, W]` of a sample on that slice."""
        return prediction.labels(number) if k is None else prediction.labels(number)[k]

    first = np.stack([plane(number) for number in range(min(len(prediction), _PICTURES))])  # [s, H, W]
    # One cut for all tiles, so that an empty mask shows the same place as the others.
    left, top, width, height = window(probability > 0)
    cut = (..., slice(top, top + height), slice(left, left + width))
    image, first, probability, entropy = image[cut], first[cut], probability[cut], entropy[cut]
    region = (probability > 0)[None]  # [1, H, W]
    tiles = [
        Tile(
            image,
            plane(one.medoid)[cut][None],
            f"{one.name}\n{one.probability:.0%} ({one.low:.0%} to {one.high:.0%})",
        )
        for one in prediction.hypotheses
    ]
    tiles.append(Tile(image, first[:8], "the first samples together"))
    tiles.append(Tile(_map(probability), region, "mean probability"))
    tiles.append(Tile(_map(entropy / max(1.0, float(entropy.max()))), region, "ambiguity"))
    for number, mask in enumerate(first[: _PICTURES - len(tiles)]):
        tiles.append(Tile(image, mask[None], f"sample {number}: {int((mask > 0).sum())} pixels"))
    return contact_sheet(tiles, zoom=False)


def _slice(prediction: Prediction) -> int | None:
    """Which plane of a volume is shown; None of a flat image."""
    if len(prediction.place.whole) == 2:
        return None
    return int(sum((label > 0).sum((1, 2)) for label in map(prediction.labels, range(len(prediction)))).argmax())


def _map(values: np.ndarray) -> np.ndarray:
    return values[None].astype(np.float32)  # [1, H, W]
