r"""Plain conditional flow matching from noise: what ATFM is without its truncation, coupling and Dice.

x_0 ~ N(0, I),   x_1 = 2 y - 1,   x_t = (1 - t) x_0 + t x_1
L = || g(x_t, t, image) - (x_1 - x_0) ||^2                   (Lipman et al., ICLR 2023, eq. 23 with sigma_min = 0)
"""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from atfm.data.batch import Batch
from atfm.flow.field import ConditionalField, FieldNetwork
from atfm.flow.loss import flow_matching
from atfm.flow.path import sample_path
from atfm.flow.signs import signed, unsigned
from atfm.flow.solver import EULER, Solver, integrate
from atfm.methods.method import Frame, Method, Stage
from atfm.methods.readers import readings
from atfm.methods.samples import Drawn
from atfm.methods.sliding import TiledField, Tiling
from atfm.nn.blocks import pixel_unshuffle
from atfm.seeding import Draw, Noise

__all__ = ["MedFM"]


class MedFM(Method):
    """`dx/dt = g(x, t, image)` from standard normal noise to a mask of {-1, 1}, cut at 0.

    Args:
        network: of the field, an `ADMUNet` or an `STNet`.
        frame: what it looks at and what it draws.
        pairs: starts of each image in a step, each with an annotator drawn for it.
        steps, solver: how the field is integrated when sampling.
        chunk: samples that pass through the network at a time; bounds memory, changes nothing else.
        stride: as for `Method`.
    """

    steps: int

    def __init__(
        self,
        network: FieldNetwork,
        frame: Frame,
        *,
        pairs: int,
        steps: int,
        solver: Solver = EULER,
        chunk: int = 64,
        stride: int | None = None,
    ) -> None:
        super().__init__(frame, stride)
        self.network, self.pairs, self.steps, self.solver, self.chunk = network, pairs, steps, solver, chunk

    def stages(self) -> list[Stage]:
        return [Stage("flow", self, self, self.loss)]

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        mask, said = readings(self, batch, self.pairs)  # [B P, C, *window]
        x_1 = signed(mask)
        x_0 = torch.randn_like(x_1)
        if said is not None:  # where a reader says nothing the path stands still, as when sampling
            x_1 = torch.where(said.unsqueeze(1), x_1, x_0)
        path = sample_path(x_0, x_1, torch.rand(len(x_0), device=x_0.device))
        context = self.context(self.focus(batch.image)).repeat_interleave(self.pairs, 0)
        return {"flow": flow_matching(self.network(path.x_t, path.t, context), path.dx_t, said)}

    def context(self, window: Tensor) -> Tensor:
        """Read the image, once for all samples and steps: `[B, w, *grid]`."""
        return self.network.context(pixel_unshuffle(window, self.network.patch))

    def needs(self, size: Sequence[int]) -> dict[str, Draw]:
        return {"pixel": Draw("normal", (self.channels, *size))}

    def forward(self, image: Tensor, noise: Mapping[str, Tensor]) -> Drawn:
        return Drawn(self._carry(self._field(self.context(image)), noise["pixel"]))

    def slide(self, tiling: Tiling, image: Tensor, n: int, noise: Noise, first: int) -> Drawn:
        """Average the velocities of tiles at every step, from noise drawn for the whole image."""
        tiling.chunk = max(1, self.chunk // (n * len(image)))
        x_0 = noise.draw(self.needs(tiling.padded), n, image.device, first=first)["pixel"]
        field = TiledField(tiling, tiling.pad(image), self.context, self._field)
        return Drawn(torch.cat([self._carry(field, x) for x in field.groups(x_0)], 1))

    def _field(self, context: Tensor) -> ConditionalField:
        return ConditionalField(self.network, context, form="velocity", chunk=self.chunk)

    def _carry(self, field: Callable[[Tensor, float], Tensor], x_0: Tensor) -> Tensor:
        """Carry starts `[B, S, C, *spatial]` to probabilities of the same shape."""
        x_1 = integrate(field, x_0.flatten(0, 1), self.steps, self.solver)
        return unsigned(x_1.unflatten(0, x_0.shape[:2]))
