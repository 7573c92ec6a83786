"""What the methods with latent variables share: configuration, method, and the heads of their distributions."""

from atfm.methods.latent.config import LatentConfig
from atfm.methods.latent.head import NormalHead
from atfm.methods.latent.method import LatentMethod, negative_log_likelihood

__all__ = ["LatentConfig", "LatentMethod", "NormalHead", "negative_log_likelihood"]
