"""What drawing will take of the memory: as many samples at a time as fit, and one line where not even one does.

Bytes while `s` samples of an image of `P` pixels with `C` channels of masks are drawn at a time, and all that is kept
of the `n` that are wanted in the end:

    64 MB + min(512 MB, 64 C P) + 4 C_in P + C P (24 + 24 s) + C P n / 8

An image of `Q` pixels that is brought to `P` of the model takes besides

    4 C_in Q + C Q (s + 20)

for itself, the masks of a chunk, and one sample's probabilities on their way back. The second term is what a flow keeps
of the tiles it has read. The sum bounds from above what was measured of images and volumes that tiles cover
(`docs/experiments.md`, "Memory of a large image"); one looked at whole takes less.
"""

import numpy as np

from atfm.errors import InputError
from atfm.io.memory import available_bytes
from atfm.methods.method import Method
from atfm.predict.prepared import Prepared

__all__ = ["needed_bytes", "samples_at_a_time"]

NUMBERS = 2**24  # probabilities of one chunk: 64 MB
MOST = 256  # samples in it, so that a caller hears of them
AHEAD, READ, PIXEL, SAMPLE, BACK = 2**26, 64, 24, 24, 20
KEPT_FREE = 0.9  # of what is available: others take memory too


def needed_bytes(method: Method, prepared: Prepared, n: int, chunk: int) -> int:
    """Return an upper bound of what `n` samples take, drawn so many at a time; see the top."""
    image = prepared.image
    pixels = int(np.prod(image.shape[1:]))
    kept = method.channels * int(np.prod(prepared.place.size)) * n // 8
    numbers = method.channels * pixels
    back = 0
    if prepared.grid is not None:
        whole = int(np.prod(prepared.place.size))
        back = 4 * len(image) * whole + method.channels * whole * (chunk + BACK)
    return AHEAD + min(2**29, READ * numbers) + 4 * image.size + numbers * (PIXEL + SAMPLE * chunk) + kept + back


def samples_at_a_time(method: Method, prepared: Prepared, n: int, *, available: int | None = None) -> int:
    """Return how many samples are drawn at a time; but for the last bits of a sum, what is drawn depends not on it.

    Args:
        method: what draws.
        prepared: the image.
        n: samples that are wanted.
        available: bytes that may be taken; None: as many as there are on the method's device.

    Raises:
        InputError: not even one at a time would fit, with the estimate.
    """
    pixels = int(np.prod(prepared.image.shape[1:]))
    whole = pixels if prepared.grid is None else int(np.prod(prepared.place.size))
    usual = min(MOST, n, max(1, NUMBERS // (method.channels * max(pixels, whole // 4))))  # bytes of masks, not floats
    if available is None:
        available = available_bytes(next(method.parameters()).device)
    if available is None:
        return usual
    room = int(KEPT_FREE * available)
    least = needed_bytes(method, prepared, n, 1)
    if least > room:
        size = " x ".join(map(str, prepared.image.shape[1:]))
        raise InputError(
            f"{prepared.path or 'image'}: {n} samples of {size} pixels take about {least / 1e9:.1f} GB of memory, and "
            f"{available / 1e9:.1f} GB are free; draw a part of it with --at, fewer samples, or on a larger machine"
        )
    each = SAMPLE * pixels + (0 if prepared.grid is None else whole)
    more = (room - least) // max(1, method.channels * each)
    return int(min(usual, 1 + more))
