"""What the small presets of the methods of diffusion share, so that they differ in the method alone."""

from collections.abc import Mapping
from typing import Any

from atfm.methods.diffusion.config import NetworkConfig
from atfm.methods.gtr.presets import LIDC_AUGMENT

__all__ = ["LIDC", "LIDC_NETWORK", "PHANTOM", "PHANTOM_NETWORK"]

PHANTOM_NETWORK = NetworkConfig(widths=(16, 32, 48), context_widths=(24, 32, 48), patch=2)
PHANTOM: Mapping[str, Any] = {"phantom": "grey", "validate_every": 10_000, "validate_cases": 40, "validate_samples": 8}
LIDC_NETWORK = NetworkConfig(widths=(24, 48, 64, 96), context_widths=(32, 48, 64), patch=2)
LIDC: Mapping[str, Any] = {
    "window": (64, 64),
    "augment": LIDC_AUGMENT,
    "validate_every": 2000,
    "validate_cases": 100,
}
