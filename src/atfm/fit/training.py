"""`fit`: a configuration and cases in, a trained run folder out."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from atfm.data.budget import Budget
from atfm.data.dataset import CaseDataset
from atfm.errors import ConfigError
from atfm.fit.beginning import begun, given_models, without_taken
from atfm.fit.card import new_card, sources
from atfm.fit.opening import opened
from atfm.methods.method import Method
from atfm.models import WEIGHTS, edit, load
from atfm.train.cases import Cases
from atfm.train.checkpoints import Checkpoints
from atfm.train.clock import Watch, sized
from atfm.train.config import Config
from atfm.train.frozen import Frozen
from atfm.train.loop import Trainer
from atfm.train.memory import check_fits, foreseen
from atfm.train.processes import Processes
from atfm.train.progress import Progress
from atfm.train.publication import Publication
from atfm.train.run import Run, held
from atfm.train.step import check_parts
from atfm.train.temperature import calibrated

__all__ = ["Fitted", "fit"]


@dataclass(frozen=True)
class Fitted:
    """Where a training stands when `fit` returns.

    Args:
        run: its folder.
        steps: made in all.
        total: of all stages together.
        skipped: those that were left out because they were not finite.
        validation: the last one.
        cases: where the training cases were kept, see `Budget.told`.
        memory: what it was to hold, see `Memory`.
        notes: what was said on the way: files that were damaged or removed, the memory, what was taken, what was kept.
        stage: that the published weights are of.
        verdicts: which stages were kept, with the figures, see `atfm.train.choice`; none where all are.
        ended: steps of the stages that came to their end early.
        taken: what came of each model that weights were taken from.
    """

    run: Path
    steps: int
    total: int
    skipped: int
    validation: dict[str, Any] | None
    cases: dict[str, Any]
    memory: dict[str, Any]
    notes: list[str]
    stage: str
    verdicts: list[dict[str, Any]]
    ended: dict[str, int]
    taken: dict[str, dict[str, Any]]


def fit(
    config: Config,
    cases: Cases,
    out: Path,
    *,
    device: torch.device,
    max_steps: int | None = None,
    minutes: float | None = None,
    watch: Watch = "wall",
    take: Mapping[str, str | Path] | None = None,
    start: str | Path | None = None,
    budget: Budget = Budget(),  # noqa: B008 (frozen)
    processes: Processes | None = None,
    tell: Callable[[Progress], None] = lambda progress: None,
    say: Callable[[str], object] = lambda note: None,
) -> Fitted:
    """Train all stages in `out`, or go on where a killed or shortened training stopped.

    A run goes on with more steps too: `config` may give more to the stage that was trained last, and to later ones.

    Args:
        config: what is trained.
        cases: on what.
        out: the run folder.
        device: where.
        max_steps: stop after so many steps of all stages in all.
        minutes: scale the steps of all stages to this time, as measured when the run begins; the run keeps them.
        watch: what the minutes are measured by, see `atfm.train.clock.now`; "cpu" is for a CPU.
        take: stages whose weights are taken from other models, by name, instead of being trained.
        start: a model that all stages begin from, to fine-tune it: all of its weights that fit by name and shape are
            taken, and what was not is said; a stage of 0 steps stays as it is, and one of `take` comes from there.
        budget: how many bytes of cases are held on the device; more are streamed, without another result.
        processes: those that train together, of which this is one; all see `out`, and the main one writes.
        tell: is told of every step.
        say: is told, before the first step, what the training will hold, and whatever else there is to be said.

    Returns:
        Where it stands, with that published.

    Raises:
        ConfigError: a configuration that does not fit the data, the model to begin from, the run, the memory or the
            number of processes.
        CheckpointError: `out` holds another training, or none but damaged checkpoints.
        BusyError: another process is training in `out`.
        TrainingError: the training diverged.
        ProcessError: another process has ended.
        DiskError: the disk is full; the last checkpoint stays usable.
    """
    if watch == "cpu" and device.type != "cpu":
        raise ConfigError(f"--watch cpu: measures what a CPU computes, and {device} is none; leave it out")
    given = given_models(take or {}, start)
    config = without_taken(config, take or {})
    together = processes or Processes()
    check_parts(config.stages, together)
    notes: list[str] = []

    def noted(note: str) -> None:
        notes.append(note)
        say(note)

    read = opened(config, cases, budget, device, together)
    method, taken = begun(config, read.train, cases.classes, given)
    method = method.to(device)
    names = {name for one in taken.values() for name in one.tensors}
    _check_choice(config, method, names, read.validation is not None, noted)
    for one in taken.values():
        noted(str(one))
    identity = {"data": cases.description, **sources(given), **_identity(config, minutes, watch)}
    done = max(Checkpoints(out).steps(), default=0)
    memory = foreseen(method, config.stages, read.train, read.validation, done=done, end=max_steps, limit=read.free)
    check_fits(memory, read.free)
    for sentence in (*read.told(config), f"this training holds {memory}"):
        noted(sentence)
    with held(out, together):
        run = Run(out, identity, [stage.name for stage in method.stages()], together, noted)
        trainer = Trainer(
            method,
            config,
            read.train,
            read.validation,
            run,
            processes=together,
            patients=read.owners,
            taken=names,
            say=noted,
        )
        if minutes is not None:
            trainer.config = run.resolve(partial(_sized, trainer, minutes, watch))
        kept = budget.told(read.train)
        card = new_card(trainer.config, replace(read.cases, train=read.native), read.rule, given, taken)
        card |= {"cases": kept}
        card |= {"extended": run.extended} if run.extended else {}
        publication = Publication(out / WEIGHTS, card, noted)
        trainer.publish, trainer.ensure = publication.publish, publication.ensure
        steps = trainer.train(max_steps, tell)
    if config.calibrate and read.validation is not None and steps == trainer.total:
        _calibrate(out, config, read.validation, together, noted)
    came = {name: one.as_json() for name, one in taken.items()}
    return _fitted(out, steps, trainer, cases=kept, memory=memory.as_json(), notes=notes, taken=came)


def _calibrate(
    out: Path, config: Config, validation: CaseDataset, processes: Processes, say: Callable[[str], object]
) -> None:
    """Write the temperature of least validation GED into the card of the weights, as an edit of it."""
    method = load(out, validation.device).method
    found = calibrated(method, validation, config.validate_samples, config.seed, processes=processes)
    if found is None:
        return
    say(str(found))
    if processes.main and found.temperature != found.before:
        edit(out / WEIGHTS, {"temperature": found.temperature}, when=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
    processes.barrier()


def _identity(config: Config, minutes: float | None, watch: Watch) -> dict[str, Any]:
    """What decides the weights besides the data; minutes are turned into steps when a run begins."""
    found: dict[str, Any] = {"config": config.model_dump(mode="json")}
    if minutes is None:
        return found
    return found | {"minutes": minutes} | ({"watch": watch} if watch != "wall" else {})


def _fitted(out: Path, steps: int, trainer: Trainer, **fields: Any) -> Fitted:
    """Where a trainer stands."""
    choice, history = trainer.judge.choice, trainer.judge.history
    return Fitted(
        run=out,
        steps=steps,
        total=trainer.total,
        skipped=trainer.skipped,
        validation=history[-1] if history else None,
        stage=trainer.published,
        verdicts=choice.verdicts,
        ended=choice.ended,
        **fields,
    )


def _sized(trainer: Trainer, minutes: float, watch: Watch) -> Config:
    """The steps of all stages that take the minutes, validations among them where a choice is made by these."""
    return sized(
        trainer.config,
        trainer.method,
        trainer.batches,
        minutes=minutes,
        device=trainer.device,
        processes=trainer.processes,
        watch=watch,
        validate=trainer.judge.rows if trainer.judge.choice.on else None,
    )


def _check_choice(
    config: Config, method: Method, taken: set[str], validated: bool, say: Callable[[str], object]
) -> None:
    """Refuse parts to freeze that there are not, and say where there are no cases to choose by."""
    for stage in method.stages():
        if config.stages[stage.name].steps:
            Frozen(method, stage, config.stages[stage.name], taken)
    if not validated and (config.patience is not None or config.keep == "better"):
        say("there are no validation cases: every stage makes all of its steps and is kept")
