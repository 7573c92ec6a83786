"""The methods of the field, each a folder and a line of `METHODS`."""

from atfm.methods import (
    analog_bits,
    atfm,
    ccdm,
    cimd,
    ensemble,
    flow_ssn,
    gtr,
    hpunet,
    medfm,
    mose,
    phiseg,
    prob_unet,
    ssn,
    tdpm,
    unet,
)
from atfm.methods.config import Entry, MethodConfig, StageConfig
from atfm.methods.method import Frame, Method, Stage
from atfm.methods.samples import Drawn, Samples

__all__ = ["METHODS", "Drawn", "Entry", "Frame", "Method", "MethodConfig", "Samples", "Stage", "StageConfig"]

METHODS: dict[str, Entry] = {
    "analog-bits": analog_bits.ENTRY,
    "atfm": atfm.ENTRY,
    "ccdm": ccdm.ENTRY,
    "cimd": cimd.ENTRY,
    "ensemble": ensemble.ENTRY,
    "flow-ssn": flow_ssn.ENTRY,
    "gtr": gtr.ENTRY,
    "hpunet": hpunet.ENTRY,
    "medfm": medfm.ENTRY,
    "mose": mose.ENTRY,
    "phiseg": phiseg.ENTRY,
    "prob-unet": prob_unet.ENTRY,
    "ssn": ssn.ENTRY,
    "tdpm": tdpm.ENTRY,
    "unet": unet.ENTRY,
}
