"""TDPM, Truncated Diffusion Probabilistic Models."""

from atfm.methods.config import Entry
from atfm.methods.tdpm.config import TDPMConfig
from atfm.methods.tdpm.method import TDPM
from atfm.methods.tdpm.presets import PRESETS

__all__ = ["ENTRY", "TDPM", "TDPMConfig"]

ENTRY = Entry(
    config=TDPMConfig,
    about="Truncated Diffusion Probabilistic Model: diffusion up to a point that an adversarial generator draws.",
    reference="Zheng et al., ICLR 2023, arXiv 2202.09671",
    presets=PRESETS,
)
