"""The presets of the ensemble."""

from collections.abc import Mapping
from typing import Any

from atfm.methods.config import StageConfig
from atfm.methods.ensemble.config import EnsembleConfig
from atfm.methods.gtr.presets import LIDC_AUGMENT, stage
from atfm.methods.unet.config import SegmenterConfig

__all__ = ["PRESETS"]

PRESETS: dict[str, Mapping[str, Any]] = {
    # Ours: no setting is published on LIDC. Five of the networks of `unet-paper`, without dropout.
    "ensemble-paper": {
        "method": EnsembleConfig(network=SegmenterConfig(widths=(32, 64, 128, 192), blocks=2, dropout=0.0)),
        "stages": {"ensemble": StageConfig(steps=60_000, batch=32)},
    },
    "ensemble-phantom": {
        "phantom": "grey",
        "method": EnsembleConfig(network=SegmenterConfig(widths=(24, 32, 48), patch=2, dropout=0.0)),
        "stages": {"ensemble": stage(500)},
        "validate_every": 1000,
        "validate_cases": 40,
    },
    "ensemble-lidc": {
        "window": (64, 64),
        "method": EnsembleConfig(network=SegmenterConfig(widths=(32, 48, 64, 96), patch=2, dropout=0.0)),
        "stages": {"ensemble": StageConfig(steps=2_500, batch=32, lr=2e-3, warmup=200)},
        "augment": LIDC_AUGMENT,
        "validate_every": 1000,
        "validate_cases": 200,
    },
}
