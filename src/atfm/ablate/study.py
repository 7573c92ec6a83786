"""`study`: train and score every row with every seed; what was done is kept, so that a killed study goes on."""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from atfm.ablate.rows import Row
from atfm.data.store import Store
from atfm.errors import ConfigError
from atfm.evaluate import evaluate
from atfm.fit import fit, from_store
from atfm.flow.solver import SOLVERS
from atfm.io.atomic import atomic_write
from atfm.methods import ATFM
from atfm.models import Model, load
from atfm.train.config import Config, SFMConfig, StageConfig

__all__ = ["Outcome", "study"]


@dataclass(frozen=True)
class Outcome:
    """A row with one seed, one solver and one number of steps, scored.

    Args:
        row: its name.
        seed: of the training.
        solver, steps: how it was sampled; 0 steps is stage 1 alone.
        seconds: of the training of stage 2 and 3.
        cases: of each case the patient, the id and the scores.
    """

    row: str
    seed: int
    solver: str
    steps: int
    seconds: float
    cases: list[dict[str, Any]]


def study(
    store: Store,
    base: Config,
    rows: Sequence[Row],
    out: Path,
    *,
    seeds: Sequence[int] = (0, 1, 2),
    split: str = "val",
    samples: int = 32,
    limit: int | None = 100,
    device: torch.device | str = "cpu",
    tell: Callable[[str], object] = lambda line: None,
) -> list[Outcome]:
    """Train and score the rows; stage 1 is trained once for all rows that share it.

    Args:
        store: with the splits train and `split`.
        base: what the rows depart from.
        rows: from `ROWS`.
        out: folder of the trainings and scores; the same call again goes on where it stopped.
        seeds: of the trainings; the noise of the scores is the same for all.
        split: what is scored, see `evaluate`.
        samples: masks of each case.
        limit: cases that are scored; None for all.
        device: where.
        tell: is told of each training and score.

    Raises:
        ConfigError: no row or no seed, or a row that does not fit the data.
        StoreError: a store without these splits.
    """
    if not rows or not seeds:
        raise ConfigError("rows and seeds: expected at least one of each")
    outcomes = []
    for seed in seeds:
        for row in rows:
            config = row.config(base).model_copy(update={"seed": seed})
            folder = out / f"{row.name}-seed-{seed}"
            model, seconds = _trained(store, config, row, out, folder, torch.device(device), tell)
            for solver, steps in _ways(row, config):
                file = folder / f"scores-{split}-{samples}-{limit}-{solver}-{steps}.json"
                if not file.exists():
                    cases = _score(model, store, solver, steps, split, samples, limit, device)
                    _write(file, asdict(Outcome(row.name, seed, solver, steps, seconds, cases)))
                    tell(f"{row.name}, seed {seed}, {steps} steps: GED {_mean(cases, 'ged'):.3f}")
                outcomes.append(Outcome(**json.loads(file.read_text("utf-8"))))
    return outcomes


def _ways(row: Row, config: Config) -> Iterator[tuple[str, int]]:
    """The solvers and numbers of steps of a row; stage 1 alone, 0 steps, once."""
    numbers = [config.sfm.steps if steps is None else steps for steps in row.steps]
    numbers = numbers if _has_flow(config) else [0]
    yield from ((solver, steps) for solver in row.solvers for steps in numbers if steps or solver == row.solvers[0])


def _has_flow(config: Config) -> bool:
    return config.stage2.steps + config.stage3.steps > 0


def _trained(
    store: Store,
    config: Config,
    row: Row,
    out: Path,
    folder: Path,
    device: torch.device,
    tell: Callable[[str], object],
) -> tuple[Model, float]:
    """The trained row, and the seconds that its stages 2 and 3 took."""
    first = _stage_1(store, config, row.patients, out, device, tell)
    if row.steps == (0,) or not _has_flow(config):
        folder.mkdir(parents=True, exist_ok=True)
        return load(first, device), 0.0
    later = config.model_copy(update={"stage1": config.stage1.model_copy(update={"steps": 0})})
    started = time.perf_counter()
    fit(later, from_store(store, later, share=row.patients), folder, device=device, gtr=first)
    seconds = folder / "seconds.json"
    if not seconds.exists():
        _write(seconds, round(time.perf_counter() - started, 1))
        tell(f"{row.name}, seed {config.seed}: trained in {json.loads(seconds.read_text('utf-8')):.0f} s")
    return load(folder, device), float(json.loads(seconds.read_text("utf-8")))


def _stage_1(
    store: Store, config: Config, share: float, out: Path, device: torch.device, tell: Callable[[str], object]
) -> Path:
    """The run folder of the stage 1 of a configuration, trained if it is not there yet."""
    identity = config.model_dump_json(include={"gtr", "stage1", "augment", "window", "crop"})
    identity += "" if share == 1 else f" {share}"
    folder = out / f"gtr-{hashlib.sha256(identity.encode()).hexdigest()[:8]}-seed-{config.seed}"
    # Whatever rows that share a stage 1 may differ in is as by default here, so that they find the same training.
    other = {"sfm": SFMConfig(patch=config.gtr.patch), "stage2": StageConfig(steps=0), "stage3": StageConfig(steps=0)}
    alone = config.model_copy(update=other)
    tell(f"stage 1, seed {config.seed}: {folder.name}")
    fit(alone, from_store(store, alone, share=share), folder, device=device)
    return folder


def _score(
    model: Model,
    store: Store,
    solver: str,
    steps: int,
    split: str,
    samples: int,
    limit: int | None,
    device: torch.device | str,
) -> list[dict[str, Any]]:
    method = model.method
    if isinstance(method, ATFM):
        method.steps, method.solver = max(1, steps), SOLVERS[solver]
        if not steps:
            model = Model(method.truncation, model.name, model.patients, model.card)
    evaluation = evaluate(model, store, split=split, samples=samples, limit=limit, device=device, references=False)
    return [{"patient": row.patient_id, "case": row.case_id, **row.scores} for row in evaluation.result.rows]


def _mean(cases: Sequence[dict[str, Any]], score: str) -> float:
    values = [case[score] for case in cases if case.get(score) is not None]
    return sum(values) / len(values) if values else float("nan")


def _write(file: Path, value: Any) -> None:
    with atomic_write(file) as temporary:
        temporary.write_text(json.dumps(value) + "\n", "utf-8")
