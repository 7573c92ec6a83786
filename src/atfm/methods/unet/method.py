"""A U-Net trained on all annotators' votes; its samples differ by what dropout leaves out."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from atfm.data.batch import Batch
from atfm.methods.method import Frame, Method, Stage
from atfm.methods.samples import Drawn
from atfm.methods.sliding import Tiling
from atfm.nn.precision import in_float32
from atfm.nn.segmenter import Segmenter, probabilities
from atfm.seeding import Draw, Noise
from atfm.truncation.likelihood import log_likelihood

__all__ = ["DropoutUNet", "votes"]


@in_float32
def votes(logits: Tensor, annotations: Tensor, weights: Tensor, valid: Tensor | None = None) -> Tensor:
    """Return the cross-entropy of one mask of each image with its annotations, the mean over pixels, a scalar.

    Args:
        logits: `[B, C, *spatial]`.
        annotations: `[B, K, C, *spatial]` in {0, 1}; 0 where nothing is said.
        weights: `[B, K]`, how much each annotation counts; those of an image sum to 1.
        valid: `[B, K, *spatial]` bool, the pixels of which an annotator says something; None: all.
    """
    sums = -log_likelihood(logits.unsqueeze(1), annotations, valid).squeeze(1)  # [B, K]
    pixels = logits[0, 0].numel() if valid is None else valid.flatten(2).sum(-1).clamp_min(1)  # or [B, K]
    return (sums / pixels * weights).sum(1).mean()


class DropoutUNet(Method):
    """`p(y | image, w)` with one mask for each draw `w` of what dropout leaves out (Gal and Ghahramani, ICML 2016).

    Trained by the cross-entropy with every annotation: the best single probability map is the share of votes. A network
    passes once for each sample; without dropout at test time all samples of an image are one mask.

    Args:
        network: image -> logits.
        frame: what it looks at and what it draws.
        drops: whether dropout stays on when sampling.
        stride: as for `Method`.
        chunk: samples that pass through the network at a time; bounds memory, changes nothing else.
    """

    def __init__(
        self, network: Segmenter, frame: Frame, *, drops: bool, stride: int | None = None, chunk: int = 64
    ) -> None:
        super().__init__(frame, stride)
        self.network, self.drops, self.chunk = network, drops, chunk

    def stages(self) -> list[Stage]:
        return [Stage("unet", self, self.network, self.loss)]

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        logits = self.network(self.focus(batch.image))
        valid = None if batch.valid is None else self.focus(batch.valid)
        weights = batch.present / batch.present.sum(1, keepdim=True)
        return {"cross-entropy": votes(logits, self.focus(batch.annotations), weights, valid)}

    def needs(self, size: Sequence[int]) -> dict[str, Draw]:
        return {"dropout": Draw("uniform", (sum(self.network.unet.channels()),) if self.drops else (0,))}

    def forward(self, image: Tensor, noise: Mapping[str, Tensor]) -> Drawn:
        return Drawn(self._probabilities(self._logits(image, noise["dropout"]), noise["dropout"]))

    def slide(self, tiling: Tiling, image: Tensor, n: int, noise: Noise, first: int) -> Drawn:
        """Average the logits of tiles; a sample leaves out the same channels in all of them."""
        uniform = noise.draw(self.needs(tiling.padded), n, image.device, first=first)["dropout"]
        tiling.chunk = max(1, self.chunk // (n * len(image)))
        padded = tiling.pad(image)

        def logits(corners: list[tuple[int, ...]]) -> Tensor:
            return self._logits(tiling.cut(padded, corners), uniform.repeat(len(corners), 1, 1))

        rows = len(image) * (n if self.drops else 1)
        return Drawn(self._probabilities(tiling.blend((rows, self.channels), logits, padded), uniform))

    def _logits(self, image: Tensor, uniform: Tensor) -> Tensor:
        """Logits of `[B, ...]` with the noise `[B, S, N]`: `[B S, C, *spatial]`, or `[B, ...]` where all are one."""
        if not self.drops:
            return self.network(image)
        images = torch.arange(len(image), device=image.device).repeat_interleave(uniform.shape[1])  # [B S]
        pieces = zip(images.split(self.chunk), uniform.flatten(0, 1).split(self.chunk), strict=True)
        return torch.cat([self.network(image[rows], given) for rows, given in pieces])

    def _probabilities(self, logits: Tensor, uniform: Tensor) -> Tensor:
        """`[B, S, C, *spatial]` of what `_logits` gave."""
        found = probabilities(logits).unflatten(0, (len(uniform), -1))
        return found if self.drops else found.expand(-1, uniform.shape[1], *found.shape[2:])
