"""PHiSeg."""

from atfm.methods.config import Entry
from atfm.methods.phiseg.config import PHiSegConfig
from atfm.methods.phiseg.method import PHiSeg
from atfm.methods.phiseg.presets import PRESETS

__all__ = ["ENTRY", "PHiSeg", "PHiSegConfig"]

ENTRY = Entry(
    config=PHiSegConfig,
    about="PHiSeg: maps of latent variables on every level, each level refining the mask of the coarser ones.",
    reference="Baumgartner et al., MICCAI 2019, arXiv 1906.04045",
    presets=PRESETS,
)
