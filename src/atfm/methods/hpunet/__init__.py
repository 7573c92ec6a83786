"""The Hierarchical Probabilistic U-Net."""

from atfm.methods.config import Entry
from atfm.methods.hpunet.config import HPUNetConfig
from atfm.methods.hpunet.method import HPUNet
from atfm.methods.hpunet.presets import PRESETS

__all__ = ["ENTRY", "HPUNet", "HPUNetConfig"]

ENTRY = Entry(
    config=HPUNetConfig,
    about="Hierarchical Probabilistic U-Net: latent maps within the U-Net's way up, trained under a constraint (GECO).",
    reference="Kohl et al., 2019, arXiv 1905.13077; GECO: Rezende and Viola, 2018, arXiv 1810.00597",
    presets=PRESETS,
)
