"""What drawing will take of the memory: as many samples at a time as fit, and one line where not even one does.

Bytes while `s` samples of an image of `P` pixels with `C` channels of masks are drawn at a time, and all that is kept
of the `n` that are wanted in the end:

    64 MB + min(512 MB, 64 C P) + 4 C_in P + C P (24 + 24 s) + C P n / 8

The second term is what a flow keeps of the tiles it has read. The sum bounds from above what was measured of images
and volumes that tiles cover (`docs/experiments.md`, "Memory of a large image"); one looked at whole takes less.
"""

import numpy as np

from atfm.errors import InputError
from atfm.io.memory import available_bytes
from atfm.methods.method import Method
from atfm.predict.prepared import Prepared

__all__ = ["needed_bytes", "samples_at_a_time"]

NUMBERS = 2**24  # probabilities of one chunk: 64 MB
MOST = 256  # samples in it, so that a caller hears of them
AHEAD, READ, PIXEL, SAMPLE = 2**26, 64, 24, 24
KEPT_FREE = 0.9  # of what is available: others take memory too


def needed_bytes(method: Method, prepared: Prepared, n: int, chunk: int) -> int:
    """Return an upper bound of what `n` samples take, drawn so many at a time; see the top."""
    image = prepared.image
    pixels = int(np.prod(image.shape[1:]))
    kept = method.channels * int(np.prod(prepared.place.size)) * n // 8
    numbers = method.channels * pixels
    return AHEAD + min(2**29, READ * numbers) + 4 * image.size + numbers * (PIXEL + SAMPLE * chunk) + kept


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
    usual = min(MOST, n, max(1, NUMBERS // (method.channels * pixels)))
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
    more = (room - least) // max(1, SAMPLE * method.channels * pixels)
    return int(min(usual, 1 + more))
