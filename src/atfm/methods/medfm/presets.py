"""The presets of MedFM."""

from collections.abc import Mapping
from typing import Any

from atfm.methods.config import StageConfig
from atfm.methods.gtr.presets import LIDC_AUGMENT, stage
from atfm.methods.medfm.config import MedFMConfig

__all__ = ["PRESETS"]

# Source of `medfm-paper`: github.com/Umong51/MedFM @ b2cd03a (Apache-2.0), config.py, model.py and train.py: base
# width 32 times (1, 2, 2, 4, 5), 2 blocks, attention at strides 8 and 16, dropout .1; batch 16, Adam 1e-4 falling to
# 1e-6 over 500 epochs (here of 9,880 / 16 = 617 steps, and by a cosine, not a line), averaged weights .9999; 250 Euler
# steps.
PRESETS: dict[str, Mapping[str, Any]] = {
    "medfm-paper": {
        "method": MedFMConfig(),
        "stages": {
            "flow": StageConfig(steps=308_500, batch=16, lr=1e-4, warmup=0, weight_decay=0.0, ema=0.9999),
        },
    },
    "medfm-phantom": {
        "phantom": "grey",
        "method": MedFMConfig(
            network="st",
            widths=(16, 32, 48),
            blocks=1,
            context_widths=(24, 32, 48),
            patch=2,
            dropout=0.0,
            pairs=4,
            steps=20,
        ),
        "stages": {"flow": stage(900, ema=0.99)},
        "validate_every": 1000,
        "validate_cases": 20,
        "validate_samples": 8,
    },
    "medfm-lidc": {
        "window": (64, 64),
        "method": MedFMConfig(
            network="st",
            widths=(16, 32, 48, 64),
            blocks=1,
            context_widths=(24, 32, 48),
            patch=2,
            dropout=0.1,
            pairs=4,
            steps=25,
        ),
        "stages": {"flow": StageConfig(steps=6_000, batch=16, lr=2e-3, warmup=200, ema=0.998)},
        "augment": LIDC_AUGMENT,
        "validate_every": 2000,
        "validate_cases": 200,
    },
}
