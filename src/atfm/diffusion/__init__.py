"""Diffusion: noise levels, what they make of a mask (Gaussian, categorical, bits), and the way back, written once."""

from atfm.diffusion.bits import as_bits, bits_of
from atfm.diffusion.denoiser import Denoiser
from atfm.diffusion.sampler import ancestral, categorical, ddim
from atfm.diffusion.schedule import SCHEDULES, Schedule, cosine, linear

__all__ = [
    "SCHEDULES",
    "Denoiser",
    "Schedule",
    "ancestral",
    "as_bits",
    "bits_of",
    "categorical",
    "cosine",
    "ddim",
    "linear",
]
