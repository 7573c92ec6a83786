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

__all__ = ["DropoutUNet", "majority", "votes"]


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


def majority(annotations: Tensor, present: Tensor, valid: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
    """Return the one mask of each image that most annotators agree on, pixel by pixel.

    Two of four are no majority: such a pixel is background, and of several classes the lower one wins a tie, as in
    `atfm.metrics.masks.most_likely`.

    Args:
        annotations: `[B, K, C, *spatial]` in {0, 1}; 0 where nothing is said.
        present: `[B, K]` bool.
        valid: as in `votes`.

    Returns:
        The masks, `[B, 1, C, *spatial]`, and the pixels of which somebody says something, `[B, 1, *spatial]`, or None.
    """
    there = present.reshape(*present.shape, *[1] * (annotations.dim() - 3))  # [B, K, 1, ...]
    there = there if valid is None else there & valid  # [B, K, *spatial], or ones for all pixels
    counts = (annotations * there.unsqueeze(2)).sum(1, keepdim=True)  # [B, 1, C, *spatial]
    if annotations.shape[2] == 1:
        mask = (2 * counts > there.sum(1, keepdim=True).unsqueeze(2)).to(annotations.dtype)
    else:
        mask = torch.zeros_like(counts).scatter_(2, counts.argmax(2, keepdim=True), 1)
    if valid is None:
        return mask, None
    said = there.any(1, keepdim=True)
    return mask * said.unsqueeze(2), said


class DropoutUNet(Method):
    """`p(y | image, w)` with one mask for each draw `w` of what dropout leaves out (Gal and Ghahramani, ICML 2016).

    Trained by the cross-entropy with every annotation: the best single probability map is the share of votes. A network
    passes once for each sample; without dropout at test time all samples of an image are one mask.

    Args:
        network: image -> logits.
        frame: what it looks at and what it draws.
        drops: whether dropout stays on when sampling.
        agreed: trained on the annotators' majority in place of their votes.
        stride: as for `Method`.
        chunk: samples that pass through the network at a time; bounds memory, changes nothing else.
    """

    def __init__(
        self,
        network: Segmenter,
        frame: Frame,
        *,
        drops: bool,
        agreed: bool = False,
        stride: int | None = None,
        chunk: int = 64,
    ) -> None:
        super().__init__(frame, stride)
        self.network, self.drops, self.chunk = network, drops, chunk
        self._agreed = agreed  # of training alone: it decides nothing of how samples are drawn

    def stages(self) -> list[Stage]:
        return [Stage("unet", self, self.network, self.loss)]

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        logits = self.network(self.focus(batch.image))
        valid = None if batch.valid is None else self.focus(batch.valid)
        annotations = self.focus(batch.annotations)
        if self._agreed:
            annotations, valid = majority(annotations, batch.present, valid)
            return {
                "cross-entropy": votes(logits, annotations, batch.present.new_ones(len(annotations), 1).float(), valid)
            }
        weights = batch.present / batch.present.sum(1, keepdim=True)
        return {"cross-entropy": votes(logits, annotations, weights, valid)}

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
