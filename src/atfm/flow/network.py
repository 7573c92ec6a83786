"""ST-Net, the network of the flow: a point of the path, its time and what is known of the image."""

from collections.abc import Sequence
from typing import cast

from torch import Tensor, nn

from atfm.nn.blocks import conv, pixel_shuffle, pixel_unshuffle
from atfm.nn.time import TimeEmbedding
from atfm.nn.unet import UNet

__all__ = ["STNet"]


class STNet(nn.Module):
    """A time-conditioned U-Net `g(x_t, t, image)` that looks at the image once, however many samples are drawn.

    A convolution of `[x_t, image]` is the sum of a convolution of each; the second, and anything built on it, is
    computed once for an image (`context`), the rest for every sample and step.

    Args:
        condition_channels: channels of the condition (the image, or features of it) on the folded grid.
        channels: channels of the state, in general those of the mask, `C`.
        outputs: channels of the output; None: those of the state.
        widths: channels of the levels, finest first.
        blocks: residual blocks on each level.
        context_widths: a U-Net that reads the condition once for an image; empty for a single convolution.
        patch: pixels folded into channels, as in `GTRNetwork`.
        dropout: of the blocks that read the condition.
        attention: linear attention on every level, full at the bottom (the paper).
        dims: spatial dimensions, 2 or 3.
    """

    def __init__(
        self,
        condition_channels: int,
        channels: int,
        widths: Sequence[int],
        *,
        blocks: int = 1,
        context_widths: Sequence[int] = (),
        patch: int = 1,
        attention: bool = False,
        dropout: float = 0.0,
        dims: int = 2,
        outputs: int | None = None,
    ) -> None:
        super().__init__()
        self.patch = patch
        cells, embedding = channels * patch**dims, 4 * widths[0]
        self.time = TimeEmbedding(embedding)
        self.read = _Reader(dims, condition_channels, context_widths, widths[0], dropout)
        self.stem = conv(dims, cells, widths[0])
        self.unet = UNet(dims, widths, blocks=blocks, embedding=embedding, attention=attention)
        self.out = conv(dims, widths[0], cells if outputs is None else outputs * patch**dims)

    def context(self, condition: Tensor) -> Tensor:
        """Read a condition `[B, condition_channels, *grid]` once: `[B, widths[0], *grid]`."""
        return cast(Tensor, self.read(condition))

    def forward(self, x_t: Tensor, t: Tensor, context: Tensor) -> Tensor:
        """Return the field (or the logits of its end) at `x_t [N, C, *spatial]`, `t [N]`, `context [N, w, *grid]`.

        A time or a context that all rows share may be given once, with `N = 1`.
        """
        x = self.stem(pixel_unshuffle(x_t, self.patch)) + context
        return pixel_shuffle(self.out(self.unet(x, self.time(t))), self.patch).to(x_t.dtype)


class _Reader(nn.Module):
    def __init__(self, dims: int, inputs: int, widths: Sequence[int], outputs: int, dropout: float) -> None:
        super().__init__()
        self.stem = conv(dims, inputs, widths[0] if widths else outputs)
        self.unet = UNet(dims, widths, dropout=dropout) if widths else nn.Identity()
        self.out = conv(dims, widths[0], outputs) if widths else nn.Identity()

    def forward(self, condition: Tensor) -> Tensor:
        return cast(Tensor, self.out(self.unet(self.stem(condition))))
