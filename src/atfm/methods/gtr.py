"""GTR alone as a method: the paper's "Act. GTR" ablation and, in essence, a Stochastic Segmentation Network."""

from typing import cast

import torch
from torch import Tensor

from atfm.data.batch import Batch
from atfm.distributions.low_rank_normal import LowRankNormal
from atfm.methods.method import Method, Samples
from atfm.methods.sliding import Tiling
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
        in_channels, channels, size, window, stride: as for `Method`.
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
        stride: int | None = None,
    ) -> None:
        super().__init__(in_channels, network.channels, size, window, stride)
        self.network, self.monte_carlo, self.shared = network, monte_carlo, shared

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        logits = self.network(self.focus(batch.image)).antithetic(self.monte_carlo)
        likelihood = all_annotators if self.shared else one_annotator
        counts = None if batch.counts is None else self.focus(batch.counts)
        losses = likelihood(logits, self.focus(batch.annotations), batch.present, counts=counts)  # [B]
        return {"likelihood": losses.mean()}

    def distribution(self, image: Tensor) -> LowRankNormal:
        """Return the distribution over the logits of the window of `[B, C_in, *spatial]`, or of all it slides over."""
        tiling = self.tiling(image.shape[2:])
        if tiling is None:
            return cast(LowRankNormal, self.network(self.focus(image)))
        return self.blended(tiling, image)

    def blended(self, tiling: Tiling, image: Tensor) -> LowRankNormal:
        """Return one distribution over the padded image, blended from those of its tiles.

        Mean, factor and standard deviation are averaged: a sample of it is the average of what the tiles would have
        drawn from the same noise.
        """
        padded = tiling.pad(image)
        channels, rank = self.channels, self.network.rank

        def packed(corners: list[tuple[int, ...]]) -> Tensor:
            tile = cast(LowRankNormal, self.network(tiling.cut(padded, corners)))
            return torch.cat([tile.mean, tile.factor.flatten(1, 2), tile.diagonal.sqrt()], 1)  # [T B, C + R C + C, ...]

        whole = tiling.blend((len(image), (2 + rank) * channels), packed, padded)
        mean, factor, deviation = whole.split([channels, rank * channels, channels], 1)
        factor = factor.unflatten(1, (rank, channels))  # [B, R, C, *padded]
        return LowRankNormal(mean, factor, deviation.square(), event_dims=1 + len(self.size))

    def draw(
        self, distribution: LowRankNormal, n: int, noise: Noise, temperature: float = 1.0, tiling: Tiling | None = None
    ) -> Tensor:
        """Draw `X_0 = sigmoid(X_trunc)`, `[B, n, C, *window]`, from the noise of each (case, sample), scaled.

        Of a `blended` distribution, `[B, n, C, *padded]`, the low-rank noise is a field over its `tiling`.
        """
        device, knots = distribution.mean.device, tiling.knots if tiling else ()
        low_rank = temperature * noise.normal("low-rank", n, (distribution.rank, *knots), device)
        pixel = temperature * noise.normal("pixel", n, tuple(distribution.event_shape), device)
        if tiling is None or len(tiling) == 1:
            return squash(distribution.from_noise(low_rank.flatten(2), pixel))
        return squash(distribution.from_fields(tiling.fields(low_rank), pixel))

    @torch.no_grad()
    def sample(self, image: Tensor, n: int, *, generator: Noise | torch.Generator) -> Samples:
        self.check(image)
        noise = as_noise(generator, len(image))
        tiling = self.tiling(image.shape[2:])
        x_0 = self.draw(self.distribution(image), n, noise, tiling=tiling)  # [B, S, C, *window]
        return self.samples(tiling.crop(x_0) if tiling else x_0)
