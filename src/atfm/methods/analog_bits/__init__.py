"""Analog Bits: classes as bits, bits as real numbers."""

from atfm.methods.analog_bits.config import AnalogBitsConfig
from atfm.methods.analog_bits.method import AnalogBits
from atfm.methods.analog_bits.presets import PRESETS
from atfm.methods.config import Entry

__all__ = ["ENTRY", "AnalogBits", "AnalogBitsConfig"]

ENTRY = Entry(
    config=AnalogBitsConfig,
    about="Analog Bits: Gaussian diffusion of the binary digits of classes, with self-conditioning.",
    reference="Chen et al., ICCV 2023, arXiv 2210.06366; Chen, Zhang and Hinton, ICLR 2023, arXiv 2208.04202",
    presets=PRESETS,
)
