"""A plan with another method in it: the same images in the same pixels, and as many steps as take the same time."""

from collections.abc import Mapping
from dataclasses import replace

import torch

from atfm.data.budget import Budget
from atfm.data.store import Store
from atfm.errors import ConfigError
from atfm.methods.config import MethodConfig, StageConfig
from atfm.plan.choose import shares_of, stages_of
from atfm.plan.pace import filled, measured
from atfm.plan.planned import Planned
from atfm.plan.reason import Reason
from atfm.train.cases import from_store
from atfm.train.clock import Watch
from atfm.train.config import Config
from atfm.train.fitting import fitted_cases, rule_of

__all__ = ["begun_from", "with_method"]


def begun_from(
    planned: Planned, method: MethodConfig, name: str, store: Store, *, minutes: float, watch: Watch,
    device: torch.device,
) -> Planned:  # fmt: skip
    """Return a plan with the method of a model, so that the model's weights can be begun from.

    What the images are brought to, augmentation and batches stay as planned, and so do the stages' shares of the time.

    Args:
        planned: for the store.
        method: of the model.
        name: of the model.
        store: that is trained on.
        minutes: that the training may take.
        watch: what they are measured by.
        device: where it will run.

    Raises:
        ConfigError: networks that do not fit the images as they are planned, or too little time.
    """
    fields, facts = planned.config.model_dump(mode="json"), planned.facts
    names = _stage_names(planned.config, method, facts.channels, facts.classes)
    shares = shares_of(facts, present="presence" in names)
    shares = {stage: shares.get(stage, 0.0) for stage in names}
    if not any(shares.values()):
        shares = dict.fromkeys(names, 1.0)
    whole = sum(shares.values())
    stages = stages_of(facts, {**dict.fromkeys(("energy",), 0.0), **shares})
    config = Config.model_validate(
        {**fields, "method": method, "stages": {stage: StageConfig(**stages[stage]) for stage in names}}, strict=False
    )
    shares = {stage: share / whole for stage, share in shares.items()}
    paced = with_method(config, store, shares, minutes=minutes, watch=watch, device=device)
    steps = ", ".join(f"{stage} {plan.steps:,}" for stage, plan in paced.stages.items() if plan.steps)
    dropped = ("method", "steps")
    reasons = [reason for reason in planned.reasons if not reason.field.startswith(dropped)]
    reasons.append(Reason("method", method.name, f"its networks are those of {name}, which it begins from", "from"))
    reasons.append(Reason("steps", steps, f"so many take {minutes:g} min here, with validations", "steps"))
    return replace(planned, config=paced, reasons=reasons)


def with_method(
    config: Config, store: Store, shares: Mapping[str, float], *, minutes: float, watch: Watch, device: torch.device
) -> Config:
    """Return a configuration with as many steps as take these minutes here, measured as those of any plan.

    Args:
        config: its stages' steps, warm-up and averaging are replaced.
        store: that is trained on.
        shares: of the time, by stage; they sum to 1.
        minutes: for everything.
        watch: what they are measured by.
        device: where.

    Raises:
        ConfigError: networks that do not fit the images, or too little time for a step of each stage.
    """
    native = from_store(store, config)
    cases = fitted_cases(native, rule_of(config.fit, native.train))
    train = Budget().open(cases.train, cases.classes, device, crop=config.crop, ignore_label=cases.ignore_label)
    torch.manual_seed(config.seed)
    method = config.build(in_channels=train.channels, channels=cases.classes, size=train.size).to(device)
    timed = {name: plan.model_copy(update={"steps": int(shares[name] > 0)}) for name, plan in config.stages.items()}
    config = config.model_copy(update={"stages": timed})
    pace = measured(config, method, train, minutes=minutes, watch=watch)
    return filled(config, shares, pace, minutes=minutes, validation=len(cases.validation))


def _stage_names(config: Config, method: MethodConfig, channels: int, classes: int) -> list[str]:
    """The stages of a method, in their order."""
    size = config.window or config.crop or config.images[1:]
    try:
        with torch.device("meta"):
            built = method.build(
                config.frame(channels, classes, tuple(size) if config.window is None else config.images[1:])
            )
    except ConfigError as error:
        raise ConfigError(f"--from: the model's networks do not fit the images as they are planned: {error}") from error
    return [stage.name for stage in built.stages()]
