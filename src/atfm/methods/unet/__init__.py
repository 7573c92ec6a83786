"""A deterministic U-Net with dropout at test time: the method that no other should lose to."""

from atfm.methods.config import Entry
from atfm.methods.unet.config import UNetConfig
from atfm.methods.unet.method import DropoutUNet
from atfm.methods.unet.presets import PRESETS

__all__ = ["ENTRY", "DropoutUNet", "UNetConfig"]

ENTRY = Entry(
    config=UNetConfig,
    about="A deterministic U-Net, whose samples differ by dropout at test time alone.",
    reference="Ronneberger et al., MICCAI 2015, arXiv 1505.04597; Gal and Ghahramani, ICML 2016, arXiv 1506.02142",
    presets=PRESETS,
)
