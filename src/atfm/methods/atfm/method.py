"""ATFM, Data-Hierarchical Inference: GTR fixes the distribution, SFM carries its samples to masks."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, Protocol

import torch
from torch import Tensor, nn

from atfm.data.batch import Batch
from atfm.distributions.low_rank_normal import LowRankNormal
from atfm.flow.energy import harden
from atfm.flow.field import ConditionalField
from atfm.flow.loss import cross_entropy, flow_matching, semantic
from atfm.flow.network import STNet
from atfm.flow.path import sample_path, velocity_to_endpoint
from atfm.flow.solver import EULER, Solver, integrate
from atfm.methods.gtr.method import GTR, squash
from atfm.methods.method import Method, Stage
from atfm.methods.samples import Drawn
from atfm.methods.sliding import TiledField, Tiling
from atfm.nn.blocks import pixel_unshuffle
from atfm.nn.precision import in_float32
from atfm.seeding import Draw, Noise
from atfm.truncation.presence import marked

__all__ = ["ATFM", "Coupling"]


class Coupling(Protocol):
    """Which annotation `[B, S]` each start goes to; see `atfm.flow.coupling`."""

    def __call__(self, x_0: Tensor, annotations: Tensor, present: Tensor, *, valid: Tensor | None = None) -> Tensor: ...


_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, as the paper turns ISIC3 images to grey.


class ATFM(Method):
    """`x_0 ~ sigmoid(GTR(image))`, then `dx/dt = g(x, t, image)` to a mask (ATFM, Algorithm 1).

    Where GTR stands behind a hurdle, the flow too is that of masks which mark something.

    Args:
        truncation: GTR; it is frozen in stage 2, and in stage 3 unless `prior`.
        network: ST-Net, for the condition that `condition` names.
        form: what the network's output is: "velocity" `g` (the paper), or "endpoint", logits of the mask at t = 1.
        coupling: which start goes to which annotation; `flow.coupling.independent` is the paper's.
        starts: starts drawn of each image before they are coupled.
        pairs: how many of the coupled pairs are trained on; all starts if as many.
        alpha: weight of the semantic Dice term.
        draws: samples of each image in the energy score.
        slope: of its gradient at the threshold of a mask, see `flow.energy.harden`.
        prior: weight of GTR's likelihood in stage 3, which then trains GTR too; 0 leaves GTR frozen.
        start: "gtr", or "noise": standard normal noise, the paper's row of SFM without a truncation.
        steps, solver: how the field is integrated when sampling.
        temperature: scale of GTR's noise where a sample starts; above 1 starts are drawn apart.
        condition: "image" (the paper), or "features": the image and GTR's features of it.
        grey: the flow sees a colour image as grey (the paper on ISIC3).
        chunk: samples that pass through the network at a time; bounds memory, changes nothing else.
        stride: as for `Method`.
    """

    steps: int
    temperature: float

    def __init__(
        self,
        truncation: GTR,
        network: STNet,
        *,
        form: Literal["velocity", "endpoint"],
        coupling: Coupling,
        starts: int,
        pairs: int,
        alpha: float,
        steps: int,
        solver: Solver = EULER,
        condition: Literal["image", "features"] = "image",
        temperature: float = 1.0,
        draws: int = 5,
        slope: float = 1.0,
        prior: float = 0.0,
        start: Literal["gtr", "noise"] = "gtr",
        grey: bool = False,
        chunk: int = 64,
        stride: int | None = None,
    ) -> None:
        super().__init__(truncation.frame, stride)
        self.truncation, self.network = truncation, network
        self.form, self.coupling, self.starts, self.pairs, self.alpha = form, coupling, starts, pairs, alpha
        self.steps, self.solver, self.temperature = steps, solver, temperature
        self.condition, self.grey, self.chunk = condition, grey, chunk
        self.draws, self.slope, self.prior, self.start = draws, slope, prior, start

    def stages(self) -> list[Stage]:
        both = nn.ModuleList([self.truncation.network, self.network])
        return [
            *self.truncation.stages(),
            Stage("sfm", self, self.network, self.loss),
            Stage("energy", self, both if self.prior else self.network, self.energy),
        ]

    # Stage 2.

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        batch = self._given_presence(batch)
        if not len(batch.image):  # nobody marked anything in any image: nothing to learn of masks
            return {"flow": torch.zeros((), device=batch.image.device, requires_grad=True)}
        x_0, context = self._starts(batch.image, self.starts)
        annotations = self.focus(batch.annotations)
        valid = None if batch.valid is None else self.focus(batch.valid)
        x_0, x_1, said = self._pair(x_0, annotations, batch.present, valid)  # [B, P, C, *window]
        shape = x_0.shape[:2]
        t = torch.rand(shape.numel(), device=x_0.device)
        path = sample_path(x_0.flatten(0, 1), x_1.flatten(0, 1), t)
        output = self.network(path.x_t, path.t, context.repeat_interleave(shape[1], 0))
        if self.form == "velocity":
            losses = {"flow": flow_matching(output, path.dx_t, said)}
            endpoint = velocity_to_endpoint(output, path.x_t, path.t)
        else:
            losses = {"flow": cross_entropy(output, path.x_1, said)}
            endpoint = squash(output.unsqueeze(0)).squeeze(0)
        if self.alpha:
            dice = semantic(endpoint.unflatten(0, shape), annotations, batch.present, valid)
            losses["semantic"] = self.alpha * dice
        return losses

    def _given_presence(self, batch: Batch) -> Batch:
        """Behind a hurdle, the images and annotators of which something is marked; else all."""
        if self.truncation.presence is None:
            return batch
        seen = marked(self.focus(batch.annotations), batch.present)
        kept = seen.any(1)
        valid = None if batch.valid is None else batch.valid[kept]
        return Batch(batch.image[kept], batch.annotations[kept], seen[kept], valid)

    # Stage 3.

    def energy(self, batch: Batch) -> dict[str, Tensor]:
        """Return the energy score of masks drawn as they are when sampling: the same steps, solver and temperature.

        Where GTR is trained too, its own loss beside the score keeps it the distribution that it is.
        """
        x_0, context = self._starts(batch.image, self.draws, self.temperature, frozen=not self.prior)
        drawn = self._integrate(context, x_0)  # [B, S, C, *window]
        annotations = self.focus(batch.annotations)
        valid = None if batch.valid is None else self.focus(batch.valid)
        losses = {"energy": self.truncation.score(harden(drawn, slope=self.slope), annotations, batch.present, valid)}
        if self.prior:
            losses |= {name: self.prior * loss for name, loss in self.truncation.loss(batch).items()}
        return losses

    def _starts(
        self, image: Tensor, starts: int, temperature: float = 1.0, *, frozen: bool = True
    ) -> tuple[Tensor, Tensor]:
        """Draw so many starts of each image, `[B, S, C, *window]`, and read the image once."""
        window = self.focus(image)
        with torch.set_grad_enabled(torch.is_grad_enabled() and not frozen):
            features = self.truncation.network.features(window)
            distribution = self.truncation.network.distribution(features)
            x_0 = _spread(distribution, starts, temperature)
            x_0 = torch.randn_like(x_0) if self.start == "noise" else x_0
        return x_0, self.context(window, features)

    def _pair(
        self, x_0: Tensor, annotations: Tensor, present: Tensor, valid: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Couple starts with annotations and keep `self.pairs` of the pairs, with the pixels that count in each.

        Where an annotator says nothing his path stands still, so that the network sees what it sees when sampling.
        """
        index = self.coupling(x_0, annotations, present, valid=valid)  # [B, S]
        kept = torch.rand(index.shape, device=index.device).argsort(1)[:, : self.pairs]  # [B, P]
        rows = torch.arange(len(index), device=index.device).unsqueeze(1)
        chosen = index.gather(1, kept)
        x_0, x_1 = x_0[rows, kept], annotations[rows, chosen]
        if valid is None:
            return x_0, x_1, None
        said = valid[rows, chosen]  # [B, P, *window]
        return x_0, torch.where(said.unsqueeze(2), x_1, x_0), said.flatten(0, 1)

    def context(self, window: Tensor, features: Tensor) -> Tensor:
        """Read what the flow knows of the image, once: `[B, w, *grid]`."""
        if self.grey:
            weights = torch.tensor(_LUMA, dtype=window.dtype, device=window.device)
            window = torch.einsum("c,bc...->b...", weights, window).unsqueeze(1)
        image = pixel_unshuffle(window, self.network.patch)
        return self.network.context(image if self.condition == "image" else torch.cat([image, features], 1))

    # Sampling.

    def needs(self, size: Sequence[int]) -> dict[str, Draw]:
        needs = self.truncation.needs(size)
        return {name: draw for name, draw in needs.items() if self.start == "gtr" or name != "low-rank"}

    def forward(self, image: Tensor, noise: Mapping[str, Tensor]) -> Drawn:
        features = self.truncation.network.features(image)
        x_0 = self._start(self.truncation.network.distribution(features), noise)  # [B, S, C, *window]
        x_1 = self._integrate(self.context(image, features), x_0).clamp(0, 1)
        return self.truncation.behind_hurdle(x_1, image, noise)

    def _start(self, distribution: LowRankNormal, noise: Mapping[str, Tensor]) -> Tensor:
        """Return the starts `x_0`, `[B, S, C, *spatial]`."""
        return noise["pixel"] if self.start == "noise" else self.truncation.start(distribution, noise, self.temperature)

    def _integrate(self, context: Tensor, x_0: Tensor) -> Tensor:
        """Carry starts `[B, S, C, *window]` of images with the context `[B, w, *grid]` to t = 1."""
        return self._carry(self._field(context), x_0)

    def _carry(self, field: Callable[[Tensor, float], Tensor], x_0: Tensor) -> Tensor:
        x_1 = integrate(field, x_0.flatten(0, 1), self.steps, self.solver, euler_last=self.form == "endpoint")
        return x_1.unflatten(0, x_0.shape[:2])

    def _field(self, context: Tensor) -> ConditionalField:
        """Return `g(x, t)` for `[B S, C, *window]` with the context `[B, w, *grid]` of its images."""
        return ConditionalField(self.network, context, form=self.form, chunk=self.chunk)

    def slide(self, tiling: Tiling, image: Tensor, n: int, noise: Noise, first: int) -> Drawn:
        tiling.chunk = max(1, self.chunk // (n * len(image)))  # tiles times samples pass through at a time
        numbers = noise.draw(self.needs(tiling.padded), n, image.device, first=first)
        x_0 = numbers["pixel"]
        if self.start == "gtr":
            x_0 = self.truncation.slid(tiling, image, numbers, self.temperature)
        del numbers  # of a volume every tensor counts

        def read(tiles: Tensor) -> Tensor:
            return self.context(tiles, self.truncation.network.features(tiles))

        field = TiledField(tiling, tiling.pad(image), read, self._field)
        return Drawn(torch.cat([self._carry(field, x).clamp_(0, 1) for x in field.groups(x_0)], 1))


@in_float32
def _spread(distribution: LowRankNormal, starts: int, temperature: float) -> Tensor:
    """Draw so many starts from a distribution, `[B, S, C, *window]`, differentiable, their logits scaled apart."""
    logits = distribution.rsample((starts,)).movedim(0, 1)  # [S, B, ...] -> [B, S, ...]
    return squash(torch.lerp(distribution.mean.unsqueeze(1), logits, temperature))
