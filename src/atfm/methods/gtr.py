"""GTR alone as a method: the paper's "Act. GTR" ablation and, in essence, a Stochastic Segmentation Network."""

from typing import cast

import torch
from torch import Tensor

from atfm.data.batch import Batch
from atfm.distributions.low_rank_normal import LowRankNormal
from atfm.methods.method import Method, Samples
from atfm.seeding import Noise, as_noise
from atfm.truncation.likelihood import all_annotators, one_annotator
from atfm.truncation.network import GTRNetwork

__all__ = ["GTR", "squash"]


def squash(logits: Tensor) -> Tensor:
    """Return the probabilities of logits `[B, S, C, *spatial]`: sigmoid for one channel, softmax for several."""
    return logits.sigmoid() if logits.shape[2] == 1 else logits.softmax(2)


class GTR(Method):
    """Stage 1: a distribution over logits, trained by its Monte-Carlo likelihood (ATFM, eq. 5).

    Args:
        network: image -> distribution.
        in_channels, channels, size, window: as for `Method`.
        monte_carlo: number `M` of antithetic samples in the likelihood.
        shared: all annotators of an image share the M samples; False is the paper's form, one annotator at a time.
    """

    def __init__(
        self,
        network: GTRNetwork,
        *,
        size: tuple[int, ...],
        window: tuple[int, ...] | None = None,
        in_channels: int = 1,
        monte_carlo: int = 20,
        shared: bool = True,
    ) -> None:
        super().__init__(in_channels, network.channels, size, window)
        self.network, self.monte_carlo, self.shared = network, monte_carlo, shared

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        logits = self.network(self.focus(batch.image)).antithetic(self.monte_carlo)
        likelihood = all_annotators if self.shared else one_annotator
        return {"likelihood": likelihood(logits, self.focus(batch.annotations), batch.present).mean()}

    def distribution(self, image: Tensor) -> LowRankNormal:
        """Return the distribution over logits of the window, `[B, C_in, *spatial]` in."""
        return cast(LowRankNormal, self.network(self.focus(image)))

    def draw(self, distribution: LowRankNormal, n: int, noise: Noise, temperature: float = 1.0) -> Tensor:
        """Draw `X_0 = sigmoid(X_trunc)`, `[B, n, C, *window]`, from the noise of each (case, sample), scaled."""
        device = distribution.mean.device
        low_rank = noise.normal("low-rank", n, (distribution.rank,), device)
        pixel = noise.normal("pixel", n, tuple(distribution.event_shape), device)
        return squash(distribution.from_noise(temperature * low_rank, temperature * pixel))

    @torch.no_grad()
    def sample(self, image: Tensor, n: int, *, generator: Noise | torch.Generator) -> Samples:
        self.check(image)
        noise = as_noise(generator, len(image))
        return self.samples(self.draw(self.distribution(image), n, noise))
