"""Outlines of masks as SVG paths along the edges of pixels, as short as a number of characters asks."""

import numpy as np

from atfm.io.outlines import rings

__all__ = ["outline"]

LARGEST = 192  # pixels of a side: finer than this no small picture shows an outline


def outline(mask: np.ndarray, box: tuple[int, int, int, int], style: str, most: int = 4000) -> str:
    """The outline of what lies in a box of a mask; nothing of an empty one.

    Args:
        mask: `[H, W]` bool, of the whole picture.
        box: left, top, width and height, in pixels.
        style: further attributes of the path, such as its stroke.
        most: characters that its steps may take; what would take more is drawn on coarser pixels.
    """
    left, top, width, height = box
    part = mask[top : top + height, left : left + width]
    if not part.any():
        return ""
    step = -(-max(width, height) // LARGEST)
    while True:
        coarse = _coarser(part, step)
        if step >= max(width, height) or _edges(coarse) <= most:  # else it is not worth walking round
            steps = "".join(map(_steps, rings(coarse)))
            if len(steps) <= most or step >= max(width, height):
                break
        step *= 2
    scale = f" scale({step})" if step > 1 else ""
    moved = f' transform="translate({left} {top}){scale}"' if left or top or scale else ""
    return f'<path d="{steps}"{moved} fill="none" vector-effect="non-scaling-stroke" {style}/>'


def _coarser(mask: np.ndarray, step: int) -> np.ndarray:
    """Squares of `step` pixels, each in if half of it is; where none is, the one with the most."""
    if step == 1:
        return mask
    height, width = (-(-side // step) for side in mask.shape)
    padded = np.zeros((height * step, width * step), bool)
    padded[: mask.shape[0], : mask.shape[1]] = mask
    share = padded.reshape(height, step, width, step).mean((1, 3))
    return np.asarray(share >= min(0.5, share.max()))


def _edges(mask: np.ndarray) -> int:
    """How many edges of pixels lie between inside and outside."""
    padded = np.pad(mask, 1)
    return int((padded[1:] != padded[:-1]).sum() + (padded[:, 1:] != padded[:, :-1]).sum())


def _steps(ring: np.ndarray) -> str:
    """One closed way as steps from corner to corner, across and down in turn."""
    x, y = ring[0].tolist()
    found = [f"M{x} {y}"]
    for dx, dy in np.diff(ring, axis=0).tolist():
        found.append(f"h{dx}" if dx else f"v{dy}")
    return "".join(found) + "z"
