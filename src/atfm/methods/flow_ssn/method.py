r"""Flow-SSN, the continuous one (de Sousa Ribeiro et al., ICCV 2025).

    u ~ N(mu(image), s^2),   y_t = (1 - t) u + t y,   p(y | y_t, t) = softmax f(y_t, t)
    L = - mean over pixels of log p(y | y_t, t),      t ~ U(0, 1)

Most of the capacity is in `mu`; the flow `f` never sees the image. The exact endpoint of a pixel that is c with the
probability pi_c is in closed form `p(c | y_t, t) ~ pi_c N(y_t; (1 - t) mu + t e_c, (1 - t)^2 s^2)`.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor

from atfm.data.batch import Batch
from atfm.flow.path import endpoint_to_velocity, sample_path
from atfm.flow.signs import simplex
from atfm.flow.solver import EULER, integrate
from atfm.methods.method import Frame, Method, Stage
from atfm.methods.readers import readings
from atfm.methods.samples import Drawn
from atfm.nn.adm import ADMUNet
from atfm.nn.precision import in_float32
from atfm.nn.segmenter import probabilities
from atfm.seeding import Draw
from atfm.truncation.likelihood import log_likelihood

__all__ = ["FlowSSN"]

_LEAST = math.log(1e-5)  # the smallest learnt deviation, as published


class FlowSSN(Method):
    """A normal over logits that the image gives, and a flow from there to a mask that does not see the image.

    A binary mask is two classes here, as published: background and foreground.

    Args:
        base: image -> the mean `mu [B, C', *window]`, and the logarithm of the deviation where that is learnt.
        flow: point and time -> logits of the endpoint.
        frame: what it looks at and what it draws.
        deviation: `s`; None: learnt.
        monte_carlo: starts `M` of each image in a step, of whose likelihoods the mean is taken.
        velocity: "start": `p - u` (the published code), with which a sample is the mean over the steps of what they
            predict; "marginal": `(p - y_t) / (1 - t)`, the velocity that carries `u` to the law of the masks.
        steps: Euler steps when sampling.
        chunk: samples that are carried at a time; bounds memory, changes nothing else.
    """

    steps: int

    def __init__(
        self,
        base: ADMUNet,
        flow: ADMUNet,
        frame: Frame,
        *,
        deviation: float | None,
        monte_carlo: int,
        velocity: Literal["start", "marginal"],
        steps: int,
        chunk: int = 64,
    ) -> None:
        super().__init__(frame)
        self.base, self.flow, self.deviation, self.monte_carlo = base, flow, deviation, monte_carlo
        self.velocity, self.steps, self.chunk = velocity, steps, chunk
        self.classes = max(2, frame.channels)

    def stages(self) -> list[Stage]:
        return [Stage("flow-ssn", self, self, self.loss)]

    # Training.

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        mask, said = readings(self, batch, 1)  # [B, C, *window]
        return {"endpoint": self.endpoint_loss(self.focus(batch.image), self._one_hot(mask, said), said)}

    def endpoint_loss(self, window: Tensor, mask: Tensor, said: Tensor | None) -> Tensor:
        """Return `L`, with the logarithm of the mean likelihood over `M` starts, each pixel mean's exponential.

        Args:
            window: `[B, C_in, *window]`.
            mask: `[B, C', *window]`, one-hot; 0 where nothing is said.
            said: `[B, *window]` bool; None: all.
        """
        mean, deviation = self._base(window)
        shape = (len(window), self.monte_carlo, *mean.shape[1:])
        u = mean.unsqueeze(1) + deviation * torch.randn(shape, device=mean.device, dtype=mean.dtype)
        end = mask.unsqueeze(1).expand(shape)
        if said is not None:  # where nothing is said the path stands still, so that the network sees what it will see
            end = torch.where(said[:, None, None], end, u)
        t = torch.rand(len(window), device=mean.device).repeat_interleave(self.monte_carlo)  # one of an image
        path = sample_path(u.flatten(0, 1), end.flatten(0, 1), t)
        logits = self.flow(path.x_t, path.t).unflatten(0, shape[:2])
        return _endpoint(logits, mask.unsqueeze(1), None if said is None else said.unsqueeze(1))

    def _one_hot(self, mask: Tensor, said: Tensor | None) -> Tensor:
        """A mask `[B, C, *window]` with a channel for each class, 0 where nothing is said."""
        if self.channels > 1:
            return mask
        background = 1 - mask if said is None else (1 - mask) * said.unsqueeze(1)
        return torch.cat([background, mask], 1)

    def _base(self, window: Tensor) -> tuple[Tensor, Tensor | float]:
        """`mu [B, C', *window]`, and `s`, a number or `[B, 1, C', *window]`, both float32."""
        found = self.base(window).float()
        if self.deviation is not None:
            return found, self.deviation
        mean, logarithm = found.chunk(2, 1)
        return mean, logarithm.clamp_min(_LEAST).exp().unsqueeze(1)

    # Sampling.

    def needs(self, size: Sequence[int]) -> dict[str, Draw]:
        return {"pixel": Draw("normal", (self.classes, *size))}

    def forward(self, image: Tensor, noise: Mapping[str, Tensor]) -> Drawn:
        mean, deviation = self._base(image)
        u = mean.unsqueeze(1) + deviation * noise["pixel"]  # [B, S, C', *window]
        parts = [self.carry(part) for part in u.flatten(0, 1).split(self.chunk)]
        shares = simplex(torch.cat(parts).unflatten(0, u.shape[:2]))
        return Drawn(shares[:, :, 1:] if self.channels == 1 else shares)

    def carry(self, u: Tensor) -> Tensor:
        """Carry starts `u [N, C', *window]` to t = 1."""

        def field(x: Tensor, t: float) -> Tensor:
            time = x.new_full((1,), t)
            end = probabilities(self.flow(x, time))
            return end - u if self.velocity == "start" else endpoint_to_velocity(end, x, time)

        return integrate(field, u, self.steps, EULER)


@in_float32
def _endpoint(logits: Tensor, mask: Tensor, said: Tensor | None) -> Tensor:
    """`- log 1/M sum_m exp( mean over pixels of log p )`, the mean over images; `logits [B, M, C', *window]`."""
    pixels = logits[0, 0, 0].numel() if said is None else said.flatten(1).sum(1).clamp_min(1).unsqueeze(1)
    each = log_likelihood(logits, mask, said).squeeze(2) / pixels  # [B, M]
    return (math.log(each.shape[1]) - each.logsumexp(1)).mean()
