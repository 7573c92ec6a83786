"""U-Nets side by side, of which each sample takes the mask of one."""

from collections.abc import Mapping, Sequence
from typing import cast

import torch
from torch import Tensor, nn

from atfm.data.batch import Batch
from atfm.methods.method import Frame, Method, Stage
from atfm.methods.samples import Drawn
from atfm.methods.sliding import Tiling
from atfm.methods.unet.method import votes
from atfm.nn.segmenter import Segmenter, probabilities
from atfm.seeding import Draw, Noise

__all__ = ["Ensemble", "one_reader"]


def one_reader(present: Tensor, member: int) -> Tensor:
    """Return the weights `[B, K]` of one member: 1 for the reader whose masks it learns, of each image.

    Of the readers that an image has, the number `member` modulo their count: with one reader, all members learn his
    masks and differ by their first weights.

    Args:
        present: `[B, K]` bool.
        member: its number, from 0.
    """
    number = present.cumsum(1) - 1  # [B, K], of the readers that are there
    chosen = member % present.sum(1, keepdim=True)
    return (present & (number == chosen)).float()


class Ensemble(Method):
    """`p(Y | image) = 1/M sum_m [Y = f_m(image)]`: as many masks as there are members, drawn with replacement.

    Args:
        members: image -> logits each.
        frame: what they look at and what they draw.
        one: each member learns the masks of one reader; else all learn those of all, and differ by their first weights.
        stride: as for `Method`.
    """

    def __init__(self, members: Sequence[Segmenter], frame: Frame, *, one: bool, stride: int | None = None) -> None:
        super().__init__(frame, stride)
        self.members, self.one = nn.ModuleList(members), one

    def stages(self) -> list[Stage]:
        return [Stage("ensemble", self, self.members, self.loss)]

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        image, annotations = self.focus(batch.image), self.focus(batch.annotations)
        valid = None if batch.valid is None else self.focus(batch.valid)
        shares = batch.present / batch.present.sum(1, keepdim=True)
        losses = []
        for number, member in enumerate(self.members):
            weights = one_reader(batch.present, number) if self.one else shares
            losses.append(votes(member(image), annotations, weights, valid))
        return {"cross-entropy": torch.stack(losses).sum()}  # a sum: no member learns slower for the others' sake

    def needs(self, size: Sequence[int]) -> dict[str, Draw]:
        return {"member": Draw("categorical", categories=len(self.members))}

    def forward(self, image: Tensor, noise: Mapping[str, Tensor]) -> Drawn:
        return self._chosen(self._logits(image), noise["member"])

    def slide(self, tiling: Tiling, image: Tensor, n: int, noise: Noise, first: int) -> Drawn:
        """Average the logits of tiles; a sample is one member's everywhere."""
        member = noise.draw(self.needs(tiling.padded), n, image.device, first=first)["member"]
        padded = tiling.pad(image)
        shape = (len(image), len(self.members) * self.channels)
        packed = tiling.blend(shape, lambda corners: self._logits(tiling.cut(padded, corners)), padded)
        return self._chosen(packed, member)

    def _logits(self, image: Tensor) -> Tensor:
        """Logits of all members, `[B, M C, *spatial]`."""
        return torch.cat([cast(Tensor, member(image)) for member in self.members], 1)

    def _chosen(self, packed: Tensor, member: Tensor) -> Drawn:
        """The masks of the members `[B, S]`."""
        logits = packed.unflatten(1, (len(self.members), self.channels))  # [B, M, C, *spatial]
        each = probabilities(logits.flatten(0, 1)).unflatten(0, logits.shape[:2])
        rows = torch.arange(len(packed), device=packed.device).unsqueeze(1)
        return Drawn(each[rows, member])
