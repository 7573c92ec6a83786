"""An ensemble of deterministic U-Nets."""

from atfm.methods.config import Entry
from atfm.methods.ensemble.config import EnsembleConfig
from atfm.methods.ensemble.method import Ensemble
from atfm.methods.ensemble.presets import PRESETS

__all__ = ["ENTRY", "Ensemble", "EnsembleConfig"]

ENTRY = Entry(
    config=EnsembleConfig,
    about="Deterministic U-Nets side by side, each trained on one reader; a sample is the mask of one of them.",
    reference="Lakshminarayanan et al., NeurIPS 2017, arXiv 1612.01474; one network a reader as in Kohl et al., 2018",
    presets=PRESETS,
)
