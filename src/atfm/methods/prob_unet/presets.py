"""The presets of the Probabilistic U-Net."""

from collections.abc import Mapping
from typing import Any

from atfm.methods.gtr.presets import LIDC_AUGMENT
from atfm.methods.latent.presets import lidc, paper, phantom
from atfm.methods.prob_unet.config import ProbUNetConfig

__all__ = ["PRESETS"]

PRESETS: dict[str, Mapping[str, Any]] = {
    # Kohl et al., 2018, appendix H.1 (LIDC), as quoted second-hand: 5 levels from 32 channels on, each twice as wide,
    # 3 convolutions; 6 latent variables; Adam from 1e-4 to 1e-6, here by a cosine instead of 5 steps; batch 32; 240,000
    # steps. Beta 1 and 3 layers of 1x1 stand in the authors' code (Cityscapes). Ours: the magnitudes of the
    # augmentation, which the paper leaves open, and decoupled decay in place of its L2 of 1e-5.
    "prob-unet-paper": paper(
        ProbUNetConfig(widths=(32, 64, 128, 256, 512)),
        "probunet",
        LIDC_AUGMENT,
        steps=240_000,
        batch=32,
        lr=1e-4,
        weight_decay=1e-5,
    ),
    "prob-unet-phantom": phantom(
        ProbUNetConfig(widths=(16, 32, 48, 64), convs=2, norm="group", combine=2, readers=2), "probunet", 1000
    ),
    "prob-unet-lidc": lidc(
        ProbUNetConfig(widths=(24, 48, 96, 128), convs=2, norm="group", combine=2, readers=2), "probunet", 5_000
    ),
}
