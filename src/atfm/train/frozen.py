"""`Frozen`: the parts of a stage that stay as they are, for its first steps or throughout."""

import difflib
from collections.abc import Collection

from torch import nn

from atfm.errors import ConfigError
from atfm.methods.config import StageConfig
from atfm.methods.method import Method, Stage

__all__ = ["TAKEN", "Frozen"]

TAKEN = "taken"  # in place of names: whatever came from another model


class Frozen:
    """The parameters of a stage that `StageConfig.freeze` names: no gradient of theirs is kept, and they do not move.

    A module all of whose parameters are frozen is also as when sampling: its running statistics stand still, and
    nothing of it is left out by dropout.

    Gradients are computed all the same: torch 2.13's normalisation of groups crashes on a CPU where its input, channels
    last, needs none and its weights do.

    Args:
        method: the whole method, by whose names parts are called.
        stage: one of its stages.
        plan: how that is trained.
        taken: names of the parameters that came from another model.

    Raises:
        ConfigError: a name that no parameter of the stage begins with, nothing taken, or nothing left to train.
    """

    def __init__(self, method: Method, stage: Stage, plan: StageConfig, taken: Collection[str] = ()) -> None:
        self.stage, self.steps = stage, plan.freeze_steps
        names = {id(parameter): name for name, parameter in method.named_parameters()}
        own = {names[id(parameter)]: parameter for parameter in stage.trained.parameters()}
        chosen = set().union(*(_named(part, own, taken, stage.name) for part in plan.freeze or ()))
        self.names = frozenset(chosen)
        self._parameters = [own[name] for name in own if name in chosen]
        self._held = False
        if chosen and len(chosen) == len(own):
            raise ConfigError(
                f"stages.{stage.name}.freeze: leaves nothing of the stage to train; name fewer parts, or give "
                f"stages.{stage.name}.steps = 0"
            )

    def at(self, step: int) -> bool:
        """Be as a step of the stage wants it, counted from 0; whether that is a change."""
        held = bool(self._parameters) and (self.steps is None or step < self.steps)
        if held == self._held:
            return False
        self._held = held
        self.stage.trained.train()
        frozen = {id(parameter) for parameter in self._parameters}
        for module in self.stage.trained.modules() if held else ():
            parameters = list(module.parameters())
            if parameters and all(id(parameter) in frozen for parameter in parameters):
                module.eval()
        return True

    def drop(self) -> None:
        """Drop the gradients of what is frozen at this moment."""
        for parameter in self._parameters if self._held else ():
            parameter.grad = None


def _named(part: str, own: dict[str, nn.Parameter], taken: Collection[str], stage: str) -> set[str]:
    """The parameters that a part names."""
    field = f"stages.{stage}.freeze"
    if part == TAKEN:
        if not taken:
            raise ConfigError(f"{field}: nothing was taken from another model; give one with --from, or name the parts")
        return {name for name in own if name in taken}
    found = {name for name in own if name == part or name.startswith(f"{part}.")}
    if not found:
        parts = {name[:end] for name in own for end in range(len(name) + 1) if end == len(name) or name[end] == "."}
        near = difflib.get_close_matches(part, sorted(parts), 1, cutoff=0.0)[0]
        raise ConfigError(f"{field}: no weight of this stage begins with {part!r:.80}; did you mean {near!r}?")
    return found
