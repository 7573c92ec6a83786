"""The methods of the field, each a folder and a line of `METHODS`."""

from atfm.methods import atfm, gtr, hpunet, phiseg, prob_unet
from atfm.methods.config import Entry, MethodConfig, StageConfig
from atfm.methods.method import Frame, Method, Stage
from atfm.methods.samples import Drawn, Samples

__all__ = ["METHODS", "Drawn", "Entry", "Frame", "Method", "MethodConfig", "Samples", "Stage", "StageConfig"]

METHODS: dict[str, Entry] = {
    "atfm": atfm.ENTRY,
    "gtr": gtr.ENTRY,
    "hpunet": hpunet.ENTRY,
    "phiseg": phiseg.ENTRY,
    "prob-unet": prob_unet.ENTRY,
}
