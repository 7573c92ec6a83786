"""A training that was begun may get more steps, in stages that no later one has built on."""

from collections.abc import Mapping, Sequence
from typing import Any

from atfm.errors import ConfigError

__all__ = ["grown"]


def grown(there: Mapping[str, Any], wanted: Mapping[str, Any], order: Sequence[str], done: int) -> dict[str, list[int]]:
    """Return which stages get more steps than a run was begun with, `{stage: [before, now]}`.

    The stage that was trained last may grow, finished or not, and every later one: all earlier ones are what the later
    were trained on. The learning rate then follows the schedule of the new length, from the step where it stands.

    Args:
        there: the stages of the run's configuration, by name.
        wanted: those that are asked for; nothing differs but `steps`.
        order: the names, in the order of training.
        done: steps that the run has made in all.

    Raises:
        ConfigError: fewer steps than before, or more for a stage that a later one was trained on.
    """
    changes: dict[str, list[int]] = {}
    end = 0
    for name in order:
        before, now = there[name]["steps"], wanted[name]["steps"]
        end += before
        if now < before:
            raise ConfigError(
                f"stages.{name}.steps: the run has {before}, got {now}; give {before} or more, or another --out"
            )
        if now > before and end < done:
            raise ConfigError(
                f"stages.{name}.steps: the run has {before} and has gone on to a later stage, got {now}; more steps "
                f"can go to {', '.join(_open(there, order, done))}, or give another --out"
            )
        if now > before:
            changes[name] = [before, now]
    return changes


def _open(there: Mapping[str, Any], order: Sequence[str], done: int) -> list[str]:
    """The stages that may grow."""
    ends = [sum(there[name]["steps"] for name in order[: place + 1]) for place in range(len(order))]
    return [name for name, end in zip(order, ends, strict=True) if end >= done]
