"""The blocks of both networks: convolutions for 2 and 3 dimensions, residual blocks, attention."""

from typing import cast

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["Attention", "LinearAttention", "ResBlock", "conv", "pixel_shuffle", "pixel_unshuffle"]

_AXES = ["h", "w", "d"]


def conv(dims: int, inputs: int, outputs: int, kernel: int = 3, stride: int = 1, bias: bool = True) -> nn.Module:
    """Return a padded convolution for `dims` spatial dimensions.

    In two dimensions its weights, and with them all activations, lie channels last: a quarter less time on a CPU.
    """
    kind = {2: nn.Conv2d, 3: nn.Conv3d}[dims]
    layer = kind(inputs, outputs, kernel, stride=stride, padding=(kernel - 1) // 2, bias=bias)
    if dims == 2:
        layer.weight.data = layer.weight.data.contiguous(memory_format=torch.channels_last)
    return layer


def pixel_unshuffle(x: Tensor, patch: int) -> Tensor:
    """Move patches of `patch^dims` pixels into channels: `[B, C, H, W] -> [B, C p p, H/p, W/p]`; also of volumes."""
    if patch == 1:
        return x
    axes = _AXES[: x.dim() - 2]
    left, right = " ".join(f"({a} p{a})" for a in axes), " ".join(f"p{a}" for a in axes)
    return rearrange(x, f"b c {left} -> b (c {right}) {' '.join(axes)}", **{f"p{a}": patch for a in axes})


def pixel_shuffle(x: Tensor, patch: int) -> Tensor:
    """Undo `pixel_unshuffle`: `[B, C p p, H/p, W/p] -> [B, C, H, W]`."""
    if patch == 1:
        return x
    axes = _AXES[: x.dim() - 2]
    left, right = " ".join(f"p{a}" for a in axes), " ".join(f"({a} p{a})" for a in axes)
    return rearrange(x, f"b (c {left}) {' '.join(axes)} -> b c {right}", **{f"p{a}": patch for a in axes})


def _norm(channels: int) -> nn.GroupNorm:
    return nn.GroupNorm(next(groups for groups in (8, 4, 2, 1) if channels % groups == 0), channels)


class ResBlock(nn.Module):
    """Two normalised convolutions with a residual path; an embedding (time) scales and shifts between them.

    Args:
        dims: spatial dimensions, 2 or 3.
        inputs: channels in.
        outputs: channels out.
        embedding: width of the embedding, 0 for none.
        dropout: share of the channels that a training step leaves out before the second convolution.
    """

    def __init__(self, dims: int, inputs: int, outputs: int, embedding: int = 0, dropout: float = 0.0) -> None:
        super().__init__()
        self.dropout, self.outputs = dropout, outputs
        self.norm1, self.conv1 = _norm(inputs), conv(dims, inputs, outputs)
        self.norm2, self.conv2 = _norm(outputs), conv(dims, outputs, outputs)
        self.modulate = nn.Linear(embedding, 2 * outputs) if embedding else None
        self.skip = conv(dims, inputs, outputs, kernel=1) if inputs != outputs else nn.Identity()

    def forward(self, x: Tensor, embedding: Tensor | None = None, uniform: Tensor | None = None) -> Tensor:
        """Return `[B, outputs, *spatial]`; `uniform [B, outputs]` in [0, 1) says which channels are left out."""
        h = self.norm2(self.conv1(F.silu(self.norm1(x))))
        if self.modulate is not None and embedding is not None:
            film = self.modulate(embedding).unflatten(-1, (2, -1))  # [B, 2, C]
            scale, shift = film.reshape(*film.shape, *[1] * (x.dim() - 2)).unbind(1)  # each [B, C, 1, 1]
            h = h * (1 + scale) + shift
        h = F.silu(h)
        if uniform is not None:  # dropout whose noise is given, also outside of training
            kept = (uniform >= self.dropout).to(h.dtype) / (1 - self.dropout)
            h = h * kept.reshape(*kept.shape, *[1] * (x.dim() - 2))
        elif self.dropout:
            h = F.dropout1d(h.flatten(2), self.dropout, self.training).view_as(h)  # whole channels, of any dimensions
        return cast(Tensor, self.skip(x) + self.conv2(h))


class Attention(nn.Module):
    """Full self-attention over all positions, with a residual path.

    Args:
        dims: spatial dimensions, 2 or 3.
        channels: channels in and out.
        heads: number of heads.
        width: channels of one head.
    """

    def __init__(self, dims: int, channels: int, heads: int = 4, width: int = 32) -> None:
        super().__init__()
        self.heads = heads
        self.norm = _norm(channels)
        self.qkv = conv(dims, channels, 3 * heads * width, kernel=1)
        self.out = conv(dims, heads * width, channels, kernel=1)

    def mix(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Mix values by softmax(q k^T) v; each is `[B, heads, N, width]`."""
        return F.scaled_dot_product_attention(q, k, v)

    def forward(self, x: Tensor) -> Tensor:
        packed = self.qkv(self.norm(x)).flatten(2)  # [B, 3 heads width, N]
        q, k, v = rearrange(packed, "b (three heads width) n -> three b heads n width", three=3, heads=self.heads)
        mixed = rearrange(self.mix(q, k, v), "b heads n width -> b (heads width) n")
        return cast(Tensor, x + self.out(mixed.unflatten(-1, x.shape[2:])))


class LinearAttention(Attention):
    """Attention whose cost is linear in the number of positions (Shen et al., "Efficient Attention", 2021)."""

    def mix(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        context = torch.einsum("bhnd,bhne->bhde", k.softmax(-2), v)
        return torch.einsum("bhde,bhnd->bhne", context, q.softmax(-1) * q.shape[-1] ** -0.5)
