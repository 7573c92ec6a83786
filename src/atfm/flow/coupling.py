"""Which start of the flow goes to which annotation: independently, as in the paper, or by optimal assignment."""

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from atfm.nn.precision import in_float32

__all__ = ["equal_shares", "independent", "optimal"]


def equal_shares(present: Tensor, starts: int, generator: torch.Generator | None = None) -> Tensor:
    """Choose an annotation for each start so that all annotations of an image serve equally often.

    Args:
        present: `[B, K]` bool; only present annotations are chosen.
        starts: number `S` of starts of each image.
        generator: decides the order, and who serves once more when `S` is no multiple of the annotators.

    Returns:
        `[B, S]` indices of annotations in random order; how often two annotations serve differs by one at most.
    """
    order = torch.rand(present.shape, generator=generator, device=present.device)
    order = torch.where(present, order, 2.0).argsort(1)  # [B, K], the present ones first
    position = torch.rand(len(present), starts, generator=generator, device=present.device).argsort(1)
    return order.gather(1, position % present.sum(1, keepdim=True))


def independent(
    x_0: Tensor,
    annotations: Tensor,
    present: Tensor,
    generator: torch.Generator | None = None,
    valid: Tensor | None = None,
) -> Tensor:
    """Pair starts and annotations at random (the paper): indices `[B, S]`, arguments as for `optimal`."""
    return equal_shares(present, x_0.shape[1], generator)


@in_float32
def optimal(
    x_0: Tensor,
    annotations: Tensor,
    present: Tensor,
    generator: torch.Generator | None = None,
    valid: Tensor | None = None,
) -> Tensor:
    """Pair the starts of each image with its annotations so that the sum of squared distances is smallest.

    The marginals are those of `independent`; the paths no longer cross, so few steps suffice.

    Args:
        x_0: starts `[B, S, C, *spatial]`.
        annotations: `[B, K, C, *spatial]`.
        present: `[B, K]` bool.
        generator: breaks the tie of who serves once more.
        valid: `[B, K, *spatial]` bool, the pixels of which an annotator says something; the others cost nothing.

    Returns:
        `[B, S]` indices: start `s` goes to annotation `index[b, s]`.
    """
    shares = equal_shares(present, x_0.shape[1], generator)  # [B, S]
    # |x_0 - x_1|^2 = |x_0|^2 + |x_1|^2 - 2 x_0 x_1; where all pixels count, every pairing has the first term.
    gain = torch.einsum("bsn,bkn->bsk", x_0.flatten(2), annotations.to(x_0.dtype).flatten(2))
    cost = annotations.flatten(2).square().sum(-1).unsqueeze(1) - 2 * gain  # [B, S, K]
    if valid is not None:
        length = x_0.square().sum(2).flatten(2)  # [B, S, N]
        cost = cost + torch.einsum("bsn,bkn->bsk", length, valid.to(length.dtype).flatten(2))
    cost = cost.gather(2, shares.unsqueeze(1).expand(-1, x_0.shape[1], -1))  # [B, S, S]
    columns = [linear_sum_assignment(matrix)[1] for matrix in cost.detach().cpu().numpy()]
    return shares.gather(1, torch.from_numpy(np.stack(columns)).to(shares.device))
