"""One picture that stands in several tiles and is embedded once: the whole of it, and the part where something lies."""

import hashlib

import numpy as np

from atfm.io.svg.ground import LARGEST, ground
from atfm.io.svg.line import outline
from atfm.io.svg.sheet import Tile

__all__ = ["Box", "Scene", "around"]

MARGIN = 0.35  # of what is marked, on each side
SMALLEST = 32  # pixels of a cut-out: a smaller one shows blocks, not anatomy
FRAME = 'fill="none" stroke="#fff" stroke-dasharray="4 3" vector-effect="non-scaling-stroke"'

Box = tuple[int, int, int, int]  # left, top, width and height in pixels


class Scene:
    """A picture and the box in it that is looked at.

    Args:
        pixels: uint8 `[H, W]` or `[H, W, 3]`.
        region: `[H, W]` bool, what the box has to hold; of an empty one it is the middle of the picture.
        most: characters that the picture may take.
    """

    def __init__(self, pixels: np.ndarray, region: np.ndarray, most: int = 15_000) -> None:
        height, width = region.shape
        self.whole_box: Box = (0, 0, width, height)
        self.box = around(region)
        fine = max(height, width) <= LARGEST  # then one embedded picture is as sharp as the screen shows it
        image = ground(pixels, self.whole_box if fine else self.box, most if fine else most * 2 // 3)
        key = "atfm-" + hashlib.sha256(image.encode()).hexdigest()[:12]
        image = image.replace("<image ", f'<image id="{key}" ', 1)
        self._whole = image if fine else ground(pixels, self.whole_box, most // 3) + f"<defs>{image}</defs>"
        self.near = f'<use href="#{key}"/>'  # the part of the box; a tile of it stands behind that of the whole

    def whole(self, caption: str) -> Tile:
        """The whole picture with the box in it, the first of the tiles."""
        left, top, width, height = self.box
        frame = f'<rect x="{left}" y="{top}" width="{width}" height="{height}" {FRAME}/>'
        return Tile(self._whole + frame, self.whole_box, caption)

    def cut(self, content: str, caption: str) -> Tile:
        """The part with something drawn over it."""
        return Tile(self.near + content, self.box, caption)

    def lines(self, labels: np.ndarray, colour: str, *, wide: float = 1.5, most: int = 1300) -> str:
        """The outline of every label but 0 of `[H, W]`, in one colour."""
        style = f'stroke="{colour}" stroke-width="{wide:g}"'
        classes = [label for label in np.unique(labels).tolist() if label]
        return "".join(outline(labels == label, self.box, style, max(200, most // len(classes))) for label in classes)


def around(region: np.ndarray) -> Box:
    """A square round what is marked, with a margin, inside the picture; the middle of it where nothing is."""
    height, width = region.shape
    rows, columns = np.nonzero(region)
    if len(rows) == 0:
        rows, columns = np.array([height // 2]), np.array([width // 2])
    extent = max(np.ptp(rows), np.ptp(columns)) + 1
    side = min(max(SMALLEST, round(extent * (1 + 2 * MARGIN))), height, width)
    top, left = (
        int(np.clip((hits.min() + hits.max() + 1 - side) // 2, 0, length - side))
        for hits, length in ((rows, height), (columns, width))
    )
    return left, top, side, side
