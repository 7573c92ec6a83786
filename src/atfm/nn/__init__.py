"""Blocks of the networks; they know nothing of masks, samples or training."""

from atfm.nn.adm import ADMUNet
from atfm.nn.blocks import Attention, LinearAttention, ResBlock, conv, pixel_shuffle, pixel_unshuffle
from atfm.nn.precision import in_float32
from atfm.nn.segmenter import Segmenter
from atfm.nn.time import TimeEmbedding
from atfm.nn.unet import UNet

__all__ = [
    "ADMUNet",
    "Attention",
    "LinearAttention",
    "ResBlock",
    "Segmenter",
    "TimeEmbedding",
    "UNet",
    "conv",
    "in_float32",
    "pixel_shuffle",
    "pixel_unshuffle",
]
