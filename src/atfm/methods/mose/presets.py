"""The presets of MoSE."""

from collections.abc import Mapping
from typing import Any

from atfm.methods.config import StageConfig
from atfm.methods.gtr.presets import LIDC_AUGMENT, stage
from atfm.methods.mose.config import MoSEConfig

__all__ = ["PRESETS"]


def _paper(steps: int) -> StageConfig:
    return StageConfig(steps=steps, batch=16, lr=1e-3, warmup=0, weight_decay=1e-5, ema=0.0, clip=1e6)


# Source of `mose-paper`: github.com/gaozhitong/MoSE-AUSeg @ 8261e7d (Apache-2.0), experiments/lidc_proposed.py,
# engine.py, models/MoSE.py and utils/OTloss.py: 4 experts, latent 1, 4 samples of each, gamma 1/2, then 1 when the loss
# has not fallen in 10 epochs, beta 1; Adam 1e-3, decay 1e-5, batch 16, 200 epochs, here of 9,880 / 16 = 617 steps. When
# gamma changed is not published: a quarter is ours. The rate fell by half on a plateau; here it falls by a cosine.
PRESETS: dict[str, Mapping[str, Any]] = {
    "mose-paper": {
        "method": MoSEConfig(),
        "stages": {"bounded": _paper(30_850), "nearest": _paper(92_550)},
    },
    "mose-phantom": {
        "phantom": "grey",
        "method": MoSEConfig(widths=(24, 32, 48), convs=2, gate=2, coupling="exact"),
        "stages": {"bounded": stage(150), "nearest": stage(350)},
        "validate_every": 1000,
        "validate_cases": 40,
    },
    "mose-lidc": {
        "window": (64, 64),
        "method": MoSEConfig(widths=(32, 64, 96, 128), convs=2, gate=3, coupling="exact"),
        "stages": {
            "bounded": StageConfig(steps=1_000, batch=16, lr=1e-3, warmup=200, weight_decay=1e-5),
            "nearest": StageConfig(steps=3_000, batch=16, lr=1e-3, warmup=100, weight_decay=1e-5),
        },
        "augment": LIDC_AUGMENT,
        "validate_every": 1000,
        "validate_cases": 200,
    },
}
