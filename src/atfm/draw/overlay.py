"""The overlay sheet: the hypotheses, then some samples together, the two maps, and single samples."""

import numpy as np
from PIL import Image

from atfm.draw.drawn import Drawn
from atfm.report.panels import window
from atfm.report.sheet import Tile, contact_sheet

__all__ = ["overlay"]

_PICTURES = 24  # four rows of six


def overlay(image: np.ndarray, drawn: Drawn) -> Image.Image:
    """Draw the sheet.

    Args:
        image: `[C_in, *spatial]` in [0, 1]; of a volume the slice with the most marked pixels is shown.
        drawn: its samples.
    """
    labels, probability, entropy = drawn.labels, drawn.foreground, drawn.entropy
    if labels.ndim == 4:
        k = int((labels > 0).sum((0, 2, 3)).argmax())
        image, labels, probability, entropy = image[:, k], labels[:, k], probability[k], entropy[k]
    # One cut for all tiles, so that an empty mask shows the same place as the others.
    left, top, width, height = window(np.any(labels > 0, 0))
    image, labels, probability, entropy = (
        values[..., top : top + height, left : left + width] for values in (image, labels, probability, entropy)
    )
    region = np.any(labels > 0, 0)[None]  # [1, H, W]
    tiles = [
        Tile(image, labels[one.medoid][None], f"{one.name}\n{one.probability:.0%} ({one.low:.0%} to {one.high:.0%})")
        for one in drawn.hypotheses
    ]
    tiles.append(Tile(image, labels[:8], "the first samples together"))
    tiles.append(Tile(_map(probability), region, "mean probability"))
    tiles.append(Tile(_map(entropy / max(1.0, float(entropy.max()))), region, "ambiguity"))
    for number, mask in enumerate(labels[: _PICTURES - len(tiles)]):
        tiles.append(Tile(image, mask[None], f"sample {number}: {int((mask > 0).sum())} pixels"))
    return contact_sheet(tiles, zoom=False)


def _map(values: np.ndarray) -> np.ndarray:
    return values[None].astype(np.float32)  # [1, H, W]
