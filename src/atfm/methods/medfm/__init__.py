"""MedFM: plain conditional flow matching from noise."""

from atfm.methods.config import Entry
from atfm.methods.medfm.config import MedFMConfig
from atfm.methods.medfm.method import MedFM
from atfm.methods.medfm.presets import PRESETS

__all__ = ["ENTRY", "MedFM", "MedFMConfig"]

ENTRY = Entry(
    config=MedFMConfig,
    about="Plain conditional flow matching: from noise to a mask, the image joined to every point of the path.",
    reference="Lipman et al., ICLR 2023, arXiv 2210.02747; MedFM, 2025, github.com/Umong51/MedFM",
    presets=PRESETS,
)
