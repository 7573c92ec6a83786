"""The cases of a training as its configuration's `fit` shows them to the network, and what is to be said of it."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from atfm.data.case import Case
from atfm.data.geometry.fitted import Fitted
from atfm.data.geometry.rule import Fit, known_spacing, usual_spacing
from atfm.data.source import Source, source_of
from atfm.errors import ConfigError
from atfm.train.cases import Cases
from atfm.train.config import FitConfig

__all__ = ["fitted_cases", "rule_of", "told"]

_LOOKED_AT = 200  # cases of which the small lesions are counted before a training


def rule_of(config: FitConfig | None, cases: Source | Sequence[Case]) -> Fit | None:
    """Return the rule for these training cases, which know the usual spacing; None where images stay as they are.

    Raises:
        ConfigError: a rule for another number of axes.
    """
    if config is None:
        return None
    source = source_of(cases)
    rule, axes = config.rule(usual_spacing(source.spacings.tolist())), source.shapes.shape[1]
    if rule.dims != axes:
        raise ConfigError(f"field 'fit': expected {axes} numbers, one for each axis of the images, got {rule.dims}")
    return rule


def fitted_cases(cases: Cases, rule: Fit | None) -> Cases:
    """Return the cases on the network's pixels; the same where there is no rule."""
    if rule is None:
        return cases

    def fitted(chosen: Source | Sequence[Case]) -> Source | Sequence[Case]:
        return Fitted(source_of(chosen), rule, cases.classes, cases.ignore_label) if len(chosen) else chosen

    return replace(cases, train=fitted(cases.train), validation=fitted(cases.validation))


def told(cases: Source | Sequence[Case]) -> list[str]:
    """Say of training cases how they were brought to the network, a sentence each; nothing where they were not."""
    return list(_told(cases)) if isinstance(cases, Fitted) else []


def _told(cases: Fitted) -> Iterator[str]:
    grids = [cases.grid(i) for i in range(len(cases))]
    steps = np.array([grid.step for grid in grids])
    low, high = (" x ".join(f"{step:.3g}" for step in ends) for ends in (steps.min(0), steps.max(0)))
    yield f"fit: a pixel of the network takes {low if low == high else f'{low} to {high}'} pixels of the images"
    if cases.fit.spacing is not None:
        silent = sum(known_spacing(spacing) is None for spacing in cases.source.spacings.tolist())
        if silent:
            usual = cases.fit.usual or (1.0,) * cases.fit.dims
            of = "the median of the others" if cases.fit.usual else "no image says more"
            mm = " x ".join(f"{side:.3g}" for side in usual)
            yield f"fit: {silent} of {len(cases)} images do not say their spacing: taken to have {mm} mm, {of}"
    looked = np.sort(np.random.default_rng(0).permutation(len(cases))[:_LOOKED_AT]).tolist()
    saved = [cases.saved(i) for i in looked if not grids[i].plain]
    kept, vanished = sum(len(one.reader) for one in saved), sum(one.vanished for one in saved)
    if kept or vanished:
        lesions = sum(one.lesions for one in saved)
        within = "" if len(looked) == len(cases) else f" of the {len(looked)} cases that were looked at"
        yield (
            f"fit: {kept + vanished:,} of {lesions:,} outlined parts{within} are too small for the network's pixels: "
            f"{kept:,} are kept as one of these each, larger than they are, and {vanished:,} specks beside larger "
            "parts are left out"
        )
