"""`Segmenter`: a U-Net from an image to the logits of one mask."""

from collections.abc import Sequence
from typing import cast

from torch import Tensor, nn
from torch.nn import functional as F

from atfm.nn.blocks import conv, pixel_shuffle, pixel_unshuffle
from atfm.nn.precision import in_float32
from atfm.nn.unet import UNet

__all__ = ["Segmenter", "probabilities"]


class Segmenter(nn.Module):
    """A residual U-Net and a 1x1 head (Ronneberger et al., MICCAI 2015, in its residual form).

    Args:
        in_channels: channels of the image, `C_in`.
        channels: channels of the mask, `C`.
        widths: channels of the levels, finest first.
        blocks: residual blocks on each level.
        patch: pixels folded into channels on entry and unfolded on exit; 2 costs a quarter of 1.
        dropout: share of the channels of each block that are left out.
        dims: spatial dimensions, 2 or 3.
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        widths: Sequence[int],
        *,
        blocks: int = 1,
        patch: int = 1,
        dropout: float = 0.0,
        dims: int = 2,
    ) -> None:
        super().__init__()
        self.patch, cells = patch, patch**dims
        self.stem = conv(dims, in_channels * cells, widths[0])
        self.unet = UNet(dims, widths, blocks=blocks, dropout=dropout)
        self.head = conv(dims, widths[0], channels * cells, kernel=1)
        if channels == 1:  # Most pixels are background: begin there, not at one half.
            nn.init.constant_(cast(Tensor, self.head.bias), -3.0)

    def forward(self, image: Tensor, uniform: Tensor | None = None) -> Tensor:
        """Return logits `[B, C, *spatial]` of `image [B, C_in, *spatial]`; `uniform` is dropout's, see `UNet`."""
        features = F.silu(self.unet(self.stem(pixel_unshuffle(image, self.patch)), None, uniform))
        return pixel_shuffle(self.head(features), self.patch)


@in_float32
def probabilities(logits: Tensor) -> Tensor:
    """Return the probabilities of logits `[N, C, *spatial]`: sigmoid for one channel, softmax for several."""
    return logits.sigmoid() if logits.shape[1] == 1 else logits.softmax(1)
