"""From a mask to closed outlines that enclose exactly its pixels.

An outline runs along the edges of pixels, from corner to corner, so every pixel centre lies half a pixel from it:
whichever rule a reader has for what is inside, and however it rounds, it finds the same pixels, and the area is theirs.
Each piece of the mask (pixels that share an edge) has one outline. A hole is joined to what lies to its left by a
channel of no width along the edges of pixels, as DICOM asks of holes (PS3.3, C.8.8.6.3, the keyhole technique), so that
a reader that fills each outline by itself finds it too.
"""

import numpy as np
from scipy.ndimage import find_objects, label

__all__ = ["outlines", "rings"]

Corner = tuple[int, int]  # column and row, of pixel corners: pixel (0, 0) lies between (0, 0) and (1, 1)

_RIGHT, _DOWN, _LEFT, _UP = (1, 0), (0, 1), (-1, 0), (0, -1)


def outlines(mask: np.ndarray) -> list[np.ndarray]:
    """One closed outline of each piece of a mask, its holes joined to it.

    Args:
        mask: `[H, W]` bool.

    Returns:
        Of each piece `[N, 2]` float64, the column and the row of each corner in pixels, 0 at the centre of the first;
        the last is joined to the first. The inside lies to the right of the way as it is seen on a screen.
    """
    pieces, _ = label(mask)  # pixels that share an edge
    found = []
    for number, (rows, columns) in enumerate(find_objects(pieces), start=1):
        corners = np.array(_joined(_loops(pieces[rows, columns] == number)), np.float64)
        found.append(_bends(corners) + np.array([columns.start - 0.5, rows.start - 0.5]))
    return found


def rings(mask: np.ndarray) -> list[np.ndarray]:
    """Every closed way round a mask along the edges of its pixels, each hole by itself: what is drawn as a line.

    Args:
        mask: `[H, W]` bool.

    Returns:
        Of each way `[N, 2]` whole numbers, the column and the row of each corner, 0 at the picture's own corner; the
        last is joined to the first.
    """
    ways = _loops(mask) if mask.any() else []
    return [_bends(np.array(way, np.float64)).astype(int) for way in ways]


def _loops(piece: np.ndarray) -> list[list[Corner]]:
    """The closed ways round one piece, every corner on them in order: the outer one first, then each hole."""
    padded = np.pad(piece, 1)
    inside, above, left = padded[1:, 1:], padded[:-1, 1:], padded[1:, :-1]  # [H + 1, W + 1], by the corner at top left
    steps: dict[Corner, list[Corner]] = {}

    def add(where: np.ndarray, start: Corner, step: Corner) -> None:
        for row, column in np.argwhere(where).tolist():
            steps.setdefault((column + start[0], row + start[1]), []).append(step)

    add(inside & ~above, (0, 0), _RIGHT)  # the upper edge of a pixel
    add(~inside & above, (1, 0), _LEFT)  # ... a lower one
    add(inside & ~left, (0, 1), _UP)
    add(~inside & left, (0, 0), _DOWN)
    # the leftmost, then the uppermost corner that is left: first of the outer way, then of each hole
    return [_walk(steps, begin) for begin in sorted(steps) if begin in steps]


def _walk(steps: dict[Corner, list[Corner]], begin: Corner) -> list[Corner]:
    """One closed way from a corner, taken out of `steps`.

    Where two pixels touch by a corner only, the way turns right, round the pixel that it runs along: such pixels are
    not joined there.
    """
    way, at = [begin], begin
    step = steps[begin][0]
    while True:
        left = steps[at]
        left.remove(step)
        if not left:
            del steps[at]
        at = (at[0] + step[0], at[1] + step[1])
        if at == begin and at not in steps:
            return way
        choices = steps[at]
        turned = (-step[1], step[0])
        step = turned if turned in choices else choices[0]
        way.append(at)


def _joined(loops: list[list[Corner]]) -> list[Corner]:
    """All ways as one: each hole is reached from the left, along the edges of pixels, and left again the same way.

    The holes come from left to right, so that what lies to the left of one is joined already. From the uppermost of its
    leftmost corners there are pixels of the piece above and below, until another way crosses.
    """
    corners, after = (
        list(loops[0]),
        [*range(1, len(loops[0])), 0],
    )  # a ring, so that a hole is put in without moving any
    known = {corner: at for at, corner in enumerate(corners)}
    for hole in loops[1:]:
        x, y = min(hole)
        start = hole.index((x, y))
        at = known[next((column, y) for column in range(x - 1, -1, -1) if (column, y) in known)]
        detour = [*hole[start:], *hole[:start], (x, y), corners[at]]
        first, onward = len(corners), after[at]
        known |= {corner: first + number for number, corner in enumerate(detour)}
        corners += detour
        after[at] = first
        after += [*range(first + 1, len(corners)), onward]
    ring, at = [corners[0]], after[0]
    while at != 0:
        ring.append(corners[at])
        at = after[at]
    return ring


def _bends(corners: np.ndarray) -> np.ndarray:
    """Only the corners at which the way bends, or turns back."""
    to, onward = corners - np.roll(corners, 1, 0), np.roll(corners, -1, 0) - corners
    unit = (np.sign(to), np.sign(onward))
    return corners[(unit[0] != unit[1]).any(1)]
