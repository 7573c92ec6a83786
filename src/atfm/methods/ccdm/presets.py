"""The presets of CCDM."""

from collections.abc import Mapping
from typing import Any

from atfm.methods.ccdm.config import CCDMConfig
from atfm.methods.config import StageConfig
from atfm.methods.diffusion import LIDC, LIDC_NETWORK, PHANTOM, PHANTOM_NETWORK, NetworkConfig
from atfm.methods.gtr.presets import stage

__all__ = ["PRESETS"]

PRESETS: dict[str, Mapping[str, Any]] = {
    # LarsDoorenbos/ccdm-stochastic-segmentation, params.yml and ddpm/models/unet_openai: 32 x (1, 1, 2, 3, 4), 2
    # blocks, attention at strides 8 and 16; T 250, cosine, all of them visited; Adam 1e-4, down to 1e-6, Polyak .9999,
    # batches of 16, 2,000 epochs of 9,931 slices, one reader at a time, flips and quarter turns.
    "ccdm-paper": {
        "method": CCDMConfig(
            network=NetworkConfig(widths=(32, 32, 64, 96, 128), kind="adm", blocks=2, attention=(3, 4), head=32),
            levels=250,
            steps=250,
            readers=1,
        ),
        "stages": {
            "diffusion": StageConfig(steps=1_241_000, batch=16, lr=1e-4, warmup=0, weight_decay=0.0, ema=0.9999)
        },
    },
    "ccdm-phantom": {
        **PHANTOM,
        "method": CCDMConfig(network=PHANTOM_NETWORK, levels=100, steps=20, readers=4),
        "stages": {"diffusion": stage(1_200, ema=0.995)},
    },
    "ccdm-lidc": {
        **LIDC,
        "method": CCDMConfig(network=LIDC_NETWORK, levels=250, steps=25, readers=2),
        "stages": {"diffusion": StageConfig(steps=8_000, batch=16, lr=1e-3, warmup=200)},
    },
}
