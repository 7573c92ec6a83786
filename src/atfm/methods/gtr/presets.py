"""The presets of GTR alone: those of ATFM without the flow."""

from collections.abc import Mapping
from typing import Any

from atfm.methods.config import StageConfig
from atfm.methods.gtr.config import GTRConfig

__all__ = ["LIDC_AUGMENT", "PRESETS", "stage"]

# Every whole number of degrees is sound, since a nodule on a CT slice has no upright.
LIDC_AUGMENT: Mapping[str, Any] = {"warp": 0.5, "scale": 0.15, "shift": 3.0, "contrast": 0.2, "brightness": 0.1}


def stage(steps: int, **fields: Any) -> StageConfig:
    """A stage of the phantoms: small batches in two parts, which two processes may share."""
    return StageConfig(steps=steps, **{"batch": 16, "parts": 2, "lr": 3e-3, "warmup": 50, "ema": 0.98} | fields)


PRESETS: dict[str, Mapping[str, Any]] = {
    "gtr-phantom": {
        "phantom": "grey",
        "method": GTRConfig(widths=(24, 32), patch=2, monte_carlo=10),
        "stages": {"gtr": stage(800)},
        "validate_every": 1000,
        "validate_cases": 40,
    },
    "gtr-lidc": {
        "window": (64, 64),
        "method": GTRConfig(widths=(32, 48, 64, 96), patch=2),
        "stages": {"gtr": StageConfig(steps=5_000, batch=32, lr=2e-3, warmup=200)},
        "augment": LIDC_AUGMENT,
        "validate_every": 1000,
        "validate_cases": 200,
    },
}
