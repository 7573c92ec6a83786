"""Weights taken from another method: those of a stage, or of all stages what fits, with what did not."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from atfm.errors import ConfigError
from atfm.methods.method import Method

__all__ = ["Taken", "take_fitting", "take_stage"]

_NAMED = 3  # tensors that are named in the line for a person


@dataclass(frozen=True)
class Taken:
    """What came from another model, and what did not.

    Args:
        name: of the model.
        tensors: names in the method of what was taken.
        fresh: names of what begins with fresh weights, each with the reason.
        numbers, of: how many of the method's numbers were taken.
        unused: tensors of the model that the method has no place for.
    """

    name: str
    tensors: tuple[str, ...]
    fresh: Mapping[str, str]
    numbers: int
    of: int
    unused: int

    @property
    def whole(self) -> bool:
        """Whether everything was taken."""
        return not self.fresh

    def __str__(self) -> str:
        share = 100 * self.numbers / self.of
        text = f"from {self.name}: took {len(self.tensors)} of {len(self.tensors) + len(self.fresh)} tensors"
        text += f" ({share:.1f} % of the numbers)" if self.fresh else ", all there are"
        if self.fresh:
            some = ", ".join(f"{name} ({why})" for name, why in list(self.fresh.items())[:_NAMED])
            more = len(self.fresh) - _NAMED
            text += f"; fresh: {some}" + (f" and {more} more" if more > 0 else "")
        return text + (f"; {self.unused} of its tensors have no place here" if self.unused else "")

    def as_json(self) -> dict[str, Any]:
        """For the card and the result."""
        return {"tensors": len(self.tensors), "fresh": dict(self.fresh), "numbers": self.numbers, "of": self.of,
                "unused": self.unused}  # fmt: skip


@torch.no_grad()
def take_fitting(source: Method, target: Method, name: str, apart: Collection[str] = ()) -> Taken:
    """Take over all weights of a model that are called as the method's own and have their shapes.

    Between two kinds of method these are the weights of stages that both have.

    Args:
        source: the method of the model.
        target: with fresh weights.
        name: of the model.
        apart: names of weights that come from elsewhere.

    Raises:
        ConfigError: not a single tensor fits.
    """
    given, there = _offered(source, target), target.state_dict()
    own = {key: value for key, value in there.items() if key not in apart}
    fresh = {key: _reason(given.get(key), value) for key, value in own.items() if not _fits(given.get(key), value)}
    taken = [key for key in own if key not in fresh]
    if not taken:
        key, why = next(iter(fresh.items()))
        raise ConfigError(
            f"--from {name}: none of its weights fit this method ({key}: {why}, and so on); give a "
            "configuration with the model's own method and widths, see `atfm card`, or leave --from out"
        )
    for key in taken:
        own[key].copy_(given[key])
    numbers = sum(own[key].numel() for key in taken)
    unused = sum(key not in there for key in given)
    return Taken(name, tuple(taken), fresh, numbers, sum(value.numel() for value in own.values()), unused)


def take_stage(source: Method, target: Method, stage: str, name: str) -> Taken:
    """Take over what a stage trains, all of it.

    Raises:
        ConfigError: other networks, or no such stage.
    """
    given, own = _trained(source, stage), _trained(target, stage)
    try:
        own.load_state_dict(given.state_dict())
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:200]
        raise ConfigError(
            f"{name}: expected the networks that the configuration gives stage {stage}; {reason}"
        ) from error
    mine = {id(value) for value in own.state_dict(keep_vars=True).values()}
    names = tuple(key for key, value in target.state_dict(keep_vars=True).items() if id(value) in mine)
    numbers = sum(value.numel() for value in own.state_dict().values())
    return Taken(name, names, {}, numbers, numbers, 0)


def _offered(source: Method, target: Method) -> dict[str, Tensor]:
    """The tensors of a model under the names that they would have in the method."""
    if type(source) is type(target):
        return dict(source.state_dict())
    there = {stage.name: stage.trained.state_dict() for stage in source.stages()}
    names = {id(value): key for key, value in target.state_dict(keep_vars=True).items()}
    found: dict[str, Tensor] = {}
    for stage in target.stages():
        own = stage.trained.state_dict(keep_vars=True)
        found |= {names[id(own[key])]: value for key, value in there.get(stage.name, {}).items() if key in own}
    return found


def _fits(given: Tensor | None, own: Tensor) -> bool:
    return given is not None and given.shape == own.shape


def _reason(given: Tensor | None, own: Tensor) -> str:
    return "not in it" if given is None else f"{list(given.shape)} there, {list(own.shape)} here"


def _trained(method: Method, name: str) -> nn.Module:
    for stage in method.stages():
        if stage.name == name:
            return stage.trained
    names = ", ".join(stage.name for stage in method.stages())
    raise ConfigError(f"stage {name}: expected one of those of the model, which are {names}")
