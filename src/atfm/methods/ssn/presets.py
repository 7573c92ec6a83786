"""The presets of SSN."""

from collections.abc import Mapping
from typing import Any

from atfm.methods.config import StageConfig
from atfm.methods.gtr.presets import LIDC_AUGMENT, stage
from atfm.methods.ssn.config import SSNConfig

__all__ = ["PRESETS"]

# Source of `ssn-paper`: github.com/MiguelMonteiro/PHiSeg-code @ 86436f8 (Apache-2.0), proposed_4annot.py and
# likelihoods.py: PHiSeg's U-Net with batch normalisation, three 1x1 convolutions of 32, rank 10, 20 samples, floor
# 1e-5; Adam 1e-3, constant, batch 12, up to 500,000 steps.
PRESETS: dict[str, Mapping[str, Any]] = {
    "ssn-paper": {
        "method": SSNConfig(),
        "stages": {
            "ssn": StageConfig(
                steps=500_000, batch=12, lr=1e-3, warmup=0, decay="none", weight_decay=0.0, ema=0.0, clip=1e6
            ),
        },
    },
    "ssn-phantom": {
        "phantom": "grey",
        "method": SSNConfig(widths=(24, 32, 48), convs=2, annotators="all", monte_carlo=10),
        "stages": {"ssn": stage(400)},
        "validate_every": 1000,
        "validate_cases": 40,
    },
    "ssn-lidc": {
        "window": (64, 64),
        "method": SSNConfig(widths=(32, 64, 96, 128), convs=2),
        "stages": {"ssn": StageConfig(steps=4_000, batch=16, lr=1e-3, warmup=200)},
        "augment": LIDC_AUGMENT,
        "validate_every": 1000,
        "validate_cases": 200,
    },
}
