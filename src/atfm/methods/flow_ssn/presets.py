"""The presets of Flow-SSN."""

from collections.abc import Mapping
from typing import Any

from atfm.methods.config import StageConfig
from atfm.methods.flow_ssn.config import FlowSSNConfig, LightConfig
from atfm.methods.gtr.presets import LIDC_AUGMENT, stage

__all__ = ["PRESETS"]

# Source of `flow-ssn-paper`: github.com/biomedia-mira/flow-ssn @ bb9c919, scripts/run_continuous_lidc.sh and the
# defaults of its train.py: AdamW 1e-4, decay 1e-4, warm-up 2,000, clip 10, averaged weights .9999, batch 32, 1,001
# epochs ("fewer works"; here of 9,880 / 32 = 309 steps), one start a step, 50 Euler steps.
PRESETS: dict[str, Mapping[str, Any]] = {
    "flow-ssn-paper": {
        "method": FlowSSNConfig(),
        "stages": {
            "flow-ssn": StageConfig(
                steps=309_309, batch=32, lr=1e-4, warmup=2000, decay="none", weight_decay=1e-4, ema=0.9999, clip=10.0
            ),
        },
    },
    "flow-ssn-phantom": {
        "phantom": "grey",
        "method": FlowSSNConfig(
            base=LightConfig(widths=(24, 32, 48), head=0, dropout=0.0, patch=2),
            flow=LightConfig(widths=(24, 24, 24), head=0, dropout=0.0, patch=2),
            steps=20,
        ),
        "stages": {"flow-ssn": stage(1100, ema=0.99)},
        "validate_every": 1100,
        "validate_cases": 20,
        "validate_samples": 8,
    },
    "flow-ssn-lidc": {
        "window": (64, 64),
        "method": FlowSSNConfig(
            base=LightConfig(widths=(32, 48, 64, 96), head=0, patch=2),
            flow=LightConfig(widths=(24, 24, 24), head=0, patch=2),
            steps=20,
        ),
        "stages": {"flow-ssn": StageConfig(steps=6_000, batch=32, lr=1e-3, warmup=200, ema=0.998)},
        "augment": LIDC_AUGMENT,
        "validate_every": 2000,
        "validate_cases": 200,
    },
}
