"""MoSE, a mixture of stochastic experts."""

from atfm.methods.config import Entry
from atfm.methods.mose.config import MoSEConfig
from atfm.methods.mose.method import MoSE
from atfm.methods.mose.presets import PRESETS

__all__ = ["ENTRY", "MoSE", "MoSEConfig"]

ENTRY = Entry(
    config=MoSEConfig,
    about="Mixture of Stochastic Experts: a gate, experts with a latent normal each, and an optimal-transport loss.",
    reference="Gao et al., ICLR 2023, arXiv 2212.07328",
    presets=PRESETS,
)
