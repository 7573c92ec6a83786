"""A contact sheet: many small images with the outlines of all their annotators, one colour each."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from atfm.io.svg.colours import COLOURS
from atfm.report.panels import picture, window

__all__ = ["COLOURS", "Tile", "contact_sheet", "outlines"]

DASH = 5  # screen pixels that one annotator colours of a line that several share
CAPTION = 30  # screen pixels below a picture
GAP = 8
PAPER, INK = (250, 250, 248), (40, 40, 40)


class Tile(NamedTuple):
    """One case of a sheet.

    Args:
        image: `[C_in, *spatial]` in [0, 1].
        masks: `[K, *spatial]` labels, 0 is background.
        caption: up to two lines.
    """

    image: np.ndarray
    masks: np.ndarray
    caption: str


def outlines(image: np.ndarray, masks: np.ndarray, *, side: int = 200, zoom: bool = True) -> Image.Image:
    """Draw the outline of every annotator over an image.

    Where outlines coincide they take turns, a few screen pixels each, so that none hides another.

    Args:
        image: `[C_in, *spatial]` in [0, 1]; of a volume the slice with the most marked pixels is drawn.
        masks: `[K, *spatial]` labels, or bool; each label is outlined, background is not.
        side: of the square picture, in screen pixels.
        zoom: cut out what is marked with a margin; the whole image otherwise, black where it is not square.

    Returns:
        An RGB picture, `side` pixels wide and high.
    """
    if image.ndim == 4:
        plane = int((masks > 0).sum((0, 2, 3)).argmax())
        image, masks = image[:, plane], masks[:, plane]
    if zoom:
        left, top, width, height = window(np.any(masks > 0, axis=0))
        image, masks = (array[:, top : top + height, left : left + width] for array in (image, masks))
    height, width = masks.shape[1:]
    scale = side / max(height, width)
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    ground = Image.fromarray(picture(image)).convert("RGB").resize(size, Image.Resampling.BICUBIC)
    drawn = coloured(np.asarray(ground), np.stack([enlarged(mask, size) for mask in masks]))
    square = Image.new("RGB", (side, side))
    square.paste(Image.fromarray(drawn), ((side - size[0]) // 2, (side - size[1]) // 2))
    return square


def contact_sheet(tiles: Iterable[Tile], *, columns: int = 6, side: int = 200, zoom: bool = True) -> Image.Image:
    """Lay cases out in rows, each with its caption.

    Args:
        tiles: the cases, at least one.
        columns: cases in a row.
        side: of one picture, in screen pixels.
        zoom: cut each tile out round its own masks, as `outlines` does.
    """
    tiles = list(tiles)
    columns = min(columns, len(tiles))
    rows = -(-len(tiles) // columns)
    step = side + GAP
    sheet = Image.new("RGB", (columns * step + GAP, rows * (step + CAPTION) + GAP), PAPER)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(11)
    for number, tile in enumerate(tiles):
        left, top = GAP + number % columns * step, GAP + number // columns * (step + CAPTION)
        sheet.paste(outlines(tile.image, tile.masks, side=side, zoom=zoom), (left, top))
        for line, text in enumerate(tile.caption.splitlines()[:2]):
            while text and draw.textlength(text, font=font) > side:
                text = text[1:]  # the end of an id tells cases apart, its beginning is often the same
            draw.text((left, top + side + 1 + 13 * line), text, fill=INK, font=font)
    return sheet


def enlarged(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A mask at the size of the screen, every pixel of it a block."""
    return np.asarray(Image.fromarray(mask.astype(np.uint8)).resize(size, Image.Resampling.NEAREST))


def coloured(ground: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """`[H, W, 3]` with the edges of `[K, H, W]` labels drawn on it."""
    edges = np.stack([edge(mask) for mask in masks])  # [K, H, W]
    shared = edges.sum(0)
    rows, columns = np.indices(shared.shape)
    turn = (rows + columns) // DASH % np.maximum(shared, 1)
    order = np.cumsum(edges, axis=0) - 1  # the how-manieth of the annotators that share this pixel
    drawn = ground.copy()
    for k, colour in enumerate(COLOURS[i % len(COLOURS)] for i in range(len(masks))):
        drawn[edges[k] & (order[k] == turn)] = colour
    return drawn


def edge(labels: np.ndarray) -> np.ndarray:
    """The pixels of an object that touch another label, and their neighbours within it: a line two pixels wide."""
    line = inner_edge(labels, labels > 0)
    return line | inner_edge(np.where(line, 0, labels), (labels > 0) & ~line)


def inner_edge(labels: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """The pixels of `inside` that have a neighbour of another label; beyond the border there is background."""
    padded = np.pad(labels, 1)
    height, width = labels.shape
    neighbours = [
        padded[1 + dy : 1 + dy + height, 1 + dx : 1 + dx + width] for dy, dx in ((0, 1), (1, 0), (0, -1), (-1, 0))
    ]
    return inside & np.any([labels != other for other in neighbours], axis=0)
