"""`Counted`: how many bytes of tensors lie in memory at a time while a block runs, and a bound to it."""

import weakref
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

__all__ = ["Counted", "TooMuch"]


class TooMuch(Exception):
    """More is held than there is."""


class Counted(TorchDispatchMode):
    """Counts the bytes of tensors that are made and not yet freed.

    Args:
        limit: raises beyond so many.
    """

    def __init__(self, limit: int | None) -> None:
        super().__init__()
        self.limit, self.now, self.peak = limit, 0, 0
        self._known: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        given = {value.untyped_storage()._cdata for value in tree_leaves((args, kwargs)) if isinstance(value, Tensor)}
        for value in tree_leaves(out):
            if isinstance(value, Tensor) and value.layout == torch.strided:
                self._count(value.untyped_storage(), given)
        return out

    def _count(self, storage: torch.UntypedStorage, given: set[int]) -> None:
        key = storage._cdata
        if key in self._known or key in given:
            return
        size = storage.nbytes()
        self._known.add(key)
        self.now += size
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._freed, key, size)
        if self.limit is not None and self.now > self.limit:
            raise TooMuch

    def _freed(self, key: int, size: int) -> None:
        self._known.discard(key)
        self.now -= size
