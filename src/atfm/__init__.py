"""Ambiguity-aware truncated flow matching: many plausible segmentations of one medical image, and their measurement.

    >>> import atfm
    >>> case = atfm.example().case  # a nodule on CT, and the outlines of its readers
    >>> prediction = atfm.load("lidc").sample(case.image, n=16, seed=7)  # any array, tensor or list of them
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
    from atfm.data.examples import example
    from atfm.metrics import score_case
    from atfm.models import load
    from atfm.predict import Prediction

__all__ = ["Prediction", "Store", "__version__", "example", "load", "score_case"]

__version__ = "0.1.0"

# Each is imported when it is first asked for, so that `import atfm` and `atfm --help` need no torch.
_ROOMS = {
    "Prediction": "atfm.predict",
    "Store": "atfm.data",
    "example": "atfm.data.examples",
    "load": "atfm.models",
    "score_case": "atfm.metrics",
}


def __getattr__(name: str) -> Any:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_ROOMS[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
