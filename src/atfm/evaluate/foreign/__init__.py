"""Masks that other code has drawn, scored as models are."""

from atfm.evaluate.foreign.arrays import Stated
from atfm.evaluate.foreign.convention import Convention
from atfm.evaluate.foreign.predictions import Foreign, Predictions, read_predictions
from atfm.evaluate.foreign.trained_on import seen_as_stated

__all__ = ["Convention", "Foreign", "Predictions", "Stated", "read_predictions", "seen_as_stated"]
