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
    the same network (the paper's shared form) that is told the otherwise unused level `T`, and is trained against a
    discriminator of `x_K`, with true ones of a reader `y` of the same image:

        L = || eps - eps_theta(x_k, k, image) ||^2, k <= K,      + gan ( L_G + L_D + L_R ) + guide L_CE
        L_G  = softplus( D(x_K(y)) - D(G(z)) )                   D held fixed
        L_D  = softplus( D(G(z)) - D(x_K(y)) )                   G held fixed
        L_R  = r1 / 2 ( || grad D(x_K(y)) ||^2 + || grad D(G(z)) ||^2 )
        L_CE = - log G(y | z)                                    the generator's mask, pixel by pixel

    Both players answer for pairs, and both sides are penalised (Huang et al., NeurIPS 2024, eq. 2 and 5): a game that
    settles. The paper's three optimisers take turns; here one makes one step for all of them, each term with a
    gradient for its own player only. `L_CE` is ours; without it a generator needs far more than minutes.

    Args:
        discriminator: `D`.
        last: `K`, the truncation point.
        implicit: what the generator's output is: "direct", `x_K` itself (the paper), or "mask", a mask to which the
            noise of level `K` is added: `x_K` then has the form of the true marginal, and `G` only its mask to learn.
        gan: weight of the adversarial terms.
        r1: weight of the gradient penalties.
        guide: weight of `L_CE`, for "mask" alone; 0 is the paper.
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
        guide: float = 0.0,
        **named: Any,
    ) -> None:
        super().__init__(*arguments, **named)
        self.discriminator = discriminator
        self.last, self.implicit, self.gan, self.r1, self.guide = last, implicit, gan, r1, guide

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
        time = torch.ones(1, device=x_0.device)
        output = self.network(z, time, context)
        if self.guide:  # tanh of the output is the mean of the mask +-1 whose logit is twice the output
            surprise = F.binary_cross_entropy_with_logits(2 * output.float(), read.mask, reduction="none")
            losses["guide"] = self.guide * masked_mean(surprise, read.said)
        drawn = self._start(output, noise).float()
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
        true, false = real.detach().requires_grad_(), drawn.detach().requires_grad_()
        of_true, of_false = self.discriminator(true, images), self.discriminator(false, images)
        told = sum(logits.mean(1).sum() for logits in (*of_true, *of_false))
        slopes = torch.autograd.grad(told, (true, false), create_graph=True)
        held = self.discriminator.held(torch.cat([drawn, real]), torch.cat([images, images]))
        fooled, known = zip(*(logits.chunk(2) for logits in held), strict=True)
        return {
            "generator": _preferred(fooled, known),
            "discriminator": _preferred(of_true, of_false),
            "penalty": self.r1 / 2 * torch.stack([slope.square().flatten(1).sum(1).mean() for slope in slopes]).sum(),
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
        output = self.denoiser(self.context(image))(latent, self.schedule.levels)
        return self._start(output, noise["start"].flatten(0, 1) if self.implicit == "mask" else latent)

    def forward(self, image: Tensor, noise: Mapping[str, Tensor]) -> Drawn:
        network, table = self.denoiser(self.context(image)), self.schedule.values

        def predict(x: Tensor, k: int, j: int) -> tuple[Tensor, Tensor | None]:
            return from_noise(x, network(x, k), table[k]).clamp(-1, 1), None

        x_0 = ancestral(predict, self.starts(image, noise), self.schedule, self.path(), noise["steps"].flatten(0, 1))
        return Drawn(unsigned(x_0.unflatten(0, noise["latent"].shape[:2])))


def _preferred(first: Sequence[Tensor], second: Sequence[Tensor]) -> Tensor:
    """`softplus( D(second) - D(first) )` of the logits `[N, P]` of each level, all levels alike."""
    return torch.stack([F.softplus(b - a).mean() for a, b in zip(first, second, strict=True)]).mean()
