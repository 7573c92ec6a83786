"""The presets of CIMD."""

from collections.abc import Mapping
from typing import Any

from atfm.methods.cimd.config import CIMDConfig
from atfm.methods.config import StageConfig
from atfm.methods.diffusion import LIDC, LIDC_NETWORK, PHANTOM, PHANTOM_NETWORK, NetworkConfig
from atfm.methods.gtr.presets import stage

__all__ = ["PRESETS"]

PRESETS: dict[str, Mapping[str, Any]] = {
    # aimansnigdha/Ambiguous-Medical-Image-Segmentation-using-Diffusion-Models, README, script_util.py, train_util.py:
    # 128 x (1, 1, 2, 3, 4), 2 blocks, attention at 16 pixels (stride 8); encoders 32-64-128-192, latent 6; T 1000,
    # linear; AdamW 1e-4 without decay, EMA .9999; a log ends at 53,000 steps of 140 images; one reader at a time.
    "cimd-paper": {
        "method": CIMDConfig(
            network=NetworkConfig(widths=(128, 128, 256, 384, 512), kind="adm", blocks=2, attention=(3,)),
            encoder_widths=(32, 64, 128, 192),
            levels=1000,
            schedule="linear",
            steps=1000,
            readers=1,
        ),
        "stages": {
            "diffusion": StageConfig(
                steps=53_000, batch=140, parts=7, lr=1e-4, warmup=0, decay="none", weight_decay=0.0, ema=0.9999
            )
        },
    },
    "cimd-phantom": {
        **PHANTOM,
        "method": CIMDConfig(network=PHANTOM_NETWORK, levels=100, schedule="linear", steps=20, readers=4),
        "stages": {"diffusion": stage(1_000, ema=0.995)},
    },
    "cimd-lidc": {
        **LIDC,
        "method": CIMDConfig(
            network=LIDC_NETWORK, encoder_widths=(16, 32, 48), levels=250, schedule="linear", steps=25, readers=2
        ),
        "stages": {"diffusion": StageConfig(steps=8_000, batch=16, lr=1e-3, warmup=200)},
    },
}
