"""`ConditionalField`: the velocity of the samples of several images, a few at a time."""

from typing import Literal, Protocol

import torch
from torch import Tensor

from atfm.flow.path import endpoint_to_velocity
from atfm.nn.segmenter import probabilities

__all__ = ["ConditionalField", "FieldNetwork"]


class FieldNetwork(Protocol):
    """A network that reads an image once and is then asked at many points; `STNet` and `ADMUNet` are."""

    patch: int

    def context(self, condition: Tensor) -> Tensor:
        """Read a condition on the folded grid once."""
        ...

    def __call__(self, x: Tensor, t: Tensor, context: Tensor) -> Tensor:
        """Return `[N, C, *spatial]` at `x [N, C, *spatial]`, `t [N or 1]` and `context [N or 1, w, *grid]`."""
        ...


class ConditionalField:
    """The field `g(x, t | image)` for `x [B S, C, *spatial]`, the samples of one image after those of another.

    Args:
        network: of the field.
        context: what it knows of each image, `[B, w, *grid]`.
        form: what its output is: "velocity" `g`, or "endpoint", logits of the mask at t = 1.
        chunk: samples that pass through at a time; bounds memory, changes nothing else. With a gradient all do.
    """

    def __init__(
        self, network: FieldNetwork, context: Tensor, *, form: Literal["velocity", "endpoint"], chunk: int
    ) -> None:
        self.network, self.context, self.form, self.chunk = network, context, form, chunk

    def __call__(self, x: Tensor, t: float) -> Tensor:
        """Return the velocity at `x` and `t`."""
        parts, time, context = [], x.new_full((1,), t), self.context  # all rows share the time
        images = torch.arange(len(context), device=x.device).repeat_interleave(len(x) // len(context))  # [B S]
        chunk = len(x) if torch.is_grad_enabled() else self.chunk
        for x_t, rows in zip(x.split(chunk), images.split(chunk), strict=True):
            output = self.network(x_t, time, context if len(context) == 1 else context[rows])
            if self.form == "endpoint":
                output = endpoint_to_velocity(probabilities(output), x_t, time)
            parts.append(output)
        return torch.cat(parts)
