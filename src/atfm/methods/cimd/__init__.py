"""CIMD, Collectively Intelligent Medical Diffusion."""

from atfm.methods.cimd.config import CIMDConfig
from atfm.methods.cimd.method import CIMD
from atfm.methods.cimd.presets import PRESETS
from atfm.methods.config import Entry

__all__ = ["CIMD", "ENTRY", "CIMDConfig"]

ENTRY = Entry(
    config=CIMDConfig,
    about="Collectively Intelligent Medical Diffusion: Gaussian diffusion and two encoders of ambiguity, all trained.",
    reference="Rahman et al., CVPR 2023, arXiv 2304.04745",
    presets=PRESETS,
)
