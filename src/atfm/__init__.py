"""Ambiguity-aware truncated flow matching: many plausible segmentations of one medical image, and their measurement.

    >>> import atfm, numpy as np
    >>> nodule = 255 * np.exp(-np.hypot(*(np.indices((128, 128)) - 64)) / 8)  # any array, tensor or list of them
    >>> prediction = atfm.load("lidc").sample(nodule.astype(np.uint8), n=16, seed=7)
    >>> prediction.masks.shape, prediction.mean_probability.shape, prediction.entropy.shape
    ((16, 1, 128, 128), (1, 128, 128), (128, 128))
    >>> round(sum(one.probability for one in prediction.hypotheses), 6)
    1.0

Everything else lies in the rooms below: `atfm.predict`, `atfm.data`, `atfm.metrics` and so on.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from atfm.data import Store
    from atfm.metrics import score_case
    from atfm.models import load
    from atfm.predict import Prediction

__all__ = ["Prediction", "Store", "__version__", "load", "score_case"]

__version__ = "0.1.0"

# Each is imported when it is first asked for, so that `import atfm` and `atfm --help` need no torch.
_ROOMS = {
    "Prediction": "atfm.predict",
    "Store": "atfm.data",
    "load": "atfm.models",
    "score_case": "atfm.metrics",
}


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_ROOMS[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
