"""What a training begins from: fresh weights, those of stages of other models, or all that fits of one."""

from collections.abc import Mapping
from pathlib import Path

import torch

from atfm.data.dataset import CaseDataset
from atfm.errors import ConfigError
from atfm.methods.method import Method
from atfm.models import Model, load
from atfm.train.config import Config
from atfm.train.taking import Taken, take_fitting, take_stage

__all__ = ["begun", "given_models", "without_taken"]

_FROM = "from"  # what all stages begin from, beside the models that single stages are taken of


def given_models(take: Mapping[str, str | Path], start: str | Path | None) -> dict[str, Model]:
    """The models that weights are taken from, by stage; what all stages begin from under the name `from`."""
    begun = {} if start is None else {_FROM: load(start)}
    return begun | {name: load(model) for name, model in take.items()}


def without_taken(config: Config, take: Mapping[str, str | Path]) -> Config:
    """The configuration, in which the stages that are taken have no steps."""
    for name in take:
        if name not in config.stages:
            raise ConfigError(f"--take {name}: {config.method.name} has the stages {', '.join(config.stages)}")
    return config.without(take)


def begun(
    config: Config, train: CaseDataset, classes: int, given: Mapping[str, Model]
) -> tuple[Method, dict[str, Taken]]:
    """The method with fresh weights, or with those that are taken, and what these are; a stage's own go first."""
    torch.manual_seed(config.seed)
    method = config.build(in_channels=train.channels, channels=classes, size=train.size)
    own = {name: model for name, model in given.items() if name != _FROM}
    taken = {name: take_stage(model.method, method, name, model.name) for name, model in own.items()}
    if _FROM in given:
        model, apart = given[_FROM], {name for one in taken.values() for name in one.tensors}
        taken[_FROM] = take_fitting(model.method, method, model.name, apart)
    return method, taken
