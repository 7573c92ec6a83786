"""The presets of the U-Net."""

from collections.abc import Mapping
from typing import Any

from atfm.methods.config import StageConfig
from atfm.methods.gtr.presets import LIDC_AUGMENT, stage
from atfm.methods.unet.config import SegmenterConfig, UNetConfig

__all__ = ["PRESETS"]

PRESETS: dict[str, Mapping[str, Any]] = {
    # Ours: no setting is published on LIDC. The widths are those of ATFM's GTR (settings of `paper`), at full size.
    "unet-paper": {
        "method": UNetConfig(network=SegmenterConfig(widths=(32, 64, 128, 192), blocks=2, dropout=0.2)),
        "stages": {"unet": StageConfig(steps=60_000, batch=32)},
    },
    "unet-phantom": {
        "phantom": "grey",
        "method": UNetConfig(network=SegmenterConfig(widths=(24, 32, 48), patch=2, dropout=0.2)),
        "stages": {"unet": stage(1500)},
        "validate_every": 1500,
        "validate_cases": 40,
    },
    "unet-lidc": {
        "window": (64, 64),
        "method": UNetConfig(network=SegmenterConfig(widths=(32, 48, 64, 96), patch=2, dropout=0.2)),
        "stages": {"unet": StageConfig(steps=8_000, batch=32, lr=2e-3, warmup=200)},
        "augment": LIDC_AUGMENT,
        "validate_every": 2000,
        "validate_cases": 200,
    },
}
