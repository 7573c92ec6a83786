"""`Sums`: what the parts of a step add up to, in one process or in several that share them."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from atfm.errors import TrainingError
from atfm.nn.running import Running
from atfm.train.processes import Processes

__all__ = ["Sums"]


class Sums:
    """Gradients, losses and running statistics of a step, as means over its parts.

    Each part gives one message, and the messages of all parts are added up in float64, so that the order, and with it
    the number of processes, moves no bit of the float32 gradient but by the rarest chance. In float32 it would: Adam
    makes whole steps of the rounding errors of a gradient that is 0, such as that of a bias before a normalisation.

    Running statistics (of batch normalisation, or of a `Running` module) move once a step: each part starts from those
    before the step, and their mean over the parts is kept, whichever process made a part. Other buffers are each
    process's own, and those of the main one are saved.

    Args:
        trained: whose gradients they are.
        parts: of a step, in all processes together.
        processes: those that share the parts.
        drop: drops gradients that are not wanted, after each part.
    """

    def __init__(
        self, trained: nn.Module, parts: int, processes: Processes, drop: Callable[[], object] = lambda: None
    ) -> None:
        self.drop = drop
        self.parameters = list(trained.parameters())
        self.parts, self.processes = parts, processes
        layers = [module for module in trained.modules() if isinstance(module, (_NormBase, Running))]
        self._running = [buffer for layer in layers for buffer in layer.buffers(recurse=False)]
        self._floats = [buffer for buffer in self._running if buffer.is_floating_point()]
        self._agreed: tuple[set[int], list[str]] | None = None
        self.begin()

    def changed(self) -> None:
        """Other parameters are trained from this step on than in those before."""
        self._agreed = None

    def begin(self) -> None:
        """Begin a step: nothing is added up yet."""
        self._before = [buffer.clone() for buffer in self._running]
        self._losses: dict[str, Tensor] = {}
        self._reached: set[int] = set()
        self._message: Tensor | None = None

    def rewind(self) -> None:
        """Before a part: no gradient, and the running statistics are again those before the step."""
        for parameter in self.parameters:
            parameter.grad = None
        for buffer, before in zip(self._running, self._before, strict=True):
            buffer.copy_(before)

    def add(self, losses: Mapping[str, Tensor]) -> None:
        """Add the losses of a part, their gradients, and what it made of the running statistics.

        Raises:
            TrainingError: other losses than those of the parts before.
        """
        (torch.stack(list(losses.values())).sum() / self.parts).backward()
        self.drop()
        if self._losses and self._losses.keys() != losses.keys():
            raise TrainingError(f"losses: expected {', '.join(self._losses)} in every part, got {', '.join(losses)}")
        self._losses = {name: value.detach() for name, value in losses.items()}
        if self.parts == 1:  # what it gave is the sum
            return
        self._reached |= {index for index, parameter in enumerate(self.parameters) if parameter.grad is not None}
        gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in self.parameters]
        means = [tensor / self.parts for tensor in (*self._losses.values(), *self._floats)]
        message = torch.cat([tensor.reshape(-1).float() for tensor in (*gradients, *means)])
        if self._message is None:
            self._message = torch.zeros_like(message, dtype=torch.float64)
        self._message += message

    def total(self) -> dict[str, Tensor]:
        """Return the losses of all parts; the gradients of all parts lie in the parameters.

        Raises:
            ProcessError: a process has ended.
            TrainingError: a loss or a parameter that not all steps know of, which several processes cannot add up.
        """
        if self._message is None:
            return self._losses
        if self.processes.world > 1:
            self._agree()
            self.processes.add_up(self._message)
        tensors = [*self.parameters, *self._losses.values(), *self._floats]
        sizes = [tensor.numel() for tensor in tensors]
        pieces = [p.view(t.shape) for t, p in zip(tensors, self._message.float().split(sizes), strict=True)]
        # They lie in memory as their parameters do, channels last too: the optimiser goes through both at once.
        gradients = [torch.empty_like(parameter) for parameter in self.parameters]
        end = len(gradients)
        after = end + len(self._losses)
        torch._foreach_copy_([*gradients, *self._floats], pieces[:end] + pieces[after:])
        for index, (parameter, gradient) in enumerate(zip(self.parameters, gradients, strict=True)):
            parameter.grad = gradient if index in self._reached else None
        return dict(zip(self._losses, pieces[end:after], strict=True))

    def settle(self, bad: Tensor) -> None:
        """Leave the running statistics as they are after the step, or as before it where it is left out.

        Args:
            bad: 1 where the step is left out, else 0.
        """
        for buffer, before in zip(self._running, self._before, strict=True):
            buffer.copy_(torch.where(bad > 0, before, buffer))

    def _agree(self) -> None:
        """Find out, in the first step, which losses there are and which parameters they reach in any process."""
        if self._agreed is None:
            told = self.processes.gather_objects({"reached": sorted(self._reached), "losses": list(self._losses)})
            self._agreed = {index for one in told for index in one["reached"]}, told[0]["losses"]
        reached, names = self._agreed
        if self._reached - reached or list(self._losses) != names:
            raise TrainingError(
                f"losses {', '.join(self._losses)}: expected those of the first step ({', '.join(names)}) in every "
                "step, and no further parameter that they reach; a method whose losses change trains in one process"
            )
        self._reached = reached
