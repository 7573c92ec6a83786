"""What the methods of diffusion share; no method by itself."""

from atfm.methods.diffusion.config import DiffusionConfig, NetworkConfig
from atfm.methods.diffusion.method import DiffusionMethod
from atfm.methods.diffusion.presets import LIDC, LIDC_NETWORK, PHANTOM, PHANTOM_NETWORK

__all__ = [
    "LIDC",
    "LIDC_NETWORK",
    "PHANTOM",
    "PHANTOM_NETWORK",
    "DiffusionConfig",
    "DiffusionMethod",
    "NetworkConfig",
]
