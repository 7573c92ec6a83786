"""`Sums`: what the parts of a step add up to, in one process or in several that share them."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from atfm.errors import TrainingError
from atfm.train.processes import Processes

__all__ = ["Sums"]


class Sums:
    """Gradients, losses and running statistics of a step, as means over its parts.

    Processes that share the parts add up one message, so that all of them end with the same numbers, which are those
    of one process within rounding. Running statistics (of batch normalisation) move once a step: each part starts from
    those before the step, and their mean over the parts is kept, whichever process made a part.

    Args:
        trained: whose gradients they are.
        parts: of a step, in all processes together.
        processes: those that share the parts.
    """

    def __init__(self, trained: nn.Module, parts: int, processes: Processes) -> None:
        self.parameters = list(trained.parameters())
        self.parts, self.processes = parts, processes
        layers = [module for module in trained.modules() if isinstance(module, _NormBase)]
        self._running = [buffer for layer in layers for buffer in layer.buffers(recurse=False)]
        self._reached: list[int] | None = None
        self._names: list[str] = []
        self.begin()

    def begin(self) -> None:
        """Begin a step: nothing is added up yet."""
        for parameter in self.parameters:
            parameter.grad = None
        self._losses: dict[str, Tensor] = {}
        self._before = [buffer.clone() for buffer in self._running]
        self._after = [torch.zeros_like(buffer) for buffer in self._running]

    def rewind(self) -> None:
        """Before a part: the running statistics are again those before the step."""
        for buffer, before in zip(self._running, self._before, strict=True):
            buffer.copy_(before)

    def add(self, losses: Mapping[str, Tensor]) -> None:
        """Add the losses of a part, their gradients, and what it made of the running statistics."""
        (torch.stack(list(losses.values())).sum() / self.parts).backward()
        for name, value in losses.items():
            self._losses[name] = self._losses.get(name, 0) + value.detach() / self.parts
        for buffer, after in zip(self._running, self._after, strict=True):
            after += buffer / self.parts if buffer.is_floating_point() else buffer

    def total(self) -> dict[str, Tensor]:
        """Return the losses of all parts; the gradients of all parts lie in the parameters.

        Raises:
            ProcessError: a process has ended.
            TrainingError: a loss or a parameter that only some steps know of, which several processes cannot add up.
        """
        if self.processes.world > 1:
            self._add_up()
        return self._losses

    def _add_up(self) -> None:
        """Sum over the processes by one message: gradients, losses, statistics, one after the other."""
        own = [index for index, parameter in enumerate(self.parameters) if parameter.grad is not None]
        if self._reached is None:
            told = self.processes.gather_objects({"reached": own, "losses": list(self._losses)})
            self._reached = sorted({index for one in told for index in one["reached"]})
            self._names = told[0]["losses"]
        if set(own) - set(self._reached) or set(self._losses) != set(self._names):
            raise TrainingError(
                f"the losses {', '.join(self._losses)} and the parameters they reach: expected those of the first step "
                f"({', '.join(self._names)}) in every step; a method whose losses change is trained in one process"
            )
        grown = [self.parameters[index] for index in self._reached]
        for parameter in grown:
            parameter.grad = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
        floats = [after for after in self._after if after.is_floating_point()]
        losses = [self._losses[name] for name in self._names]
        summed = [parameter.grad for parameter in grown if parameter.grad is not None] + losses + floats
        message = torch.cat([tensor.reshape(-1).float() for tensor in summed])
        self.processes.add_up(message)
        _spread(message, summed)

    def settle(self, bad: Tensor) -> None:
        """Leave the running statistics as they are after the step, or as before it where it is left out.

        Args:
            bad: 1 where the step is left out, else 0.
        """
        for buffer, before, after in zip(self._running, self._before, self._after, strict=True):
            buffer.copy_(torch.where(bad > 0, before, after if buffer.is_floating_point() else before + 1))


def _spread(message: Tensor, tensors: Sequence[Tensor]) -> None:
    """Copy a message back to the tensors that it was made of."""
    pieces = message.split([tensor.numel() for tensor in tensors])
    for tensor, piece in zip(tensors, pieces, strict=True):
        tensor.copy_(piece.view(tensor.shape))
