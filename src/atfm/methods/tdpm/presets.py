"""The presets of TDPM."""

from collections.abc import Mapping
from typing import Any

from atfm.methods.config import StageConfig
from atfm.methods.diffusion import LIDC, LIDC_NETWORK, PHANTOM, PHANTOM_NETWORK, NetworkConfig
from atfm.methods.gtr.presets import stage
from atfm.methods.tdpm.config import TDPMConfig

__all__ = ["PRESETS"]

PRESETS: dict[str, Mapping[str, Any]] = {
    # Ours: TDPM was never published on LIDC. What is published for CIFAR-10 is taken over, from
    # JegZheng/truncated-diffusion-probabilistic-models, configs/cifar10.yml and README: 128 x (1, 2, 2, 2), 2 blocks,
    # attention at 16 pixels (stride 8), T 1000, linear, 100 levels before the truncation point, Adam 2e-4, clip 1, EMA
    # .9999, batches of 128, R1 .01; a plain discriminator, not StyleGAN2's; as many image views as CCDM (19.9 M).
    "tdpm-paper": {
        "method": TDPMConfig(
            network=NetworkConfig(widths=(128, 256, 256, 256), kind="adm", blocks=2, attention=(3,)),
            discriminator_widths=(64, 128, 256, 256),
            levels=1000,
            schedule="linear",
            truncation=100,
            steps=100,
            implicit="direct",
            r1=0.01,
            readers=1,
        ),
        "stages": {
            "diffusion": StageConfig(
                steps=155_000, batch=128, parts=4, lr=2e-4, warmup=0, decay="none", weight_decay=0.0, ema=0.9999
            )
        },
    },
    "tdpm-phantom": {
        **PHANTOM,
        "method": TDPMConfig(network=PHANTOM_NETWORK, levels=100, truncation=60, steps=10, guide=1.0, readers=4),
        "stages": {"diffusion": stage(800, ema=0.995)},
    },
    "tdpm-lidc": {
        **LIDC,
        "method": TDPMConfig(
            network=LIDC_NETWORK,
            discriminator_widths=(16, 32, 48),
            levels=250,
            truncation=150,
            steps=10,
            guide=1.0,
            readers=2,
        ),
        "stages": {"diffusion": StageConfig(steps=6_000, batch=16, lr=1e-3, warmup=200)},
    },
}
