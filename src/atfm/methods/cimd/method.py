"""CIMD: Gaussian diffusion of masks, held to the ambiguity of the readers by two encoders."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.distributions import kl_divergence

from atfm.data.batch import Batch
from atfm.diffusion.gaussian import (
    Normal,
    diffuse,
    from_noise,
    learned_variance,
    masked_mean,
    negative_log_density,
    normal_kl,
    posterior,
)
from atfm.diffusion.sampler import ancestral
from atfm.flow.signs import signed, unsigned
from atfm.methods.cimd.encoder import AmbiguityEncoder
from atfm.methods.diffusion import DiffusionMethod
from atfm.methods.readers import readings
from atfm.methods.samples import Drawn
from atfm.nn.precision import in_float32
from atfm.seeding import Draw

__all__ = ["CIMD"]


class CIMD(DiffusionMethod):
    r"""Diffusion whose predicted masks are to be as ambiguous as the readers' (Rahman et al., CVPR 2023).

    The network predicts the noise and a variance of `x_0 = +-1` (Nichol and Dhariwal's hybrid loss), and

        L = || eps - eps_theta ||^2 + lambda L_vlb + beta KL( ACN(image, x_0 as predicted) || AMN(image, y) ),

    where the ambiguity modelling network AMN sees a reader's mask, and the ambiguity controlling network ACN the mask
    that the diffusion predicts from `x_k`. Both are trained, with the diffusion; sampling takes the diffusion alone.

    Args:
        modelling, controlling: AMN and ACN.
        vlb: `lambda`, of the variational bound in bits, which teaches the variance alone.
        ambiguity: `beta`.
        arguments: those of `DiffusionMethod`; the network's output is `[eps, v]`.
    """

    def __init__(
        self,
        *arguments: Any,
        modelling: AmbiguityEncoder,
        controlling: AmbiguityEncoder,
        vlb: float,
        ambiguity: float,
        **named: Any,
    ) -> None:
        super().__init__(*arguments, **named)
        self.modelling, self.controlling = modelling, controlling
        self.vlb, self.ambiguity = vlb, ambiguity

    # Training.

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        read = readings(self, batch, self.readers)
        x_0 = signed(read.mask)  # [N, C, *window]
        if read.said is not None:  # nothing known: noise alone
            x_0 = torch.where(read.said.unsqueeze(1), x_0, 0.0)
        k, noise = self.schedule.draw(len(x_0)), torch.randn_like(x_0)
        x_k = diffuse(x_0, noise, self.schedule.at(k))
        window = self.focus(batch.image)
        output = self.network(x_k, self.schedule.time(k), self.several(self.context(window)))
        eps, share = output.float().chunk(2, 1)
        losses = {"noise": masked_mean((eps - noise).square(), read.said)}
        losses["variance"] = self.vlb * masked_mean(self._bound(x_0, x_k, eps.detach(), share, k), read.said)
        seen = self._clipped(x_k, eps, self.schedule.at(k))
        if read.said is not None:  # both encoders look at what the reader speaks of
            seen = torch.where(read.said.unsqueeze(1), seen, 0.0)
        images = window.repeat_interleave(self.readers, 0)
        apart = kl_divergence(self.controlling(images, seen), self.modelling(images, x_0))  # [N]
        losses["ambiguity"] = self.ambiguity * apart.mean()
        return losses

    @in_float32
    def _bound(self, x_0: Tensor, x_k: Tensor, eps: Tensor, share: Tensor, k: Tensor) -> Tensor:
        """T times the term of level `k` of the variational bound, in bits, pixel by pixel."""
        before, now = self.schedule.at(k - 1), self.schedule.at(k)
        mean = posterior(x_k, from_noise(x_k, eps, now).clamp(-1, 1), before, now).mean
        model = Normal(mean, learned_variance(share, before, now))
        first = (k == 1).reshape(-1, *[1] * (x_0.dim() - 1))
        true = posterior(x_k, x_0, before, now)
        divergence = normal_kl(Normal(true.mean, true.variance.clamp_min(1e-20)), model)
        # A mask is no number on a grid of grey values: at the last step its density stands for their probability.
        nats = torch.where(first, negative_log_density(x_0, model), divergence)
        return self.schedule.levels * nats / torch.log(nats.new_tensor(2.0))

    @staticmethod
    def _clipped(x_k: Tensor, eps: Tensor, alpha_bar: Tensor | float) -> Tensor:
        """The mask that is predicted, in [-1, 1]."""
        return from_noise(x_k, eps, alpha_bar).clamp(-1, 1)

    # Sampling.

    def needs(self, size: Sequence[int]) -> dict[str, Draw]:
        shape = (self.channels, *size)
        return {
            "start": Draw("normal", shape),
            "steps": Draw("normal", (self.steps - 1, *shape), on_device=True),
        }

    def forward(self, image: Tensor, noise: Mapping[str, Tensor]) -> Drawn:
        network, start = self.denoiser(self.context(image)), noise["start"]  # [B, S, C, *window]
        table = self.schedule.values

        def predict(x: Tensor, k: int, j: int) -> tuple[Tensor, Tensor | None]:
            eps, share = network(x, k).float().chunk(2, 1)
            return self._clipped(x, eps, table[k]), learned_variance(share, table[j], table[k])

        steps = noise["steps"].flatten(0, 1)
        x_0 = ancestral(predict, start.flatten(0, 1), self.schedule, self.path(), steps)
        return Drawn(unsigned(x_0.unflatten(0, start.shape[:2])))
