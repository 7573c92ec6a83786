r"""MoSE (Gao et al., ICLR 2023): a mixture of stochastic experts, trained by optimal transport to the annotations.

    p(y | image) = sum_k pi_k(image) E_{z ~ N(mu_k, sigma_k^2)} h(image, z)
    L = min_P <P, C> + beta KL( sum_i P_ji || pi_k(j) / S ),   C_ji = 1 - IoU(sample j, annotation i)

Stage 1 bounds what a sample may take of the annotations, so that no expert is left without one; stage 2 does not.
"""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor

from atfm.data.batch import Batch
from atfm.methods.gtr.method import squash
from atfm.methods.method import Frame, Method, Stage
from atfm.methods.mose.network import MoSENetwork
from atfm.methods.mose.transport import Solver, nearest
from atfm.methods.samples import Drawn
from atfm.nn.precision import in_float32
from atfm.seeding import Draw

__all__ = ["MoSE", "costs", "gate_loss"]


@in_float32
def costs(probabilities: Tensor, annotations: Tensor, valid: Tensor | None = None) -> Tensor:
    """Return `1 - (|p y| + 1) / (|p| + |y| - |p y| + 1)`, the mean over all classes but the background, `[B, S, K]`.

    Args:
        probabilities: `[B, S, C', *spatial]`.
        annotations: `[B, K, C', *spatial]` in {0, 1}; 0 where nothing is said.
        valid: `[B, K, *spatial]` bool, the pixels of which an annotator says something; None: all.
    """
    p, y = probabilities[:, :, 1:].flatten(3), annotations[:, :, 1:].flatten(3)  # [B, S or K, C, N]
    overlap = torch.einsum("bscn,bkcn->bskc", p, y)
    said = y.new_ones(y.shape[0], 1, y.shape[3]) if valid is None else valid.to(p.dtype).flatten(2)  # [B, K or 1, N]
    union = torch.einsum("bscn,bkn->bskc", p, said) + y.sum(3).unsqueeze(1) - overlap
    return (1 - (overlap + 1) / (union + 1)).mean(3)


@in_float32
def gate_loss(taken: Tensor, gate: Tensor, draws: int) -> Tensor:
    """Return `1/N sum_j t_j log(t_j / q_j)` with `q_j = pi_k(j) / S`, the mean over images and the `N = K S` samples.

    Args:
        taken: what each sample took, `[B, K S]`, the samples of one expert after those of another.
        gate: logits `[B, K]`.
        draws: `S`.
    """
    logs = gate.log_softmax(1).repeat_interleave(draws, 1) - float(np.log(draws))
    return (torch.xlogy(taken, taken) - taken * logs).mean()


class MoSE(Method):
    """Experts, each with a latent normal of its own, and a gate that says how likely each is.

    A binary mask is two classes here, as published.

    Args:
        network: image -> features and gate, and codes -> logits.
        frame: what it looks at and what it draws.
        draws: samples `S` of each expert in a step.
        coupling: how the bounded transport is solved.
        share: `gamma` of stage 1.
        beta: weight of the gate's loss.
        weighted: samples come from all experts alike and weigh what the gate says; else as often as it says.
        chunk: samples that are made at a time; bounds memory, changes nothing else.
    """

    def __init__(
        self,
        network: MoSENetwork,
        frame: Frame,
        *,
        draws: int,
        coupling: Solver,
        share: float,
        beta: float,
        weighted: bool,
        chunk: int = 64,
    ) -> None:
        super().__init__(frame)
        self.network, self.draws, self.coupling = network, draws, coupling
        self.share, self.beta, self.weighted, self.chunk = share, beta, weighted, chunk

    def stages(self) -> list[Stage]:
        return [
            Stage("bounded", self, self.network, partial(self.loss, gamma=self.share)),
            Stage("nearest", self, self.network, self.loss),
        ]

    # Training.

    def loss(self, batch: Batch, gamma: float = 1.0) -> dict[str, Tensor]:
        """Return the transport's cost and the gate's loss, samples taking at most `gamma` of the annotations."""
        features, gate = self.network(self.focus(batch.image))
        valid = None if batch.valid is None else self.focus(batch.valid)
        experts = torch.arange(self.network.experts, device=gate.device).repeat_interleave(self.draws)  # [K S]
        expert = experts.expand(len(gate), -1)
        noise = torch.randn(*expert.shape, self.network.latent, device=gate.device)
        probabilities = squash(self.network.fuse(features, self.network.codes(expert, noise)))
        cost = costs(probabilities, self._one_hot(self.focus(batch.annotations), valid), valid)
        plan = self._plan(cost.detach(), batch.present, gamma)
        return {
            "transport": (plan * cost).sum((1, 2)).mean(),
            "gate": self.beta * gate_loss(plan.sum(2), gate, self.draws),
        }

    def _plan(self, cost: Tensor, present: Tensor, gamma: float) -> Tensor:
        """The transport `P [B, K S, annotators]`; annotators of padding have no mass."""
        if gamma >= 1:
            return nearest(cost, present / present.sum(1, keepdim=True))
        plan = torch.zeros_like(cost)
        for row, (matrix, here) in enumerate(zip(cost.cpu().numpy(), present.cpu().numpy(), strict=True)):
            found = self.coupling(matrix[:, here], gamma)
            plan[row, :, present[row]] = torch.from_numpy(found).to(plan)
        return plan

    def _one_hot(self, masks: Tensor, valid: Tensor | None) -> Tensor:
        """Masks `[B, K, C, *window]` with a channel for each class, 0 where nothing is said."""
        if self.channels > 1:
            return masks
        background = 1 - masks if valid is None else (1 - masks) * valid.unsqueeze(2)
        return torch.cat([background, masks], 2)

    # Sampling.

    def needs(self, size: Sequence[int]) -> dict[str, Draw]:
        experts = self.network.experts
        chosen = Draw("categorical", categories=experts) if self.weighted else Draw("gumbel", (experts,))
        return {"expert": chosen, "code": Draw("normal", (self.network.latent,))}

    def forward(self, image: Tensor, noise: Mapping[str, Tensor]) -> Drawn:
        features, gate = self.network(image)
        gate = gate.float()
        expert = noise["expert"] if self.weighted else (gate.unsqueeze(1) + noise["expert"]).argmax(2)  # [B, S]
        codes = self.network.codes(expert, noise["code"]).split(max(1, self.chunk // len(image)), 1)
        shares = squash(torch.cat([self.network.fuse(features, some) for some in codes], 1))
        shares = shares[:, :, 1:] if self.channels == 1 else shares
        if not self.weighted:
            return Drawn(shares)
        weights = gate.softmax(1).gather(1, expert)
        return Drawn(shares, weights / weights.sum(1, keepdim=True))
