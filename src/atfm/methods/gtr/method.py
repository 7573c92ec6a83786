"""GTR alone as a method: the paper's "Act. GTR" ablation and, in essence, a Stochastic Segmentation Network."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, cast

import torch
from torch import Tensor

from atfm.data.batch import Batch
from atfm.distributions.low_rank_normal import LowRankNormal
from atfm.flow.energy import cut, harden, score_masks
from atfm.methods.method import Frame, Method, Stage
from atfm.methods.samples import Drawn
from atfm.methods.sliding import NoiseField, Tiling
from atfm.nn.precision import in_float32
from atfm.seeding import Draw, Noise
from atfm.truncation.likelihood import all_annotators, one_annotator
from atfm.truncation.network import GTRNetwork
from atfm.truncation.presence import PresenceNetwork, hurdle, marked, presence_loss

__all__ = ["GTR", "OwnEnergy", "squash"]


@in_float32
def squash(logits: Tensor) -> Tensor:
    """Return the probabilities of logits `[B, S, C, *spatial]`: sigmoid for one channel, softmax for several."""
    return logits.sigmoid() if logits.shape[2] == 1 else logits.softmax(2)


class OwnEnergy(NamedTuple):
    """How the energy score of GTR's own samples stands beside its likelihood, see `atfm.flow.energy`.

    Args:
        weight: of the score, in units of the likelihood at hand: nats grow with what is marked, and distances do not.
        draws: samples of each image in it; up to half of those of the likelihood, they are some of these.
        slope: of its gradient at the threshold of a mask, see `atfm.flow.energy.harden`.
    """

    weight: float
    draws: int
    slope: float


class GTR(Method):
    """A distribution over logits, trained by its Monte-Carlo likelihood (ATFM, eq. 5), behind a hurdle if there is one.

    Args:
        network: image -> distribution.
        frame: what it looks at and what it draws.
        presence: image -> whether a reader marks anything; the distribution is then that of masks which do. None: the
            distribution is that of all masks.
        monte_carlo: number `M` of antithetic samples in the likelihood.
        shared: all annotators of an image share the M samples; False is the paper's form, one annotator at a time.
        energy: the energy score beside the likelihood; None: the paper's form.
        temperature: scale of the noise when sampling; trained is the distribution of temperature 1.
        stride: as for `Method`.
    """

    temperature: float

    def __init__(
        self,
        network: GTRNetwork,
        frame: Frame,
        *,
        presence: PresenceNetwork | None = None,
        monte_carlo: int = 20,
        shared: bool = True,
        energy: OwnEnergy | None = None,
        temperature: float = 1.0,
        stride: int | None = None,
    ) -> None:
        super().__init__(frame, stride)
        self.network, self.presence, self.monte_carlo, self.shared = network, presence, monte_carlo, shared
        self.own_energy, self.temperature = energy, temperature

    def stages(self) -> list[Stage]:
        own = Stage("gtr", self, self.network, self.loss)
        return [own] if self.presence is None else [Stage("presence", self, self.presence, self.presence_loss), own]

    # Training.

    def presence_loss(self, batch: Batch) -> dict[str, Tensor]:
        """Return minus the log-likelihood of whether each reader marks anything."""
        presence = cast(PresenceNetwork, self.presence)
        seen = marked(self.focus(batch.annotations), batch.present)
        return {"presence": presence_loss(presence(self.focus(batch.image)), seen, batch.present)}

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        annotations = self.focus(batch.annotations)
        valid = None if batch.valid is None else self.focus(batch.valid)
        seen = None if self.presence is None else marked(annotations, batch.present)
        distribution = self.network(self.focus(batch.image))
        likelihood = all_annotators if self.shared else one_annotator
        logits = distribution.antithetic(self.monte_carlo)
        losses = {"likelihood": likelihood(logits, annotations, batch.present, valid, marked=seen).mean()}
        own = self.own_energy
        if own is None:
            return losses
        masks = self._masks(distribution, logits, own)
        score = self.score(masks, annotations, batch.present, valid)
        return losses | {"score": own.weight * losses["likelihood"].detach() * score}

    @in_float32
    def _masks(self, distribution: LowRankNormal, logits: Tensor, own: OwnEnergy) -> Tensor:
        """Independent samples `[B, S, C, *window]` as masks: of antithetic logits one of each pair, where these do."""
        enough = own.draws <= logits.shape[1] // 2
        drawn = logits[:, : own.draws] if enough else distribution.rsample((own.draws,)).movedim(0, 1)
        return cut(drawn, slope=own.slope) if self.channels == 1 else harden(squash(drawn), slope=own.slope)

    def score(self, masks: Tensor, annotations: Tensor, present: Tensor, valid: Tensor | None) -> Tensor:
        """Return the energy score of masks `[B, S, C, *window]`, without those readers that a hurdle answers for.

        Behind a hurdle the score is that of the mixture `q [empty] + (1 - q) p(Y | present)` with the readers' own
        share `q` of empty masks. There the terms of empty masks cancel, and of the energy score is left

            (1 - q)^2 ( 2 E d(s, y) - E d(s, s') ),    y of the readers who marked something,

        which tells the masks nothing of presence, and weighs an image that one reader of four marked by 1/16.

        Args:
            masks: independent samples, with a gradient, see `atfm.flow.energy`.
            annotations: `[B, K, C, *window]`.
            present: `[B, K]` bool.
            valid: `[B, K, *window]` bool; None: all.
        """
        if self.presence is None:
            return score_masks(masks, annotations, present, valid)
        seen = marked(annotations, present)
        weight = (seen.sum(1) / present.sum(1)).square()
        return score_masks(masks, annotations, seen, valid, weight=weight)

    # Sampling.

    def needs(self, size: Sequence[int]) -> dict[str, Draw]:
        field = self._field(size)
        rank = Draw("normal", (self.network.rank, *(field.knots if field else ())))
        needs = {"low-rank": rank, "pixel": Draw("normal", (self.channels, *size))}
        return needs if self.presence is None else needs | {"presence": Draw("uniform")}

    def forward(self, image: Tensor, noise: Mapping[str, Tensor]) -> Drawn:
        return self.behind_hurdle(self.start(self.network(image), noise, self.temperature), image, noise)

    @in_float32
    def start(self, distribution: LowRankNormal, noise: Mapping[str, Tensor], temperature: float = 1.0) -> Tensor:
        """Return `X_0 = sigmoid(X_trunc)`, `[B, S, C, *window]`, for given noise, scaled."""
        logits = distribution.from_noise(temperature * noise["low-rank"], temperature * noise["pixel"])
        return squash(logits)

    def _field(self, size: Sequence[int]) -> NoiseField | None:
        """How the low-rank noise lies over an image of several tiles; None where there is one vector for the whole."""
        return NoiseField(size, self.size) if self.frame.slides and tuple(size) != self.size else None

    def behind_hurdle(self, probabilities: Tensor, image: Tensor, noise: Mapping[str, Tensor]) -> Drawn:
        """Return samples `[B, S, C, *window]` of masks given presence as samples of all masks, if there is a hurdle.

        Presence is drawn from the sample's own noise, so a sample keeps its meaning whatever else is drawn.
        """
        if self.presence is None:
            return Drawn(probabilities)
        here = self.presence.probability(image)  # [B]
        return Drawn(hurdle(probabilities, noise["presence"] < here.unsqueeze(1)), empty=1 - here)

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
        shape, packed, padded = self._packed(tiling, image)
        return self._unpacked(tiling.blend(shape, packed, padded))

    def slide(self, tiling: Tiling, image: Tensor, n: int, noise: Noise, first: int) -> Drawn:
        numbers = noise.draw(self.needs(tiling.padded), n, image.device, first=first)
        return Drawn(self.slid(tiling, image, numbers, self.temperature))

    def slid(self, tiling: Tiling, image: Tensor, noise: Mapping[str, Tensor], temperature: float = 1.0) -> Tensor:
        """Return `X_0` of the padded image, `[B, S, C, *padded]`, as `start` of its blended distribution.

        It is made slab by slab, since the distribution takes 2 + R numbers for each of the image's, or each sample's.
        """
        shape, packed, padded = self._packed(tiling, image)
        x_0 = torch.empty_like(noise["pixel"])
        for rows, part in tiling.slabs(shape, packed, padded):
            x_0[:, :, :, rows] = self._slab(self._unpacked(part), noise, tiling.padded, rows, temperature)
        return x_0

    @in_float32
    def _slab(
        self,
        distribution: LowRankNormal,
        noise: Mapping[str, Tensor],
        size: Sequence[int],
        rows: slice,
        temperature: float,
    ) -> Tensor:
        """Return some rows of `X_0` of an image of this padded size, for noise of the whole."""
        low_rank, pixel = temperature * noise["low-rank"], temperature * noise["pixel"][:, :, :, rows]
        field = self._field(size)
        if field is None:
            return squash(distribution.from_noise(low_rank, pixel))
        return squash(distribution.from_fields(field.components(low_rank, rows), pixel))

    def _packed(
        self, tiling: Tiling, image: Tensor
    ) -> tuple[tuple[int, int], Callable[[list[tuple[int, ...]]], Tensor], Tensor]:
        """What is to be blended of an image: its `[B, channels]`, what gives it of some tiles, and the padded image."""
        padded = tiling.pad(image)

        def packed(corners: list[tuple[int, ...]]) -> Tensor:
            tile = cast(LowRankNormal, self.network(tiling.cut(padded, corners)))
            return torch.cat([tile.mean, tile.factor.flatten(1, 2), tile.diagonal.sqrt()], 1)  # [T B, C + R C + C, ...]

        return (len(image), (2 + self.network.rank) * self.channels), packed, padded

    def _unpacked(self, packed: Tensor) -> LowRankNormal:
        channels, rank = self.channels, self.network.rank
        mean, factor, deviation = packed.split([channels, rank * channels, channels], 1)
        factor = factor.unflatten(1, (rank, channels))  # [B, R, C, *spatial]
        return LowRankNormal(mean, factor, deviation.square(), event_dims=1 + len(self.size))
