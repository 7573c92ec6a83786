"""Pixel sums in float32, whatever precision the networks around them run in."""

from collections.abc import Callable
from contextlib import ExitStack
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import torch
from torch import Tensor

__all__ = ["in_float32"]

P = ParamSpec("P")
R = TypeVar("R")


def in_float32(function: Callable[P, R]) -> Callable[P, R]:
    """Make a function compute in float32 within `torch.autocast`, and widen the half-precision tensors it is given.

    A likelihood is a sum over thousands of pixels: in bfloat16, with its 8 bits, that of one lesion is off by nats.
    Float64 stays float64.
    """

    @wraps(function)
    def widened(*args: P.args, **kwargs: P.kwargs) -> R:
        with ExitStack() as outside:
            for device in ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",):
                outside.enter_context(torch.autocast(device, enabled=False))
            return function(*map(_wide, args), **{name: _wide(value) for name, value in kwargs.items()})

    return widened


def _wide(value: Any) -> Any:
    half = isinstance(value, Tensor) and value.dtype in (torch.bfloat16, torch.float16)
    return value.float() if half else value
