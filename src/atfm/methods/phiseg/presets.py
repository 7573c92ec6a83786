"""The presets of PHiSeg."""

from collections.abc import Mapping
from typing import Any

from atfm.methods.latent.presets import lidc, paper, phantom
from atfm.methods.phiseg.config import PHiSegConfig

__all__ = ["PRESETS"]

# Half of the images turned by up to 10 degrees and zoomed, flips; as the authors' batch provider does, but that its
# flips are ours of a square, quarter turns among them.
_AUGMENT: Mapping[str, Any] = {"warp": 0.5, "rotate": 10.0, "scale": 0.15}

PRESETS: dict[str, Mapping[str, Any]] = {
    # The authors' code, PHiSeg-code, phiseg_7_5.py: 7 levels, 5 of them with 2 latent maps; batch normalisation;
    # KL weights 4^level; Adam 1e-3, constant; batch 12. Its limit of 5,000,000 steps is none that anybody reached: here
    # the 500,000 of SSN's fork.
    "phiseg-paper": paper(
        PHiSegConfig(widths=(32, 64, 128, 192, 192, 192, 192), levels=5, norm="batch"),
        "phiseg",
        _AUGMENT,
        steps=500_000,
        batch=12,
        lr=1e-3,
        decay="none",
    ),
    "phiseg-phantom": phantom(PHiSegConfig(widths=(12, 24, 32, 48), levels=3, convs=2, readers=2), "phiseg", 800),
    "phiseg-lidc": lidc(PHiSegConfig(widths=(24, 48, 64, 96), levels=3, convs=2, readers=2), "phiseg", 5_000),
}
