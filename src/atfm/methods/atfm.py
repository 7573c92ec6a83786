"""ATFM, Data-Hierarchical Inference: GTR fixes the distribution, SFM carries its samples to masks."""

from collections.abc import Callable
from typing import Literal, Protocol

import torch
from torch import Tensor

from atfm.data.batch import Batch
from atfm.distributions.low_rank_normal import LowRankNormal
from atfm.flow.energy import energy_score
from atfm.flow.loss import cross_entropy, flow_matching, semantic
from atfm.flow.network import STNet
from atfm.flow.path import endpoint_to_velocity, sample_path, velocity_to_endpoint
from atfm.flow.solver import EULER, Solver, integrate
from atfm.methods.gtr import GTR, squash
from atfm.methods.method import Method, Samples, Stage
from atfm.methods.sliding import TiledField, Tiling
from atfm.nn.blocks import fold
from atfm.seeding import Noise, as_noise

__all__ = ["ATFM", "Coupling"]


class Coupling(Protocol):
    """Which annotation `[B, S]` each start goes to; see `atfm.flow.coupling`."""

    def __call__(
        self, x_0: Tensor, annotations: Tensor, present: Tensor, *, counts: Tensor | None = None
    ) -> Tensor: ...


_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, as the paper turns ISIC3 images to grey.


class ATFM(Method):
    """Both stages: `x_0 ~ sigmoid(GTR(image))`, then `dx/dt = g(x, t, image)` to a mask (ATFM, Algorithm 1).

    Args:
        truncation: the trained stage 1; it is frozen in stage 2, and in stage 3 unless `prior`.
        network: ST-Net, for the condition that `condition` names.
        form: what the network's output is: "velocity" `g` (the paper), or "endpoint", logits of the mask at t = 1.
        coupling: which start goes to which annotation; `flow.coupling.independent` is the paper's.
        starts: starts drawn of each image before they are coupled.
        pairs: how many of the coupled pairs are trained on; all starts if as many.
        alpha: weight of the semantic Dice term.
        draws: samples of each image in the energy score.
        prior: weight of GTR's likelihood in stage 3, which then trains GTR too; 0 leaves GTR frozen.
        start: "gtr", or "noise": standard normal noise, the paper's row of SFM without a truncation.
        steps, solver: how the field is integrated when sampling; both may be changed afterwards.
        temperature: scale of GTR's noise where a sample starts; above 1 starts are drawn apart.
        condition: "image" (the paper), or "features": the image and GTR's features of it.
        grey: the flow sees a colour image as grey (the paper on ISIC3).
        chunk: samples that pass through the network at a time; bounds memory, changes nothing else.
    """

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
        prior: float = 0.0,
        start: Literal["gtr", "noise"] = "gtr",
        grey: bool = False,
        chunk: int = 64,
    ) -> None:
        super().__init__(
            truncation.in_channels, truncation.channels, truncation.size, truncation.window, truncation.stride
        )
        self.truncation, self.network = truncation, network
        self.form, self.coupling, self.starts, self.pairs, self.alpha = form, coupling, starts, pairs, alpha
        self.steps, self.solver, self.temperature = steps, solver, temperature
        self.condition, self.grey, self.chunk = condition, grey, chunk
        self.draws, self.prior, self.start = draws, prior, start

    def stages(self) -> list[Stage]:
        return [
            Stage("gtr", self.truncation, self.truncation, self.truncation.loss),
            Stage("sfm", self, self.network, self.loss),
            Stage("energy", self, self if self.prior else self.network, self.energy),
        ]

    def train(self, mode: bool = True) -> "ATFM":
        """Switch the flow; the truncation stays in evaluation mode."""
        super().train(mode)
        self.truncation.eval()
        return self

    # Stage 2.

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        x_0, context = self._starts(batch.image, self.starts)
        annotations = self.focus(batch.annotations)
        counts = None if batch.counts is None else self.focus(batch.counts)
        x_0, x_1, said = self._pair(x_0, annotations, batch.present, counts)  # [B, P, C, *window]
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
            dice = semantic(endpoint.unflatten(0, shape), annotations, batch.present, counts)
            losses["semantic"] = self.alpha * dice
        return losses

    def energy(self, batch: Batch) -> dict[str, Tensor]:
        """Return the energy score of masks drawn as they are when sampling: the same steps, solver and temperature.

        Where GTR is trained too, its own likelihood beside the score keeps it the distribution that it is.
        """
        x_0, context = self._starts(batch.image, self.draws, self.temperature, frozen=not self.prior)
        field = self._field(context)
        x_1 = integrate(field, x_0.flatten(0, 1), self.steps, self.solver, euler_last=self.form == "endpoint")
        counts = None if batch.counts is None else self.focus(batch.counts)
        drawn = x_1.unflatten(0, x_0.shape[:2])  # [B, S, C, *window]
        losses = {"energy": energy_score(drawn, self.focus(batch.annotations), batch.present, counts)}
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
            logits = distribution.rsample((starts,)).movedim(0, 1)  # [S, B, ...] -> [B, S, ...]
            x_0 = squash(torch.lerp(distribution.mean.unsqueeze(1), logits, temperature))
            x_0 = torch.randn_like(x_0) if self.start == "noise" else x_0
        return x_0, self.context(window, features)

    def _pair(
        self, x_0: Tensor, annotations: Tensor, present: Tensor, counts: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Couple starts with annotations and keep `self.pairs` of the pairs, with the pixels that count in each.

        Where an annotator says nothing his path stands still, so that the network sees what it sees when sampling.
        """
        index = self.coupling(x_0, annotations, present, counts=counts)  # [B, S]
        kept = torch.rand(index.shape, device=index.device).argsort(1)[:, : self.pairs]  # [B, P]
        rows = torch.arange(len(index), device=index.device).unsqueeze(1)
        chosen = index.gather(1, kept)
        x_0, x_1 = x_0[rows, kept], annotations[rows, chosen]
        if counts is None:
            return x_0, x_1, None
        said = counts[rows, chosen]  # [B, P, *window]
        return x_0, torch.where(said.unsqueeze(2), x_1, x_0), said.flatten(0, 1)

    def context(self, window: Tensor, features: Tensor) -> Tensor:
        """Read what the flow knows of the image, once: `[B, w, *grid]`."""
        if self.grey:
            weights = torch.tensor(_LUMA, dtype=window.dtype, device=window.device)
            window = torch.einsum("c,bc...->b...", weights, window).unsqueeze(1)
        image = fold(window, self.network.patch)
        return self.network.context(image if self.condition == "image" else torch.cat([image, features], 1))

    # Sampling.

    def _field(self, context: Tensor) -> Callable[[Tensor, float], Tensor]:
        """Return `g(x, t)` for `[B S, C, *window]` with the context `[B, w, *grid]` of its images, chunk by chunk."""

        def field(x: Tensor, t: float) -> Tensor:
            parts, time = [], x.new_full((1,), t)  # all rows share it
            images = torch.arange(len(context), device=x.device).repeat_interleave(len(x) // len(context))  # [B S]
            for x_t, rows in zip(x.split(self.chunk), images.split(self.chunk), strict=True):
                output = self.network(x_t, time, context if len(context) == 1 else context[rows])
                if self.form == "endpoint":
                    output = endpoint_to_velocity(squash(output.unsqueeze(0)).squeeze(0), x_t, time)
                parts.append(output)
            return torch.cat(parts)

        return field

    def _draw(self, distribution: LowRankNormal, n: int, noise: Noise, tiling: Tiling | None = None) -> Tensor:
        """Draw the starts `x_0`, `[B, S, C, *spatial]`."""
        if self.start == "noise":
            return noise.normal("pixel", n, tuple(distribution.event_shape), distribution.mean.device)
        return self.truncation.draw(distribution, n, noise, self.temperature, tiling)

    @torch.no_grad()
    def sample(self, image: Tensor, n: int, *, generator: Noise | torch.Generator) -> Samples:
        self.check(image)
        noise = as_noise(generator, len(image))
        tiling = self.tiling(image.shape[2:], max(1, self.chunk // (n * len(image))))
        if tiling is not None:
            return self.samples(tiling.crop(self._slide(tiling, image, n, noise)))
        window = self.focus(image)
        features = self.truncation.network.features(window)
        distribution = self.truncation.network.distribution(features)
        x_0 = self._draw(distribution, n, noise)  # [B, S, C, *window]
        field = self._field(self.context(window, features))
        x_1 = integrate(field, x_0.flatten(0, 1), self.steps, self.solver, euler_last=self.form == "endpoint")
        return self.samples(x_1.unflatten(0, x_0.shape[:2]).clamp(0, 1))

    def _slide(self, tiling: Tiling, image: Tensor, n: int, noise: Noise) -> Tensor:
        """Draw from an image of another size than a tile, `[B, S, C, *padded]`: one state of the whole image."""
        distribution = self.truncation.blended(tiling, image)
        x_0 = self._draw(distribution, n, noise, tiling)

        def read(tiles: Tensor) -> Tensor:
            return self.context(tiles, self.truncation.network.features(tiles))

        field = TiledField(tiling, tiling.pad(image), read, self._field)
        drawn = []
        for x in field.groups(x_0):  # [B, s, C, *padded]
            x_1 = integrate(field, x.flatten(0, 1), self.steps, self.solver, euler_last=self.form == "endpoint")
            drawn.append(x_1.unflatten(0, x.shape[:2]).clamp(0, 1))
        return torch.cat(drawn, 1)
