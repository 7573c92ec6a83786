"""What the presets of methods with latent variables share."""

from collections.abc import Mapping
from typing import Any

from atfm.methods.config import StageConfig
from atfm.methods.gtr.presets import LIDC_AUGMENT, stage
from atfm.methods.latent.config import LatentConfig

__all__ = ["lidc", "paper", "phantom"]


def paper(method: LatentConfig, stage_name: str, augment: Mapping[str, Any], **fields: Any) -> Mapping[str, Any]:
    """A published setting: Adam without averaged weights or clipping, images of 128x128, one reader a step."""
    plain: Mapping[str, Any] = {"ema": 0.0, "clip": 1e6, "weight_decay": 0.0, "warmup": 0}
    return {
        "method": method,
        "stages": {stage_name: StageConfig(**{**plain, **fields})},
        "augment": augment,
        "validate_every": 5_000,
        "save_every": 1_000,
    }


def phantom(method: LatentConfig, stage_name: str, steps: int, **fields: Any) -> Mapping[str, Any]:
    """Minutes on two cores."""
    return {
        "phantom": "grey",
        "method": method,
        "stages": {stage_name: stage(steps, **fields)},
        "validate_every": 1000,
        "validate_cases": 40,
        "validate_samples": 8,
    }


def lidc(method: LatentConfig, stage_name: str, steps: int, **fields: Any) -> Mapping[str, Any]:
    """Two cores for some hours: the central part, as for `lidc`."""
    return {
        "window": (64, 64),
        "method": method,
        "stages": {stage_name: StageConfig(steps=steps, **{"batch": 16, "lr": 1e-3, "warmup": 200, **fields})},
        "augment": LIDC_AUGMENT,
        "validate_every": 1000,
        "validate_cases": 200,
    }
