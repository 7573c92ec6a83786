"""The colours of outlines and of maps, which people with any colour vision tell apart."""

import numpy as np

__all__ = ["COLOURS", "heat", "hexadecimal"]

# Okabe and Ito's palette without its black: bright ones first.
COLOURS = ((86, 180, 233), (230, 159, 0), (0, 158, 115), (240, 228, 66), (204, 121, 167), (213, 94, 0), (0, 114, 178))

# matplotlib's magma at nine places from 0 to 1, linear between them
MAGMA = np.array(
    [
        (0, 0, 4), (29, 17, 71), (81, 18, 124), (131, 38, 129), (182, 54, 121), (229, 80, 100), (251, 136, 97),
        (254, 194, 135), (252, 253, 191),
    ],
    float,
)  # fmt: skip


def hexadecimal(number: int) -> str:
    """The colour of outline `number`, as `#rrggbb`; after the last the first again."""
    return "#{:02x}{:02x}{:02x}".format(*COLOURS[number % len(COLOURS)])


def heat(values: np.ndarray) -> np.ndarray:
    """A map `[H, W]` of values in [0, 1] as uint8 colours `[H, W, 3]`, dark for 0 and bright for 1."""
    steps = np.rint(np.clip(values, 0, 1) * 32) / 32  # few colours make a small picture
    places = np.linspace(0, 1, len(MAGMA))
    return np.stack([np.rint(np.interp(steps, places, MAGMA[:, band])) for band in range(3)], -1).astype(np.uint8)
