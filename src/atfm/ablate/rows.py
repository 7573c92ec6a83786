"""The rows of the ablation: the paper's (its table 4, figures 6b and 6c), then one for each of our departures."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from atfm.train.config import Config, GTRConfig, SFMConfig, StageConfig, override

__all__ = ["ROWS", "Row", "base", "stretch"]

Fields = Mapping[str, Mapping[str, Any]]

# A study scores its trainings itself, and loses no more than one when it is killed.
QUIET: Mapping[str, Any] = {"save_every": 10**6, "validate_every": 10**6, "validate_cases": 1, "validate_samples": 2}


@dataclass(frozen=True)
class Row:
    """One row: what it is called, what it changes, how it samples.

    Args:
        name: short, unique; a folder is named after it.
        section: "paper", the paper's own ablation, "ours", or "limits", which are in `atfm.ablate.limits`.
        about: one line for the table.
        fields: what of `base` it overrides.
        steps: numbers of solver steps it is scored with; 0 scores stage 1 alone, None takes the configuration's own.
        solvers: solvers it is scored with.
        tuned: four tenths of stage 2's steps are spent on a tenth as many of stage 3, each four times as dear.
        patients: share of the training patients.
        width: all widths of all networks, times this.
        time: the steps of all stages, times this.
    """

    name: str
    section: Literal["paper", "ours", "limits"]
    about: str
    fields: Fields = field(default_factory=dict)
    steps: tuple[int | None, ...] = (25,)
    solvers: tuple[str, ...] = ("euler",)
    tuned: bool = False
    patients: float = 1.0
    width: float = 1.0
    time: float = 1.0

    def config(self, base: Config) -> Config:
        """Return the configuration of this row.

        Raises:
            ConfigError: a field that is unknown or ill-typed.
        """
        config = override(stretch(widen(base, self.width), self.time), self.fields, source=f"row {self.name}")
        if not self.tuned:
            return config
        stage = config.stage2
        less, last = stage.steps * 6 // 10, stage.steps // 10
        tuning = stage.model_copy(update={"steps": last, "lr": stage.lr / 3, "warmup": last // 10})
        return config.model_copy(update={"stage2": stage.model_copy(update={"steps": less}), "stage3": tuning})


def widen(config: Config, factor: float) -> Config:
    """Return the configuration with all widths of all networks times `factor`, in multiples of 8."""

    def wide(widths: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(max(8, 8 * round(width * factor / 8)) for width in widths)

    if factor == 1:
        return config
    gtr = config.gtr.model_copy(update={"widths": wide(config.gtr.widths)})
    sfm = {name: wide(getattr(config.sfm, name)) for name in ("widths", "context_widths")}
    return config.model_copy(update={"gtr": gtr, "sfm": config.sfm.model_copy(update=sfm)})


def stretch(config: Config, factor: float) -> Config:
    """Return the configuration with the steps and warm-ups of all stages times `factor`."""

    def long(plan: StageConfig) -> StageConfig:
        return plan.model_copy(update={name: round(getattr(plan, name) * factor) for name in ("steps", "warmup")})

    stages = ("stage1", "stage2", "stage3")
    return config.model_copy(update={name: long(getattr(config, name)) for name in stages})


def base(steps: int = 400) -> Config:
    """The paper's method with networks that two cores train in a minute; rows depart from it.

    Args:
        steps: optimiser steps of each stage.
    """
    plan = StageConfig(steps=steps, batch=16, lr=3e-3, warmup=min(50, steps // 4), ema=0.0)
    return Config(
        preset="ablation",
        gtr=GTRConfig(widths=(24, 32), patch=2, monte_carlo=10, annotators="one"),
        sfm=SFMConfig(
            widths=(16, 32, 48),
            patch=2,
            form="velocity",
            coupling="independent",
            condition="image",
            starts=4,
            pairs=1,
            alpha=1e-3,
            steps=25,
        ),
        stage1=plan,
        stage2=plan,
        **QUIET,
    )


_OPTIMAL: Fields = {"sfm": {"coupling": "optimal"}}
_ENDPOINT: Fields = {"sfm": {"form": "endpoint"}}
_ONCE: Fields = {"sfm": {"condition": "features", "context_widths": [24, 32, 48]}}
_ALL: Fields = {"gtr": {"annotators": "all"}}
_EMA: Fields = {"stage1": {"ema": 0.98}, "stage2": {"ema": 0.98}}


def _together(*parts: Fields) -> Fields:
    merged: dict[str, dict[str, Any]] = {}
    for part in parts:
        for name, fields in part.items():
            merged[name] = merged.get(name, {}) | dict(fields)
    return merged


_FEW = (1, 2, 4, 8, 25)
_OURS = _together(_OPTIMAL, _ENDPOINT, _ONCE, _ALL, _EMA)


def _draws(steps: int) -> Fields:
    return {"sfm": {"steps": steps, "draws": 4}}


ROWS: tuple[Row, ...] = (
    Row("act-gtr", "paper", "Act. GTR: stage 1 alone", steps=(0,)),
    Row("noise-fm", "paper", "SFM from noise, L_FM", {"sfm": {"start": "noise", "alpha": 0.0}}),
    Row("noise-sf", "paper", "SFM from noise, L_SF", {"sfm": {"start": "noise"}}),
    Row("atfm-fm", "paper", "ATFM, L_FM (alpha 0)", {"sfm": {"alpha": 0.0}}),
    Row("atfm-sf", "paper", "ATFM, L_SF (alpha 1e-3)", steps=(1, 2, 4, 5, 8, 10, 25, 50)),
    Row("alpha-1e-4", "paper", "alpha 1e-4", {"sfm": {"alpha": 1e-4}}),
    Row("alpha-5e-4", "paper", "alpha 5e-4", {"sfm": {"alpha": 5e-4}}),
    Row("alpha-5e-3", "paper", "alpha 5e-3", {"sfm": {"alpha": 5e-3}}),
    Row("optimal", "ours", "+ annotator-optimal coupling", _OPTIMAL, _FEW),
    Row("endpoint", "ours", "+ endpoint form", _ENDPOINT, _FEW),
    Row("once", "ours", "+ image looked at once", _ONCE, _FEW),
    Row("all", "ours", "+ all annotators in one likelihood", _ALL, (0, *_FEW)),
    Row("ema", "ours", "+ averaged weights", _EMA, (0, *_FEW)),
    Row("together", "ours", "all of these", _OURS, (0, *_FEW), ("euler", "heun", "ralston")),
    Row("energy-1", "ours", "... and the energy score, 1 step", _together(_OURS, _draws(1)), (1,), tuned=True),
    Row("energy-2", "ours", "... and the energy score, 2 steps", _together(_OURS, _draws(2)), (2,), tuned=True),
    Row("energy-paper", "ours", "the paper's ATFM and the energy score, 2 steps", _draws(2), (2,), tuned=True),
)
