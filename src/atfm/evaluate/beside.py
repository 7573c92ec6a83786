"""What is scored on one set of cases with one noise: the model, and beside it its earlier stages or other models."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from atfm.data.geometry.rule import Fit, fit_of
from atfm.data.seen.seen import Seen
from atfm.errors import InputError
from atfm.evaluate.foreign.predictions import Predictions
from atfm.methods.gtr.method import GTR
from atfm.methods.method import Method
from atfm.metrics.references import REFERENCES

__all__ = ["Contender", "Scored", "contenders", "earlier"]


class Scored(Protocol):
    """What can be scored: a method, its name, and what it was trained on."""

    @property
    def method(self) -> Method: ...
    @property
    def name(self) -> str: ...
    @property
    def seen(self) -> Seen: ...


@dataclass(frozen=True)
class Contender:
    """One of the methods that are scored together.

    Args:
        method: what draws.
        name: of its rows; no other contender has it.
        seen: what it was trained on.
        title, note: what a reader is told that it is.
        fit: how it brings images to its pixels; None: it takes them as they are.
    """

    method: Method
    name: str
    seen: Seen
    title: str
    note: str = ""
    fit: Fit | None = None


def earlier(model: Scored) -> list[Contender]:
    """Return the stages of a model that can be scored beside it, in the order of its training.

    These are the stages whose method is another than the model's: what a later stage changed is no longer what it was.
    Several stages of one method are that method as the last of them left it, and go by its name.
    """
    last = {id(stage.method): (number, stage) for number, stage in enumerate(model.method.stages(), 1)}
    found: list[Contender] = []
    for number, stage in last.values():
        if stage.method is not model.method:
            kind = type(stage.method).__name__
            title = f"{kind} after {stage.name}" if found else f"{kind} alone"
            note = f"stage {number}, the same cases and noise"
            found.append(Contender(stage.method, stage.name, model.seen, title, note, _fit(model)))
    return found


def contenders(model: Scored, beside: Sequence[Scored] = ()) -> list[Contender]:
    """Return a model and what is scored beside it, each with a name of its own; the model is the first.

    Args:
        model: it goes by the name of its method.
        beside: stages of it, see `earlier`, and other models, which go by the last part of their names.

    Raises:
        InputError: two of one name, or one of a reference's.
    """
    kind = type(model.method).__name__
    found = [Contender(model.method, kind.lower(), model.seen, title_of(model), fit=_fit(model))]
    for other in beside:
        found.append(other if isinstance(other, Contender) else _another(other))
    names = [*(contender.name for contender in found), *REFERENCES]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise InputError(f"beside: two are called {twice[0]!r}, which rows are told apart by; rename one of them")
    return found


def title_of(model: Scored) -> str:
    """What a model is, in words: of a trained ATFM whether the energy score tuned it, since that is another method.

    The paper has two stages, GTR and the flow from it; `lidc` is GTR behind a hurdle, tuned by its samples' score.
    """
    kind = type(model.method).__name__
    if isinstance(model.method, Predictions):
        return f"Predictions {model.method.convention.name}"
    if isinstance(model.method, GTR):
        hurdle = "" if model.method.presence is None else " behind a hurdle"
        return f"GTR{hurdle}" + (", tuned by the energy score" if model.method.own_energy else "")
    card = getattr(model, "card", None) or {}
    stages = card.get("config", {}).get("stages", {})
    if "sfm" not in stages or model.method.steps is None:
        return kind
    steps = f"{model.method.steps} step" + ("s" if model.method.steps > 1 else "")
    hurdle = " behind a hurdle" if "presence" in stages else ""
    tuned = stages.get("energy", {}).get("steps", 0) > 0 and card.get("training", {}).get("stage") == "energy"
    what = "tuned by the energy score" if tuned else "two stages"
    return f"GTR and {steps} of the flow{hurdle}, {what}"


def _another(model: Scored) -> Contender:
    name = Path(model.name).resolve().name.removesuffix(".safetensors")
    note = f"another model, {title_of(model)}; the same cases and noise"
    return Contender(model.method, name, model.seen, name, note, _fit(model))


def _fit(model: Scored) -> Fit | None:
    return fit_of(getattr(model, "card", None) or {}, model.name)
