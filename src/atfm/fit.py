"""`fit`: a configuration and cases in, a trained run folder out."""

import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from atfm import __version__
from atfm.data.budget import Budget
from atfm.data.dataset import CaseDataset
from atfm.data.geometry.rule import Fit
from atfm.data.intensity import Intensity
from atfm.data.ood.recorder import Recorder
from atfm.data.pseudonyms import key_name, patient_hash
from atfm.data.seen.images import FIELD
from atfm.errors import ConfigError
from atfm.io.memory import available_bytes
from atfm.methods.method import Method
from atfm.metrics.resolution import FEW, resolution_line
from atfm.models import WEIGHTS, Model, load
from atfm.train.cases import Cases
from atfm.train.checkpoints import Checkpoints
from atfm.train.clock import Watch, sized
from atfm.train.config import Config
from atfm.train.fitting import fitted_cases, rule_of, told
from atfm.train.frozen import Frozen
from atfm.train.loop import Trainer
from atfm.train.memory import check_fits, foreseen, spoken
from atfm.train.processes import Processes
from atfm.train.progress import Progress
from atfm.train.publication import Publication
from atfm.train.run import Run, held
from atfm.train.step import check_parts
from atfm.train.taking import Taken, take_fitting, take_stage

__all__ = ["Fitted", "fit"]

_FROM = "from"  # what all stages begin from, beside the models that single stages are taken of


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
    given = _given(take or {}, start)
    config = _without(config, take or {})
    together = processes or Processes()
    check_parts(config.stages, together)
    notes: list[str] = []

    def noted(note: str) -> None:
        notes.append(note)
        say(note)

    native, rule = cases.train, rule_of(config.fit, cases.train)
    cases = fitted_cases(cases, rule)
    free = _room(config, cases, budget, device, together)
    opened = partial(
        budget.open, classes=cases.classes, device=device, crop=config.crop, ignore_label=cases.ignore_label
    )
    train = opened(cases.train)
    validation = opened(cases.validation) if len(cases.validation) else None
    method, taken = _begun(config, train, cases.classes, given)
    method = method.to(device)
    names = {name for one in taken.values() for name in one.tensors}
    _check_choice(config, method, names, validation is not None, noted)
    for one in taken.values():
        noted(str(one))
    owners = [] if validation is None else [cases.owners.get(case, case) for case in validation.case_ids]
    identity: dict[str, Any] = {"data": cases.description, **_sources(given)}
    identity |= {"config": config.model_dump(mode="json")} | ({} if minutes is None else {"minutes": minutes})
    identity |= {"watch": watch} if minutes is not None and watch != "wall" else {}
    done = max(Checkpoints(out).steps(), default=0)
    memory = foreseen(method, config.stages, train, validation, done=done, end=max_steps, limit=free)
    check_fits(memory, free)
    chooses = config.patience is not None or config.keep == "better"
    few = [_shown(cases, owners)] if chooses and 0 < len(set(owners)) < FEW else []
    for sentence in (*told(cases.train), *few, f"this training holds {memory}"):
        noted(sentence)
    with held(out, together):
        run = Run(out, identity, [stage.name for stage in method.stages()], together, noted)
        trainer = Trainer(
            method,
            config,
            train,
            validation,
            run,
            processes=together,
            patients=owners,
            taken=names,
            say=noted,
        )
        if minutes is not None:
            trainer.config = run.resolve(
                lambda: sized(
                    config,
                    method,
                    trainer.batches,
                    minutes=minutes,
                    device=device,
                    processes=together,
                    watch=watch,
                    validate=trainer.judge.rows if trainer.judge.choice.on else None,
                )
            )
        card = _card(trainer.config, replace(cases, train=native), rule, given, taken) | {"cases": budget.told(train)}
        card |= {"extended": run.extended} if run.extended else {}
        publication = Publication(out / WEIGHTS, card, noted)
        trainer.publish, trainer.ensure = publication.publish, publication.ensure
        steps = trainer.train(max_steps, tell)
    validated = trainer.judge.history[-1] if trainer.judge.history else None
    kept = budget.told(train)
    return Fitted(
        out,
        steps,
        trainer.total,
        trainer.skipped,
        validated,
        kept,
        memory.as_json(),
        notes,
        stage=trainer.published,
        verdicts=trainer.judge.choice.verdicts,
        ended=trainer.judge.choice.ended,
        taken={name: one.as_json() for name, one in taken.items()},
    )


def _shown(cases: Cases, owners: Sequence[str]) -> str:
    """What validations on so few patients can show."""
    few = len(set(owners))
    return resolution_line(f"{len(cases.train):,} training cases, {few} patients to validate on", few)


def _check_choice(
    config: Config, method: Method, taken: set[str], validated: bool, say: Callable[[str], object]
) -> None:
    """Refuse parts to freeze that there are not, and say where there are no cases to choose by."""
    for stage in method.stages():
        if config.stages[stage.name].steps:
            Frozen(method, stage, config.stages[stage.name], taken)
    if not validated and (config.patience is not None or config.keep == "better"):
        say("there are no validation cases: every stage makes all of its steps and is kept")


def _room(config: Config, cases: Cases, budget: Budget, device: torch.device, processes: Processes) -> int | None:
    """The memory that each process may take; cases that are to be held and do not fit are refused before they are read.

    The processes of one machine share it, but for GPUs, of which each has its own.
    """
    free = available_bytes(device)
    if free is not None and device.type == "cpu":
        free //= processes.beside
    free = processes.from_main(free)
    sets = [chosen for chosen in (cases.train, cases.validation) if len(chosen)]
    size = sum(budget.holds(chosen, cases.classes, device, crop=config.crop is not None) for chosen in sets)
    if free is not None and size > free:
        raise ConfigError(
            f"cases: {spoken(size)} are to be held and {spoken(free)} of memory are free; give --hold "
            f"{free / 2e9:.2g}, so that they are streamed"
        )
    return free


def _begun(
    config: Config, train: CaseDataset, classes: int, given: Mapping[str, Model]
) -> tuple[Method, dict[str, Taken]]:
    """The method with fresh weights, or with those that are taken, and what these are; a stage's own go first."""
    torch.manual_seed(config.seed)
    method = config.build(in_channels=train.channels, channels=classes, size=train.size)
    own = {name: model for name, model in given.items() if name != _FROM}
    taken = {name: take_stage(model.method, method, name, model.name) for name, model in own.items()}
    if _FROM in given:
        model, apart = given[_FROM], {name for one in taken.values() for name in one.tensors}
        taken[_FROM] = take_fitting(model.method, method, model.name, apart)
    return method, taken


def _card(
    config: Config, cases: Cases, rule: Fit | None, given: Mapping[str, Model], taken: Mapping[str, Taken]
) -> dict[str, Any]:
    """What is known of the weights before a step is made."""
    recorder = Recorder(config.crop, rule)
    recorder.look(cases.train)
    return {
        "config": config.model_dump(mode="json"),
        "data": cases.description,
        **_patients(cases, given),
        "versions": versions(),
        "intensity": stretched(cases.intensity, recorder).model_dump(mode="json"),
        "orientation": cases.orientation,
        FIELD: recorder.seen_images().joined([model.seen.images for model in given.values()]).model_dump(mode="json"),
        **({} if rule is None or rule.usual is None else {"usual_spacing": list(rule.usual)}),
        **({} if cases.patients_known is None else {"patients_known": cases.patients_known}),
        "training_images": recorder.training_images(cases.modality).model_dump(mode="json"),
        **_sources(given),
        **_parts(taken),
    }


def _patients(cases: Cases, given: Mapping[str, Model]) -> dict[str, Any]:
    """Who was trained on, by pseudonyms, and the names of the keys that these are made with."""
    models = [model.seen for model in given.values()]
    own = {patient_hash(patient, cases.patient_key) for patient in cases.patients}
    keys = {key_name(cases.patient_key)} if cases.patient_key else set()
    keys |= {key for model in models for key in model.patient_keys}
    found: dict[str, Any] = {"patients": sorted(own.union(*(model.patients for model in models)))}
    return found | ({"patient_keys": sorted(keys)} if keys else {})


def _given(take: Mapping[str, str | Path], start: str | Path | None) -> dict[str, Model]:
    """The models that weights are taken from, by stage; what all stages begin from under the name `from`."""
    begun = {} if start is None else {_FROM: load(start)}
    return begun | {name: load(model) for name, model in take.items()}


def _without(config: Config, take: Mapping[str, str | Path]) -> Config:
    """The configuration, in which the stages that are taken have no steps."""
    for name in take:
        if name not in config.stages:
            raise ConfigError(f"--take {name}: {config.method.name} has the stages {', '.join(config.stages)}")
    taken = {name: config.stages[name].model_copy(update={"steps": 0}) for name in take}
    return config.model_copy(update={"stages": config.stages | taken})


def _sources(given: Mapping[str, Model]) -> dict[str, Any]:
    named = {name: {"sha256": model.card["sha256"], "name": model.name} for name, model in given.items()}
    return {"taken": named} if named else {}


def _parts(taken: Mapping[str, Taken]) -> dict[str, Any]:
    """What was not taken, where it was not everything."""
    left = {name: one.as_json() for name, one in taken.items() if not one.whole}
    return {"taken_in_part": left} if left else {}


def stretched(rule: Intensity, recorder: Recorder) -> Intensity:
    """The rule, with what the images themselves tell of it; parts of images that were stretched no longer show it."""
    told = rule.stretched or recorder.stretched
    return rule.model_copy(update={"stretched": told}) if rule.kind in ("byte", "as-is") else rule


def versions() -> dict[str, str]:
    """Return what a training ran on."""
    return {
        "atfm": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
    }
