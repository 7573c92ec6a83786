r"""Presence: whether a reader sees anything at all, a hurdle before the law of the masks.

    p(Y | image) = pi(image) [Y empty] + (1 - pi(image)) p(Y | Y not empty, image)

(a hurdle model: Mullahy, J. of Econometrics 33, 1986). The two factors share no parameter, so the likelihood is a sum:
the presence network sees how many of an image's readers left their mask empty, GTR and the flow see only the masks that
are not. Of classes the foreground as a whole is meant.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from atfm.nn.blocks import ResBlock, conv
from atfm.nn.precision import in_float32

__all__ = ["PresenceNetwork", "certain", "hurdle", "marked", "presence_loss"]


@in_float32
def marked(annotations: Tensor, present: Tensor) -> Tensor:
    """Return which annotators marked anything, `[B, K]` bool.

    Args:
        annotations: `[B, K, C, *spatial]` in {0, 1}; of several classes the first is the background.
        present: `[B, K]` bool, False for padding.
    """
    foreground = annotations if annotations.shape[2] == 1 else annotations[:, :, 1:]
    return present & (foreground.flatten(2).amax(2) > 0)


@in_float32
def presence_loss(logits: Tensor, marked: Tensor, present: Tensor) -> Tensor:
    """Return `-log p` of the readers' decisions, the mean over readers, images and members, a scalar in nats.

    Args:
        logits: `[M, B]`, each member's of `1 - pi`: that a reader marks something.
        marked: `[B, K]` bool, who marked something.
        present: `[B, K]` bool, False for padding.
    """
    share = marked.sum(1) / present.sum(1)  # [B]
    return F.binary_cross_entropy_with_logits(logits, share.expand_as(logits))


class PresenceNetwork(nn.Module):
    """An ensemble from an image to `1 - pi`: its members' probabilities, and those of turned images, averaged.

    Args:
        in_channels: channels of the image.
        widths: channels of the levels of a member, finest first.
        members: networks that are trained side by side on the same images, each with its own first weights and dropout.
        blocks, dropout: of a member.
        turns: average over the four quarter turns of a square image too: a lesion has no upright.
        dims: spatial dimensions, 2 or 3.
    """

    def __init__(
        self,
        in_channels: int,
        widths: Sequence[int],
        *,
        members: int = 1,
        blocks: int = 1,
        dropout: float = 0.0,
        turns: bool = True,
        dims: int = 2,
    ) -> None:
        super().__init__()
        self.turns = turns
        self.members = nn.ModuleList(
            _Member(in_channels, widths, blocks=blocks, dropout=dropout, dims=dims) for _ in range(members)
        )

    def forward(self, image: Tensor) -> Tensor:
        """Return each member's logit of `1 - pi` for each image `[B, C_in, *spatial]`, `[M, B]`."""
        return torch.stack([member(image) for member in self.members])

    def probability(self, image: Tensor) -> Tensor:
        """Return `1 - pi`, the probability that a reader marks something, `[B]` float32 in (0, 1)."""
        turned = [image]
        if self.turns and image.dim() == 4 and image.shape[2] == image.shape[3]:
            turned += [image.rot90(quarter, (2, 3)) for quarter in (1, 2, 3)]
        logits = self(torch.cat(turned)).float().unflatten(1, (len(turned), -1))  # [M, turns, B]
        return logits.sigmoid().mean((0, 1))


class _Member(nn.Module):
    """A residual network to one logit; each level halves the resolution, and the first layer too."""

    def __init__(
        self,
        in_channels: int,
        widths: Sequence[int],
        *,
        blocks: int,
        dropout: float,
        dims: int,
    ) -> None:
        super().__init__()
        self.stem = conv(dims, in_channels, widths[0], stride=2)
        self.levels = nn.ModuleList(
            nn.Sequential(*(ResBlock(dims, width, width, dropout=dropout) for _ in range(blocks))) for width in widths
        )
        self.shrink = nn.ModuleList(conv(dims, a, b, stride=2) for a, b in pairwise(widths))
        self.norm = nn.GroupNorm(1, widths[-1])
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(2 * widths[-1], 1))

    def forward(self, image: Tensor) -> Tensor:
        """`[B, C_in, *spatial] -> [B]`."""
        x = self.stem(image)
        for level, blocks in enumerate(self.levels):
            x = blocks(self.shrink[level - 1](x) if level else x)
        x = F.silu(self.norm(x)).flatten(2)  # [B, widths[-1], N]
        return cast(Tensor, self.head(torch.cat([x.mean(2), x.amax(2)], 1))).squeeze(1)


def certain(probability: Tensor) -> Tensor:
    """Return probabilities `[B, S, C, *spatial]` of masks that mark something, as masks given presence have to.

    Where a sample's mask would be empty, its most probable foreground pixel belongs to it; all else stays as it is.
    """
    if probability.shape[2] == 1:
        peak = probability.flatten(2).amax(2)  # [B, S]
        chosen = (probability >= _over(peak, probability)) & (_over(peak, probability) <= 0.5)
        return torch.where(chosen, 1.0, probability)
    background, foreground = probability[:, :, :1], probability[:, :, 1:]
    odds = foreground / background.clamp_min(1e-12)  # [B, S, C - 1, *spatial]
    peak = odds.flatten(2).amax(2)  # [B, S]
    chosen = (odds >= _over(peak, odds)) & (_over(peak, odds) <= 1)
    nothing = chosen.any(2, keepdim=True)  # [B, S, 1, *spatial], where no other class is left
    return torch.cat([background * ~nothing, torch.where(nothing, chosen.to(foreground.dtype), foreground)], 2)


def hurdle(probability: Tensor, here: Tensor) -> Tensor:
    """Return `probability [B, S, C, *spatial]` where `here [B, S]`, and an empty mask (all background) elsewhere."""
    nothing = torch.zeros_like(probability)
    if probability.shape[2] > 1:
        nothing[:, :, 0] = 1
    return torch.where(_over(here, probability), certain(probability), nothing)


def _over(value: Tensor, x: Tensor) -> Tensor:
    """`value [B, S]` with as many axes as `x`."""
    return value.reshape(*value.shape, *[1] * (x.dim() - 2))
