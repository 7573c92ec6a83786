"""Pictures within SVG: as small as a number of bytes asks, whatever they show."""

import base64
import io

import numpy as np
from PIL import Image

__all__ = ["grey", "ground", "href"]

LARGEST = 192  # pixels of a side: as many as a small picture has on a screen
QUALITIES = (85, 70, 50, 30)


def grey(image: np.ndarray) -> np.ndarray:
    """`[C, H, W]` in [0, 1] as uint8: colours `[H, W, 3]` of three channels, else the first as `[H, W]`."""
    steps = np.rint(np.clip(np.nan_to_num(image), 0, 1) * 255).astype(np.uint8)
    return np.moveaxis(steps, 0, -1) if len(steps) == 3 else steps[0]


def ground(pixels: np.ndarray, box: tuple[int, int, int, int], most: int) -> str:
    """An SVG image of a part of a picture, lying where that part lies.

    Args:
        pixels: uint8 `[H, W]` or `[H, W, 3]`, the whole picture.
        box: left, top, width and height of the part, in pixels.
        most: characters that it may take.
    """
    left, top, width, height = box
    part = pixels[top : top + height, left : left + width]
    return (
        f'<image x="{left}" y="{top}" width="{width}" height="{height}" preserveAspectRatio="none" '
        f'href="{href(part, most - 120)}"/>'
    )


def href(pixels: np.ndarray, most: int) -> str:
    """A picture as a URI of at most so many characters: PNG if it fits, else WebP, coarser and coarser.

    Args:
        pixels: uint8 `[H, W]` or `[H, W, 3]`.
        most: characters.
    """
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    side = min(LARGEST, max(picture.size))
    while True:
        scale = side / max(picture.size)
        size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
        small = picture if size == picture.size else picture.resize(size, Image.Resampling.BOX)
        for quality in (None, *QUALITIES):
            stream, form = io.BytesIO(), "png" if quality is None else "webp"
            if quality is None:
                small.save(stream, form, optimize=True)
            else:
                small.save(stream, form, quality=quality, method=6)
            uri = f"data:image/{form};base64," + base64.b64encode(stream.getvalue()).decode("ascii")
            if len(uri) <= most or side <= 8:
                return uri
        side = side * 3 // 4
