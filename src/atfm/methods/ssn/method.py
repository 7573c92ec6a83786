r"""The Stochastic Segmentation Network (Monteiro et al., NeurIPS 2020).

    X ~ N(mu, D D^T + L)(image),   p(y | X) = softmax X,   L = - log 1/M sum_m p(y | X^m)            (eq. 6)

It is GTR where both do the same. It differs by its network, by a logit for the background too (so a binary mask is two
classes), by samples that are independent, not antithetic, and by one annotator at a time.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from atfm.data.batch import Batch
from atfm.methods.gtr.method import squash
from atfm.methods.method import Frame, Method, Stage
from atfm.methods.samples import Drawn
from atfm.methods.ssn.network import SSNNetwork
from atfm.seeding import Draw
from atfm.truncation.likelihood import all_annotators, one_annotator

__all__ = ["SSN"]


class SSN(Method):
    """A low-rank normal over the logits of all classes, trained by its Monte-Carlo likelihood.

    Args:
        network: image -> distribution.
        frame: what it looks at and what it draws.
        monte_carlo: samples `M` of the likelihood.
        shared: all annotators share them; else one is drawn at a time (published).
    """

    def __init__(self, network: SSNNetwork, frame: Frame, *, monte_carlo: int, shared: bool) -> None:
        super().__init__(frame)
        self.network, self.monte_carlo, self.shared = network, monte_carlo, shared

    def stages(self) -> list[Stage]:
        return [Stage("ssn", self, self.network, self.loss)]

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        valid = None if batch.valid is None else self.focus(batch.valid)
        logits = self.network(self.focus(batch.image)).rsample((self.monte_carlo,)).movedim(0, 1)  # [B, M, ...]
        likelihood = all_annotators if self.shared else one_annotator
        masks = self._one_hot(self.focus(batch.annotations), valid)
        return {"likelihood": likelihood(logits, masks, batch.present, valid).mean()}

    def _one_hot(self, masks: Tensor, valid: Tensor | None) -> Tensor:
        """Masks `[B, K, C, *window]` with a channel for each class, 0 where nothing is said."""
        if self.channels > 1:
            return masks
        background = 1 - masks if valid is None else (1 - masks) * valid.unsqueeze(2)
        return torch.cat([background, masks], 2)

    def needs(self, size: Sequence[int]) -> dict[str, Draw]:
        low_rank = Draw("normal", (self.network.rank,))
        return {"low-rank": low_rank, "pixel": Draw("normal", (self.network.classes, *size))}

    def forward(self, image: Tensor, noise: Mapping[str, Tensor]) -> Drawn:
        shares = squash(self.network(image).from_noise(noise["low-rank"], noise["pixel"]))
        return Drawn(shares[:, :, 1:] if self.channels == 1 else shares)
