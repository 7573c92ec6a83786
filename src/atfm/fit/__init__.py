"""Training from a configuration and cases to a run folder: what it begins from, the card of its weights, all stages."""

from atfm.fit.training import Fitted, fit

__all__ = ["Fitted", "fit"]
