"""CCDM, Conditional Categorical Diffusion Models."""

from atfm.methods.ccdm.config import CCDMConfig
from atfm.methods.ccdm.method import CCDM
from atfm.methods.ccdm.presets import PRESETS
from atfm.methods.config import Entry

__all__ = ["CCDM", "ENTRY", "CCDMConfig"]

ENTRY = Entry(
    config=CCDMConfig,
    about="Conditional Categorical Diffusion Model: masks are classes at every level of noise.",
    reference="Zbinden, Doorenbos et al., ICCV 2023, arXiv 2303.08888",
    presets=PRESETS,
)
