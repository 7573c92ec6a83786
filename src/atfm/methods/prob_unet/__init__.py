"""The Probabilistic U-Net."""

from atfm.methods.config import Entry
from atfm.methods.prob_unet.config import ProbUNetConfig
from atfm.methods.prob_unet.method import ProbUNet
from atfm.methods.prob_unet.presets import PRESETS

__all__ = ["ENTRY", "ProbUNet", "ProbUNetConfig"]

ENTRY = Entry(
    config=ProbUNetConfig,
    about="Probabilistic U-Net: one latent vector for the whole mask, joined to the last features of a U-Net.",
    reference="Kohl et al., NeurIPS 2018, arXiv 1806.05034",
    presets=PRESETS,
)
