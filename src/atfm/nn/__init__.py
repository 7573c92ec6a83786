"""Blocks of the networks; they know nothing of masks, samples or training."""

from atfm.nn.blocks import Attention, LinearAttention, ResBlock, conv, fold, unfold
from atfm.nn.time import TimeEmbedding
from atfm.nn.unet import UNet

__all__ = ["Attention", "LinearAttention", "ResBlock", "TimeEmbedding", "UNet", "conv", "fold", "unfold"]
