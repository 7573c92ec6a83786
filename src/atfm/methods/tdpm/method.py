"""TDPM: diffusion cut off at a level where masks still show, and a generator that draws there."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from atfm.data.batch import Batch
from atfm.diffusion.gaussian import diffuse, from_noise, masked_mean
from atfm.diffusion.sampler import ancestral
from atfm.flow.signs import signed, unsigned
from atfm.methods.diffusion import DiffusionMethod
from atfm.methods.readers import Readings, readings
from atfm.methods.samples import Drawn
from atfm.methods.tdpm.discriminator import Discriminator
from atfm.nn.precision import in_float32
from atfm.seeding import Draw

__all__ = ["TDPM"]


class TDPM(DiffusionMethod):
    r"""Truncated Diffusion Probabilistic Models (Zheng et al., ICLR 2023, arXiv 2202.09671), of masks `x_0 = +-1`.

    Noise is added up to level `K < T` only. There masks are distributed as no normal is, so a generator draws them,
    the same network at level `K + 1` (the paper's shared form), and is trained against a discriminator:

        L = || eps - eps_theta(x_k, k, image) ||^2,  k <= K      + gan ( L_G + L_D + L_R1 )
        L_G  = softplus( -D(G(z)) )                              D held fixed
        L_D  = softplus( -D(x_K) ) + softplus( D(G(z)) )         G held fixed;  x_K of a reader's mask
        L_R1 = r1 / 2 || grad D(x_K) ||^2

    The paper's three optimisers take turns; here one optimiser makes one step for all of them, each term with a
    gradient for its own player only.

    Args:
        discriminator: `D`.
        last: `K`, the truncation point.
        implicit: what the generator's output is: "direct", `x_K` itself (the paper), or "mask", a mask to which the
            noise of level `K` is added: `x_K` then has the form of the true marginal, and `G` only its mask to learn.
        gan: weight of the adversarial terms.
        r1: weight of the gradient penalty.
        arguments: those of `DiffusionMethod`.
    """

    def __init__(
        self,
        *arguments: Any,
        discriminator: Discriminator,
        last: int,
        implicit: Literal["direct", "mask"],
        gan: float,
        r1: float,
        **named: Any,
    ) -> None:
        super().__init__(*arguments, **named)
        self.discriminator = discriminator
        self.last, self.implicit, self.gan, self.r1 = last, implicit, gan, r1

    def truncated(self, x_0: Tensor, noise: Tensor) -> Tensor:
        """Return `x_K ~ q(x_K | x_0) = N( sqrt(alpha_bar_K) x_0, 1 - alpha_bar_K )` for standard normal noise."""
        return diffuse(x_0, noise, self.schedule.values[self.last])

    # Training.

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        read, window = readings(self, batch, self.readers), self.focus(batch.image)
        x_0 = signed(read.mask)  # [N, C, *window]
        if read.said is not None:  # nothing known: noise alone
            x_0 = torch.where(read.said.unsqueeze(1), x_0, 0.0)
        context = self.several(self.context(window))
        losses = {"noise": self._denoising(x_0, context, read)}
        z, noise = torch.randn_like(x_0), torch.randn_like(x_0)
        time = self.schedule.time(torch.full((1,), self.last + 1, device=x_0.device))
        drawn = self._start(self.network(z, time, context), noise).float()
        real = self.truncated(x_0, torch.randn_like(x_0))
        if read.said is not None:  # a judge sees the same pixels of both
            drawn, real = (torch.where(read.said.unsqueeze(1), x, 0.0) for x in (drawn, real))
        images = window.repeat_interleave(self.readers, 0)
        return losses | {name: self.gan * term for name, term in self._adversarial(drawn, real, images).items()}

    def _denoising(self, x_0: Tensor, context: Tensor, read: Readings) -> Tensor:
        k, noise = self.schedule.draw(len(x_0), self.last), torch.randn_like(x_0)
        eps = self.network(diffuse(x_0, noise, self.schedule.at(k)), self.schedule.time(k), context)
        return masked_mean((eps - noise).square(), read.said)

    @in_float32
    def _adversarial(self, drawn: Tensor, real: Tensor, images: Tensor) -> dict[str, Tensor]:
        """The terms of both players, for drawn and true `x_K [N, C, *window]`."""
        true = real.detach().requires_grad_()
        logits = self.discriminator(true, images)
        (slope,) = torch.autograd.grad(logits.sum(), true, create_graph=True)
        told_apart = F.softplus(-logits) + F.softplus(self.discriminator(drawn.detach(), images))
        return {
            "generator": F.softplus(-self.discriminator.held(drawn, images)).mean(),
            "discriminator": told_apart.mean(),
            "penalty": self.r1 / 2 * slope.square().flatten(1).sum(1).mean(),
        }

    def _start(self, output: Tensor, noise: Tensor) -> Tensor:
        """Return `x_K` of the generator's output, `[N, C, *window]`."""
        return output if self.implicit == "direct" else self.truncated(output.tanh(), noise)

    # Sampling.

    def path(self) -> Sequence[int]:
        return self.schedule.strided(self.steps, self.last)

    def needs(self, size: Sequence[int]) -> dict[str, Draw]:
        shape = (self.channels, *size)
        needs = {"latent": Draw("normal", shape), "steps": Draw("normal", (self.steps - 1, *shape), on_device=True)}
        return needs | ({"start": Draw("normal", shape)} if self.implicit == "mask" else {})

    def starts(self, image: Tensor, noise: Mapping[str, Tensor]) -> Tensor:
        """Draw `x_K` of each image `[B, C_in, *window]` from the generator, `[B S, C, *window]`."""
        latent = noise["latent"].flatten(0, 1)
        output = self.denoiser(self.context(image))(latent, self.last + 1)
        return self._start(output, noise["start"].flatten(0, 1) if self.implicit == "mask" else latent)

    def forward(self, image: Tensor, noise: Mapping[str, Tensor]) -> Drawn:
        network, table = self.denoiser(self.context(image)), self.schedule.values

        def predict(x: Tensor, k: int, j: int) -> tuple[Tensor, Tensor | None]:
            return from_noise(x, network(x, k), table[k]).clamp(-1, 1), None

        x_0 = ancestral(predict, self.starts(image, noise), self.schedule, self.path(), noise["steps"].flatten(0, 1))
        return Drawn(unsigned(x_0.unflatten(0, noise["latent"].shape[:2])))
