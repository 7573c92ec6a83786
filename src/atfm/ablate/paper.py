"""The rows about ATFM: the paper's (its table 4, figures 6b and 6c), then one for each of our departures."""

from collections.abc import Mapping
from typing import Any

from atfm.ablate.rows import QUIET, Row
from atfm.methods import StageConfig
from atfm.methods.atfm import ATFMConfig, SFMConfig
from atfm.methods.gtr import GTRConfig
from atfm.train.config import Config

__all__ = ["ALPHA", "ROWS", "base"]

_METHOD = ATFMConfig(
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
)


def base(steps: int = 400) -> Config:
    """The paper's method with networks that two cores train in a minute; rows depart from it.

    Args:
        steps: optimiser steps of each stage; the rows with the energy score share theirs out.
    """
    plan = StageConfig(steps=steps, batch=16, lr=3e-3, warmup=min(50, steps // 4), ema=0.0)
    tuning = plan.model_copy(update={"steps": 0, "lr": plan.lr / 3, "warmup": steps // 100})
    stages = {"gtr": plan, "sfm": plan, "energy": tuning}
    return Config(preset="ablation", method=_METHOD, stages=stages, **QUIET)


def _sfm(**fields: Any) -> dict[str, Any]:
    return {"method": {"sfm": fields}}


_OPTIMAL = {"coupling": "optimal"}
_ENDPOINT = {"form": "endpoint"}
_ONCE = {"condition": "features", "context_widths": [24, 32, 48]}
_ALL = {"annotators": "all"}
_EMA = {name: {"ema": 0.98} for name in ("gtr", "sfm", "energy")}


def _ours(**fields: Any) -> dict[str, Any]:
    return {"method": {"gtr": _ALL, "sfm": _OPTIMAL | _ENDPOINT | _ONCE | fields}, "stages": _EMA}


_FEW = (1, 2, 4, 8, 25)
_TUNED = {"sfm": 0.6, "energy": 0.1}  # a step of the energy score is four times as dear as one of the flow
_SOLVERS: tuple[Mapping[str, Any], ...] = ({}, {"sfm": {"solver": "heun"}}, {"sfm": {"solver": "ralston"}})


def _paper(name: str, about: str, *steps: int, **fields: Any) -> Row:
    return Row(name, about, _sfm(**fields), "paper", steps or (25,))


def _departure(name: str, about: str, fields: Mapping[str, Any], *steps: int, **more: Any) -> Row:
    return Row(name, about, fields, "ours", steps or _FEW, **more)


ROWS: tuple[Row, ...] = (
    _paper("act-gtr", "Act. GTR: stage 1 alone", 0),
    _paper("noise-fm", "SFM from noise, L_FM", start="noise", alpha=0.0),
    _paper("noise-sf", "SFM from noise, L_SF", start="noise"),
    _paper("atfm-fm", "ATFM, L_FM (alpha 0)", alpha=0.0),
    _paper("atfm-sf", "ATFM, L_SF (alpha 1e-3)", 1, 2, 4, 5, 8, 10, 25, 50),
    _paper("alpha-1e-4", "alpha 1e-4", alpha=1e-4),
    _paper("alpha-5e-4", "alpha 5e-4", alpha=5e-4),
    _paper("alpha-5e-3", "alpha 5e-3", alpha=5e-3),
    _departure("optimal", "+ annotator-optimal coupling", _sfm(**_OPTIMAL)),
    _departure("endpoint", "+ endpoint form", _sfm(**_ENDPOINT)),
    _departure("once", "+ image looked at once", _sfm(**_ONCE)),
    _departure("all", "+ all annotators in one likelihood", {"method": {"gtr": _ALL}}, 0, *_FEW),
    _departure("ema", "+ averaged weights", {"stages": _EMA}, 0, *_FEW),
    _departure("together", "all of these", _ours(), 0, *_FEW, ways=_SOLVERS),
    _departure("energy-1", "... and the energy score, 1 step", _ours(steps=1, draws=4), 1, shares=_TUNED),
    _departure("energy-2", "... and the energy score, 2 steps", _ours(steps=2, draws=4), 2, shares=_TUNED),
    _departure("energy-paper", "the paper's ATFM and the energy score, 2 steps", _sfm(steps=2, draws=4), 2,
               shares=_TUNED),
)  # fmt: skip

# The rows of the paper's figure 6c.
ALPHA: Mapping[str, float] = {
    "atfm-fm": 0.0,
    "alpha-1e-4": 1e-4,
    "alpha-5e-4": 5e-4,
    "atfm-sf": 1e-3,
    "alpha-5e-3": 5e-3,
}
