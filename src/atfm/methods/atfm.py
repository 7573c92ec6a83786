"""ATFM, Data-Hierarchical Inference: GTR fixes the distribution, SFM carries its samples to masks."""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

from atfm.data.batch import Batch
from atfm.flow.loss import cross_entropy, flow_matching, semantic
from atfm.flow.network import STNet
from atfm.flow.path import endpoint_to_velocity, sample_path, velocity_to_endpoint
from atfm.flow.solver import EULER, Solver, integrate
from atfm.methods.gtr import GTR, squash
from atfm.methods.method import Method, Samples, Stage
from atfm.nn.blocks import fold
from atfm.seeding import Noise, as_noise

__all__ = ["ATFM", "Coupling"]

Coupling = Callable[[Tensor, Tensor, Tensor], Tensor]

_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, as the paper turns ISIC3 images to grey.


class ATFM(Method):
    """Both stages: `x_0 ~ sigmoid(GTR(image))`, then `dx/dt = g(x, t, image)` to a mask (ATFM, Algorithm 1).

    Args:
        truncation: the trained stage 1; it is frozen here.
        network: ST-Net, for the condition that `condition` names.
        form: what the network's output is: "velocity" `g` (the paper), or "endpoint", logits of the mask at t = 1.
        coupling: which start goes to which annotation; `flow.coupling.independent` is the paper's.
        starts: starts drawn of each image before they are coupled.
        pairs: how many of the coupled pairs are trained on; all starts if as many.
        alpha: weight of the semantic Dice term.
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
        grey: bool = False,
        chunk: int = 64,
    ) -> None:
        super().__init__(truncation.in_channels, truncation.channels, truncation.size, truncation.window)
        self.truncation, self.network = truncation, network
        self.form, self.coupling, self.starts, self.pairs, self.alpha = form, coupling, starts, pairs, alpha
        self.steps, self.solver, self.temperature = steps, solver, temperature
        self.condition, self.grey, self.chunk = condition, grey, chunk

    def stages(self) -> list[Stage]:
        return [Stage("gtr", self.truncation), Stage("sfm", self)]

    def train(self, mode: bool = True) -> "ATFM":
        """Switch the flow; the truncation stays in evaluation mode."""
        super().train(mode)
        self.truncation.eval()
        return self

    # Stage 2.

    def loss(self, batch: Batch) -> dict[str, Tensor]:
        x_0, context = self._starts(batch.image)
        annotations = self.focus(batch.annotations)
        x_0, x_1 = self._pair(x_0, annotations, batch.present)  # [B, P, C, *window]
        shape = x_0.shape[:2]
        t = torch.rand(shape.numel(), device=x_0.device)
        path = sample_path(x_0.flatten(0, 1), x_1.flatten(0, 1), t)
        output = self.network(path.x_t, path.t, context.repeat_interleave(shape[1], 0))
        if self.form == "velocity":
            losses = {"flow": flow_matching(output, path.dx_t)}
            endpoint = velocity_to_endpoint(output, path.x_t, path.t)
        else:
            losses = {"flow": cross_entropy(output, path.x_1)}
            endpoint = squash(output.unsqueeze(0)).squeeze(0)
        if self.alpha:
            dice = semantic(endpoint.unflatten(0, shape), annotations, batch.present)
            losses["semantic"] = self.alpha * dice
        return losses

    def _starts(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Draw `self.starts` starts of each image, and read the image once."""
        window = self.focus(image)
        with torch.no_grad():
            features = self.truncation.network.features(window)
            distribution = self.truncation.network.distribution(features)
            x_0 = squash(distribution.rsample((self.starts,)).movedim(0, 1))  # [S, B, ...] -> [B, S, ...]
        return x_0, self.context(window, features)

    def _pair(self, x_0: Tensor, annotations: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
        index = self.coupling(x_0, annotations, present)  # [B, S]
        kept = torch.rand(index.shape, device=index.device).argsort(1)[:, : self.pairs]  # [B, P]
        rows = torch.arange(len(index), device=index.device).unsqueeze(1)
        return x_0[rows, kept], annotations[rows, index.gather(1, kept)]

    def context(self, window: Tensor, features: Tensor) -> Tensor:
        """Read what the flow knows of the image, once: `[B, w, *grid]`."""
        if self.grey:
            weights = torch.tensor(_LUMA, dtype=window.dtype, device=window.device)
            window = torch.einsum("c,bc...->b...", weights, window).unsqueeze(1)
        image = fold(window, self.network.patch)
        return self.network.context(image if self.condition == "image" else torch.cat([image, features], 1))

    # Sampling.

    def _field(self, context: Tensor) -> Callable[[Tensor, float], Tensor]:
        """Return `g(x, t)` for `[N, C, *window]` with the context of each row, a chunk of rows at a time."""

        def field(x: Tensor, t: float) -> Tensor:
            parts = []
            for x_t, known in zip(x.split(self.chunk), context.split(self.chunk), strict=True):
                time = x_t.new_full((len(x_t),), t)
                output = self.network(x_t, time, known)
                if self.form == "endpoint":
                    output = endpoint_to_velocity(squash(output.unsqueeze(0)).squeeze(0), x_t, time)
                parts.append(output)
            return torch.cat(parts)

        return field

    @torch.no_grad()
    def sample(self, image: Tensor, n: int, *, generator: Noise | torch.Generator) -> Samples:
        self.check(image)
        noise = as_noise(generator, len(image))
        window = self.focus(image)
        features = self.truncation.network.features(window)
        distribution = self.truncation.network.distribution(features)
        x_0 = self.truncation.draw(distribution, n, noise, self.temperature)  # [B, S, C, *window]
        field = self._field(self.context(window, features).repeat_interleave(n, 0))
        x_1 = integrate(field, x_0.flatten(0, 1), self.steps, self.solver, euler_last=self.form == "endpoint")
        return self.samples(x_1.unflatten(0, x_0.shape[:2]).clamp(0, 1))
