"""`study`: train and score every row with every seed; what was done is kept, so that a killed study goes on."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from atfm.ablate.rows import Fields, Row
from atfm.ablate.shared import shared_stages
from atfm.data.store import Store
from atfm.errors import ConfigError
from atfm.evaluate import evaluate
from atfm.fit import fit
from atfm.io.atomic import atomic_write
from atfm.methods import Method
from atfm.models import Model, load
from atfm.train.cases import from_store
from atfm.train.config import Config, override

__all__ = ["Outcome", "study"]

Tell = Callable[[str], object]


@dataclass(frozen=True)
class Outcome:
    """A row with one seed, sampled in one way, scored.

    Args:
        row: its name.
        seed: of the training.
        way: fields of the method that were set for sampling, `sfm.solver=heun`; empty for none.
        steps: of the solver; 0 is what the first stage draws alone, None a method without steps.
        seconds: of the training of all stages that the row does not share with others.
        cases: of each case the patient, the id and the scores.
    """

    row: str
    seed: int
    way: str
    steps: int | None
    seconds: float
    cases: list[dict[str, Any]]


@dataclass(frozen=True)
class Scoring:
    """How all rows are scored, as for `evaluate`."""

    store: Store
    split: str
    samples: int
    limit: int | None
    device: torch.device | str


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
    tell: Tell = lambda line: None,
) -> list[Outcome]:
    """Train and score the rows; the first stages are trained once for all rows that share them.

    Args:
        store: with the splits train and `split`.
        base: what the rows depart from, of any method.
        rows: of different names.
        out: folder of the trainings and scores; the same call again goes on where it stopped.
        seeds: of the trainings; the noise of the scores is the same for all.
        split: what is scored, see `evaluate`.
        samples: masks of each case.
        limit: cases that are scored; None for all.
        device: where.
        tell: is told of each training and score.

    Raises:
        ConfigError: no row or no seed, two rows of one name, or a row that does not fit the data.
        StoreError: a store without these splits.
    """
    if not rows or not seeds:
        raise ConfigError("rows and seeds: expected at least one of each")
    if len({row.name for row in rows}) < len(rows):
        raise ConfigError(f"rows: expected different names, got {', '.join(row.name for row in rows)}")
    scoring, outcomes = Scoring(store, split, samples, limit, device), []
    methods = {row.name: _built(store, row.config(base)) for row in rows}
    for seed in seeds:
        for row in rows:
            config = row.config(base).model_copy(update={"seed": seed})
            method = methods[row.name]
            folder = out / f"{row.name}-seed-{seed}"
            trained, seconds = _trained(store, config, method, row, out, torch.device(device), tell)
            for fields, steps in _ways(row, config, method):
                way = ",".join(_said(fields))
                file = folder / f"scores-{split}-{samples}-{limit}-{way or 'own'}-{steps}.json"
                if not file.exists():
                    cases = _score(scoring, trained, config, fields, steps)
                    _write(file, asdict(Outcome(row.name, seed, way, steps, seconds, cases)))
                    tell(f"{row.name}, seed {seed}, {steps} steps: GED {_mean(cases, 'ged'):.3f}")
                outcomes.append(Outcome(**json.loads(file.read_text("utf-8"))))
    return outcomes


def _built(store: Store, config: Config) -> Method:
    """The method of a row, without memory: what does not fit the data is told before anything is trained."""
    size = config.crop or store.shape(store.split("train")[0])
    with torch.device("meta"):
        return config.build(in_channels=store.info.channels, channels=store.info.classes, size=size)


def _ways(row: Row, config: Config, method: Method) -> Iterator[tuple[Fields, int | None]]:
    """The fields and the numbers of steps under which a row is sampled."""
    first = method.stages()[0]
    alone = first.method is not method
    later = any(plan.steps for name, plan in config.stages.items() if name != first.name)
    if alone and not later:
        yield {}, 0
        return
    own = [method.steps] if method.steps is None else [method.steps if n is None else n for n in row.steps]
    if alone and 0 in row.steps:
        yield {}, 0
    yield from ((fields, steps) for fields in row.ways for steps in own if steps != 0)


def _trained(
    store: Store, config: Config, method: Method, row: Row, out: Path, device: torch.device, tell: Tell
) -> tuple[Path, float]:
    """The run folder of the trained row, and the seconds that the stages of its own took."""
    folder = out / f"{row.name}-seed-{config.seed}"
    shared, take = shared_stages(config, method, row.patients, out), {}
    if shared is not None:
        tell(f"{', '.join(shared.stages)}, seed {config.seed}: {shared.folder.name}")
        fit(shared.config, from_store(store, shared.config, share=row.patients), shared.folder, device=device)
        take = dict.fromkeys(shared.stages, shared.folder)
        if row.steps == (0,) or not any(plan.steps for name, plan in config.stages.items() if name not in take):
            folder.mkdir(parents=True, exist_ok=True)
            return shared.folder, 0.0
    started, seconds = time.perf_counter(), folder / "seconds.json"
    fit(config, from_store(store, config, share=row.patients), folder, device=device, take=take)
    if not seconds.exists():
        _write(seconds, round(time.perf_counter() - started, 1))
        tell(f"{row.name}, seed {config.seed}: trained in {json.loads(seconds.read_text('utf-8')):.0f} s")
    return folder, float(json.loads(seconds.read_text("utf-8")))


def _score(scoring: Scoring, trained: Path, config: Config, fields: Fields, steps: int | None) -> list[dict[str, Any]]:
    model = _sampling(load(trained, scoring.device), config, fields, steps)
    evaluation = evaluate(
        model,
        scoring.store,
        split=scoring.split,
        samples=scoring.samples,
        limit=scoring.limit,
        device=scoring.device,
        references=False,
    )
    return [{"patient": row.patient_id, "case": row.case_id, **row.scores} for row in evaluation.result.rows]


def _sampling(model: Model, config: Config, fields: Fields, steps: int | None) -> Model:
    """The model as it samples in one way: its weights, other fields of the method, so many steps."""
    method = model.method
    if steps == 0:
        return replace(model, method=method.stages()[0].method)
    if fields:
        other = override(config, {"method": fields}, source="way of sampling")
        frame = method.frame
        changed = other.build(in_channels=frame.in_channels, channels=frame.channels, size=frame.size)
        changed.load_state_dict(method.state_dict())
        method = changed.eval().requires_grad_(False).to(next(method.parameters()).device)
    return replace(model, method=method if steps is None else method.with_steps(steps))


def _said(fields: Fields, prefix: str = "") -> Iterator[str]:
    """`sfm.solver=heun` for each field."""
    for name, value in fields.items():
        if isinstance(value, dict):
            yield from _said(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}={value}"


def _mean(cases: Sequence[dict[str, Any]], score: str) -> float:
    values = [case[score] for case in cases if case.get(score) is not None]
    return sum(values) / len(values) if values else float("nan")


def _write(file: Path, value: Any) -> None:
    with atomic_write(file) as temporary:
        temporary.write_text(json.dumps(value) + "\n", "utf-8")
