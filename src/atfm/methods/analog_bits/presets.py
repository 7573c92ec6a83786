"""The presets of Analog Bits."""

from collections.abc import Mapping
from typing import Any

from atfm.methods.analog_bits.config import AnalogBitsConfig
from atfm.methods.config import StageConfig
from atfm.methods.diffusion import LIDC, LIDC_NETWORK, PHANTOM, PHANTOM_NETWORK, NetworkConfig
from atfm.methods.gtr.presets import stage

__all__ = ["PRESETS"]

PRESETS: dict[str, Mapping[str, Any]] = {
    # Ours: no setting on LIDC is published, neither by the authors nor with CCDM's rerun (of which T 250 is known). The
    # network and optimiser are the panoptic ones of google-research/pix2seq, configs/config_diffusion_panoptic_base.py:
    # 32 x (1, 2, 3, 4), attention at 16 pixels and below (stride 8), b .1, cosine, AdamW 1e-3, decay .05, EMA .9999,
    # batches of 32; as many image views as CCDM (19.9 M).
    "analog-bits-paper": {
        "method": AnalogBitsConfig(
            network=NetworkConfig(widths=(32, 64, 96, 128), kind="adm", blocks=2, attention=(3,)),
            levels=1000,
            steps=250,
            scale=0.1,
            readers=1,
        ),
        "stages": {
            "diffusion": StageConfig(steps=620_000, batch=32, lr=1e-3, warmup=3_000, weight_decay=0.05, ema=0.9999)
        },
    },
    "analog-bits-phantom": {
        **PHANTOM,
        "method": AnalogBitsConfig(network=PHANTOM_NETWORK, levels=1000, steps=20, readers=4),
        "stages": {"diffusion": stage(900, ema=0.995)},
    },
    "analog-bits-lidc": {
        **LIDC,
        "method": AnalogBitsConfig(network=LIDC_NETWORK, levels=1000, steps=25, readers=2),
        "stages": {"diffusion": StageConfig(steps=6_500, batch=16, lr=1e-3, warmup=200)},
    },
}
