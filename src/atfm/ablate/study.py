"""`study`: train and score every row with every seed; what was done is kept, so that a killed study goes on.

What is kept knows what made it: scores of other weights, data, settings, samples or cases, or of which a digit was
changed, are made again.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from atfm.ablate.rows import Fields, Row
from atfm.ablate.trained import made_by, train
from atfm.data.geometry.rule import known_spacing
from atfm.data.source import Selection
from atfm.data.store import Store
from atfm.disk.sealed import digest, plain, read_sealed, write_sealed
from atfm.errors import ConfigError
from atfm.evaluate import Plan, carry_out, prepare
from atfm.methods import Method
from atfm.models import Model, load
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

    def plan(self, model: Model) -> Plan:
        """What is scored of a model."""
        return prepare(
            model,
            self.store,
            split=self.split,
            samples=self.samples,
            limit=self.limit,
            device=self.device,
            references=False,
        )


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
            trained = train(store, config, method, row, out, torch.device(device), tell)
            model = load(trained.run, device)
            for fields, steps in _ways(row, config, method):
                way = ",".join(_said(fields))
                plan = scoring.plan(_sampling(model, config, fields, steps))
                identity = {"training": digest(made_by(store, config, row)), "way": way, **plan.identity()}
                file = trained.folder / f"scores-{split}-{samples}-{limit}-{way or 'own'}-{steps}.json"
                value, reason = read_sealed(file, identity)
                if reason:
                    tell(f"{file} {reason}: scored again")
                if value is None:
                    value = plain(asdict(Outcome(row.name, seed, way, steps, trained.seconds, _score(plan))))
                    write_sealed(file, value, identity)
                    tell(f"{row.name}, seed {seed}, {steps} steps: GED {_mean(value['cases'], 'ged'):.3f}")
                outcomes.append(Outcome(**value))
    return outcomes


def _built(store: Store, config: Config) -> Method:
    """The method of a row, without memory: what does not fit the data is told before anything is trained."""
    first = Selection(store, store.split("train")[:1])
    size = config.seen(tuple(first.shapes[0].tolist()), known_spacing(first.spacings[0].tolist()))
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


def _score(plan: Plan) -> list[dict[str, Any]]:
    return [{"patient": row.patient_id, "case": row.case_id, **row.scores} for row in carry_out(plan).result.rows]


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
