"""The presets of the Hierarchical Probabilistic U-Net."""

from collections.abc import Mapping
from typing import Any

from atfm.methods.gtr.presets import LIDC_AUGMENT
from atfm.methods.hpunet.config import GECOConfig, HPUNetConfig
from atfm.methods.latent.presets import lidc, paper, phantom

__all__ = ["PRESETS"]

PRESETS: dict[str, Mapping[str, Any]] = {
    # The authors' code, deepmind-research, hierarchical_probabilistic_unet/model.py: widths, blocks, 4 latent maps,
    # GECO with kappa .05, decay .99 and rate .01, the hardest 2 % of the pixels, drawn. Optimiser, steps and batch are
    # not in it: ours are those of the Probabilistic U-Net, whose authors they are.
    "hpunet-paper": paper(
        HPUNetConfig(widths=(24, 48, 96, 192, 192, 192, 192, 192), latents=(1, 1, 1, 1), blocks=3),
        "hpunet",
        LIDC_AUGMENT,
        steps=240_000,
        batch=32,
        lr=1e-4,
        weight_decay=1e-5,
    ),
    "hpunet-phantom": phantom(
        HPUNetConfig(widths=(16, 32, 48, 64), latents=(1, 1, 1), convs=2, readers=2, geco=GECOConfig(kappa=0.2)),
        "hpunet",
        800,
        lr=1e-3,
    ),
    "hpunet-lidc": lidc(
        HPUNetConfig(widths=(24, 48, 96, 96, 96), latents=(1, 1, 1, 1), convs=2, readers=2), "hpunet", 5_000
    ),
}
