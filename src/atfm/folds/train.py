"""Train the folds of one configuration, one after the other; each is a run folder of its own, and goes on by itself."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from atfm.data.store import Store
from atfm.fit import Fitted, fit
from atfm.folds.deal import Fold
from atfm.train.cases import Cases, from_store
from atfm.train.config import Config
from atfm.train.progress import Progress

__all__ = ["FoldProgress", "cases_of", "folder_of", "train"]

# Of a fold, what is told of every step of its training; what it gives is closed when the fold is done.
FoldProgress = Callable[[Fold, Path], AbstractContextManager[Callable[[Progress], None]]]


def folder_of(fold: Fold, out: Path) -> Path:
    """The run folder of a fold: `OUT/fold-1`."""
    return out / f"fold-{fold.number}"


def cases_of(fold: Fold, store: Store, config: Config) -> Cases:
    """What a fold is trained and validated on; the description says which fold, since the store is the same for all."""
    cases = from_store(fold.view(store), config)
    told = {"fold": fold.number, "folds": fold.of}
    return replace(cases, description={**cases.description, **told})


def train(
    config: Config,
    store: Store,
    folds: Sequence[Fold],
    out: Path,
    *,
    device: torch.device,
    patient_key: bytes = b"",
    progress: FoldProgress = lambda fold, folder: nullcontext(lambda step: None),
    say: Callable[[str], object] = lambda line: None,
    **options: Any,
) -> list[Fitted]:
    """Train all folds, or go on where they were stopped.

    Args:
        config: of every fold.
        store: whose patients were dealt.
        folds: of `deal`.
        out: the folds' run folders lie in it.
        device: where.
        patient_key: secret, of the hashes that stand for the patients in the cards.
        progress: for a fold and its folder, gives what is told of every step.
        say: is told which fold is trained, and what `fit` has to say.
        options: further ones of `atfm.fit.fit`, the same for each fold.

    Raises:
        ConfigError, CheckpointError, BusyError, TrainingError, ProcessError, DiskError: as `fit`.
    """
    fitted = []
    for fold in folds:
        say(
            f"fold {fold.number} of {fold.of}: {len(fold.train)} patients to train on, {len(fold.validation)} to "
            f"validate on, {len(fold.scored)} to score"
        )
        cases, folder = replace(cases_of(fold, store, config), patient_key=patient_key), folder_of(fold, out)
        with progress(fold, folder) as tell:
            fitted.append(fit(config, cases, folder, device=device, tell=tell, say=say, **options))
    return fitted
