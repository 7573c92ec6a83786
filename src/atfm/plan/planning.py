"""`plan`: a store in, a configuration with a reason for each choice out."""

from collections.abc import Callable
from typing import Any

import torch

from atfm.data.budget import Budget
from atfm.data.store import Store
from atfm.errors import InputError
from atfm.io.memory import available_bytes
from atfm.plan import choose
from atfm.plan.facts import Facts, facts_of
from atfm.plan.look import look
from atfm.plan.misfits import misfits, shortcomings
from atfm.plan.pace import Pace, afforded, check_minutes, filled, measured
from atfm.plan.planned import Planned
from atfm.plan.reason import Reason
from atfm.plan.room import shared, within
from atfm.plan.rules import MINUTES
from atfm.plan.view import View, view_of
from atfm.train.cases import from_store
from atfm.train.clock import Watch
from atfm.train.config import Config, whole
from atfm.train.fitting import fitted_cases, rule_of

__all__ = ["checked", "plan"]


def plan(
    store: Store,
    *,
    minutes: float | None = None,
    memory: float | None = None,
    device: torch.device = torch.device("cpu"),  # noqa: B008 (immutable)
    watch: Watch = "wall",
    seed: int = 0,
    processes: int = 1,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> Planned:
    """Plan a training for the cases of a store.

    Its masks and images are measured, the rules of `atfm.plan.rules` choose, and steps are timed on this machine, so
    that all stages, validations and checkpoints take the minutes together.

    Args:
        store: with the split train, and better val too.
        minutes: that the training may take here; None: ten.
        memory: gigabytes that it may take; None: what is free.
        device: where it will run.
        watch: what minutes are measured by, see `atfm.train.clock.now`.
        seed: of the training.
        processes: that will train together, and share each step.
        progress: called with the cases measured and their total.

    Raises:
        StoreError: no split to train on, or a damaged case.
        InputError: a split without a case, or a set in which nobody marked anything.
        ConfigError: too little time or memory for a single step.
    """
    given = MINUTES if minutes is None else minutes
    check_minutes(given)
    facts = facts_of(store, progress=progress)
    if facts.lesion is None:
        raise InputError(f"{store.path}: in the split train nobody marked anything; there is nothing to learn")
    view, reasons = look(facts, facts.lesion)
    if facts.dims == 2:
        reasons.insert(0, Reason("dims", "2-D", "the cases are single images", "flat"))
    fields, shares, more = _fields(facts, view, seed)
    config, parted = shared(whole(fields, source="plan"), processes)
    native = from_store(store, config)
    cases = fitted_cases(native, rule_of(config.fit, native.train))
    train = Budget().open(cases.train, cases.classes, device, crop=config.crop, ignore_label=cases.ignore_label)
    torch.manual_seed(config.seed)
    built = config.build(in_channels=train.channels, channels=cases.classes, size=train.size).to(device)
    config, parts = within(config, built, train, memory, available_bytes(device))
    pace = measured(config, built, train, minutes=given, watch=watch).shared(processes)
    spent = afforded(shares, pace, minutes=given)
    config = filled(
        config.without({name for name, share in spent.items() if not share}),
        spent,
        pace,
        minutes=given,
        validation=len(cases.validation),
    )
    reasons += [*more, *choose.timed(facts, shares, spent), *parted, *parts]
    reasons.append(_paced(config, pace, given, said=minutes is not None))
    warnings = [*misfits(facts, view), *shortcomings(facts)]
    return Planned(config, reasons, warnings, facts, 60 * given)


def checked(store: Store, config: Config) -> list[str]:
    """Return what a person should know before this configuration is trained on this store.

    Raises:
        StoreError: no split to train on, or a damaged case.
    """
    facts = facts_of(store)
    if len(config.window or config.crop or facts.size.usual) != facts.dims:
        return []  # refused when it is built, by name
    view = view_of(facts, fit=config.fit, window=config.window, crop=config.crop)
    return [*misfits(facts, view), *shortcomings(facts)]


def _fields(facts: Facts, view: View, seed: int) -> tuple[dict[str, Any], dict[str, float], list[Reason]]:
    """The fields of a configuration but for what depends on the pace, the stages' shares of the time, and why."""
    present, hurdle = choose.presence(facts, view)
    shares = choose.shares_of(facts, present=present)
    method, built = choose.method(facts, view, present=present)
    augment, turned = choose.augment(facts, view)
    validated, judged = choose.validation(facts)
    fields = {
        **view.fields,
        "seed": seed,
        "images": (facts.channels, *view.size),
        "method": method,
        "stages": choose.stages_of(facts, shares),
        "augment": augment,
        **validated,
    }
    return fields, shares, [*built, hurdle, *turned, *judged]


def _paced(config: Config, pace: Pace, minutes: float, *, said: bool) -> Reason:
    """Why there are so many steps."""
    each = ", ".join(f"{name} {plan.steps:,}" for name, plan in config.stages.items() if plan.steps)
    took = ", ".join(f"{seconds:.2g} s of {name}" for name, seconds in pace.steps.items())
    default = "" if said else ", the default"
    why = f"a step takes here {took}; with validations and checkpoints that makes {minutes:g} min{default}"
    return Reason("steps", each, why, "steps")
