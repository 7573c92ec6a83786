"""Analog Bits: Gaussian diffusion of the binary digits of classes, conditioned on what was predicted before."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from atfm.data.batch import Batch
from atfm.diffusion.bits import as_bits, bits_of
from atfm.diffusion.gaussian import diffuse
from atfm.diffusion.sampler import ddim
from atfm.flow.loss import cross_entropy
from atfm.methods.diffusion import DiffusionMethod
from atfm.methods.readers import readings
from atfm.methods.samples import Drawn
from atfm.nn.precision import in_float32
from atfm.seeding import Draw

__all__ = ["AnalogBits"]


class AnalogBits(DiffusionMethod):
    """Bits `x_0 = b (2 digit - 1)` in Gaussian noise; the network tells the class from `x_k` and its last estimate.

    The loss is the cross-entropy of the class (Chen et al., ICCV 2023, section 3.2), and `x_0` as the sampler sees it
    is the expected bit, `b sum_c p_c bit(c)`. In half of the steps of a training the network sees an estimate that it
    has just made itself, without gradient, else zeros (self-conditioning; Chen et al., ICLR 2023, section 2.2).

    Args:
        scale: `b`, which sets the signal against the noise.
        arguments: those of `DiffusionMethod`.
    """

    def __init__(self, *arguments: Any, scale: float, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.scale = scale

    # Training.

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        read = readings(self, batch, self.readers)
        x_0 = self.scale * as_bits(read.mask)  # [N, n, *window]
        if read.said is not None:  # nothing known: noise alone
            x_0 = torch.where(read.said.unsqueeze(1), x_0, 0.0)
        k = self.schedule.draw(len(x_0))
        time = self.schedule.time(k)
        x_k = diffuse(x_0, torch.randn_like(x_0), self.schedule.at(k))
        context = self.several(self.context(self.focus(batch.image)))
        with torch.no_grad():
            first = self.network(torch.cat([x_k, torch.zeros_like(x_k)], 1), time, context)
            told = torch.rand(len(x_k), device=x_k.device) < 0.5
            known = self._estimate(first) * told.reshape(-1, *[1] * (x_k.dim() - 1))
        logits = self.network(torch.cat([x_k, known], 1), time, context)
        return {"class": cross_entropy(logits, read.mask, read.said)}

    @in_float32
    def _shares(self, logits: Tensor) -> Tensor:
        """Probabilities `[N, C, *window]` of logits."""
        return logits.sigmoid() if self.channels == 1 else logits.softmax(1)

    def _estimate(self, logits: Tensor) -> Tensor:
        """Expected bits `[N, n, *window]`, scaled."""
        return self.scale * as_bits(self._shares(logits))

    # Sampling.

    def needs(self, size: Sequence[int]) -> dict[str, Draw]:
        return {"start": Draw("normal", (bits_of(self.channels), *size))}

    def forward(self, image: Tensor, noise: Mapping[str, Tensor]) -> Drawn:
        network, start = self.denoiser(self.context(image)), noise["start"]  # [B, S, n, *window]

        def logits(x: Tensor, k: int, known: Tensor | None) -> Tensor:
            return network(torch.cat([x, torch.zeros_like(x) if known is None else known], 1), k)

        def predict(x: Tensor, k: int, known: Tensor | None) -> Tensor:
            return self._estimate(logits(x, k, known))

        *levels, _ = self.path()  # of the last step the classes themselves are wanted, not their bits
        x, known = ddim(predict, start.flatten(0, 1), self.schedule, levels)
        return Drawn(self._shares(logits(x, levels[-1], known)).unflatten(0, start.shape[:2]))
