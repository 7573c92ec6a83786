"""The methods of the field, each a folder and a line of `METHODS`."""

from atfm.methods import analog_bits, atfm, ccdm, cimd, gtr, tdpm
from atfm.methods.config import Entry, MethodConfig, StageConfig
from atfm.methods.method import Frame, Method, Stage
from atfm.methods.samples import Drawn, Samples

__all__ = ["METHODS", "Drawn", "Entry", "Frame", "Method", "MethodConfig", "Samples", "Stage", "StageConfig"]

METHODS: dict[str, Entry] = {
    "analog-bits": analog_bits.ENTRY,
    "atfm": atfm.ENTRY,
    "ccdm": ccdm.ENTRY,
    "cimd": cimd.ENTRY,
    "gtr": gtr.ENTRY,
    "tdpm": tdpm.ENTRY,
}
