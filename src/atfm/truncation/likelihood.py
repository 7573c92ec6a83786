r"""The Monte-Carlo likelihood that trains GTR.

    L_prior = -log E[p(Y | X)] ~ -( logsumexp_m log p(Y | X^m) - log M )          (ATFM, eq. 5; SSN, eq. 6)

with p(Y | X) a product over pixels of Bernoulli(sigmoid X) for one channel, of Categorical(softmax X) for several. All
annotations of an image may share its M samples: the logits meet every annotation in one matrix product. Pixels that an
annotator says nothing of are left out of his product.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from atfm.nn.precision import in_float32

__all__ = ["all_annotators", "log_likelihood", "one_annotator"]


@in_float32
def log_likelihood(logits: Tensor, annotations: Tensor, valid: Tensor | None = None) -> Tensor:
    """Return `log p(Y_k | X^m)` for every pair.

    Args:
        logits: `X`, `[B, M, C, *spatial]`.
        annotations: `Y`, `[B, K, C, *spatial]` in {0, 1}, one-hot if `C > 1`; 0 where nothing is said.
        valid: `[B, K, *spatial]`, the pixels of which an annotator says something; None: all.

    Returns:
        `[B, M, K]`, sums over pixels.
    """
    # Bernoulli: y x - softplus(x). Categorical: x_y - logsumexp_c(x).
    normaliser = F.softplus(logits) if logits.shape[2] == 1 else torch.logsumexp(logits, 2)
    paired = torch.einsum("bmn,bkn->bmk", logits.flatten(2), annotations.to(logits.dtype).flatten(2))
    if valid is None:
        return paired - normaliser.flatten(2).sum(-1, keepdim=True)
    # [B, M, *spatial] with [B, K, *spatial]; a binary normaliser has its one channel still
    normaliser = normaliser.squeeze(2) if logits.shape[2] == 1 else normaliser
    return paired - torch.einsum("bmn,bkn->bmk", normaliser.flatten(2), valid.to(logits.dtype).flatten(2))


def _negative_log_mean(log_likelihoods: Tensor) -> Tensor:
    """`[B, M, K] -> [B, K]`: minus the logarithm of the mean over samples."""
    return math.log(log_likelihoods.shape[1]) - torch.logsumexp(log_likelihoods, 1)


def all_annotators(
    logits: Tensor, annotations: Tensor, present: Tensor, valid: Tensor | None = None, *, marked: Tensor | None = None
) -> Tensor:
    """Return the likelihood loss of each image, the mean over all its annotators with shared samples.

    Args:
        logits: `[B, M, C, *spatial]`.
        annotations: `[B, K, C, *spatial]`.
        present: `[B, K]` bool, False for padding.
        valid: as for `log_likelihood`.
        marked: `[B, K]` bool, the annotators whose masks are modelled, see `atfm.truncation.presence`; the others add
            nothing, and do count among those over whom the mean is taken. None: all.

    Returns:
        `[B]`, nats per image; an image weighs the same whether one annotator saw it or ten.
    """
    losses = _negative_log_mean(log_likelihood(logits, annotations, valid))
    return torch.where(present if marked is None else marked, losses, 0.0).sum(1) / present.sum(1)


def one_annotator(
    logits: Tensor,
    annotations: Tensor,
    present: Tensor,
    valid: Tensor | None = None,
    *,
    marked: Tensor | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Return the paper's form: one annotator of each image, drawn uniformly, `[B]` nats per image.

    Arguments are those of `all_annotators`; an annotator who is not `marked` adds nothing when he is drawn.
    """
    chosen = torch.multinomial(present.float(), 1, generator=generator).squeeze(1)  # [B]
    rows = torch.arange(len(chosen), device=chosen.device)
    said = None if valid is None else valid[rows, chosen].unsqueeze(1)
    losses = _negative_log_mean(log_likelihood(logits, annotations[rows, chosen].unsqueeze(1), said)).squeeze(1)
    return losses if marked is None else torch.where(marked[rows, chosen], losses, 0.0)
