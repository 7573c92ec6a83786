"""Carry out an evaluation: in memory, or in parts that several processes share; then bring its entries together."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Unpack

from atfm.data.store import Store
from atfm.errors import StoreError
from atfm.evaluate.batch import score_batch
from atfm.evaluate.beside import Contender, Scored
from atfm.evaluate.evaluation import Evaluation, Result, warnings
from atfm.evaluate.foreign.predictions import Predictions
from atfm.evaluate.illustrate import illustrate
from atfm.evaluate.lying import lying
from atfm.evaluate.parts import Parts
from atfm.evaluate.plan import Options, Plan, prepare
from atfm.evaluate.rows import Entry
from atfm.metrics.references import REFERENCES
from atfm.metrics.reliability import ReliabilityBins
from atfm.metrics.table import Interval, summarise

__all__ = ["carry_out", "conclude", "evaluate", "join", "score_part"]

Progress = Callable[[int, int], object]


def evaluate(
    model: Scored, store: Store, *, progress: Progress = lambda done, total: None, **options: Unpack[Options]
) -> Evaluation:
    """Score a model on the cases of a split; memory holds the samples of `batch` cases at a time.

    Args:
        model: what is scored.
        store: where the cases are.
        progress: is told how many cases of how many are done.
        options: those of `prepare`: which cases, how many samples, what beside it.

    Raises:
        StoreError: no such split, an empty one, one without a pixel that counts, or a damaged case.
        LeakError: the model has seen patients of the split, and `allow_leak` is False.
        InputError: a store whose images or classes are not those of the model.
    """
    return carry_out(prepare(model, store, **options), progress)


def carry_out(plan: Plan, progress: Progress = lambda done, total: None) -> Evaluation:
    """Score all cases of a plan, see `evaluate`.

    Raises:
        StoreError: a damaged case, or none that has a pixel that counts.
    """
    entries: dict[int, Entry] = {}
    for numbers in plan.batches:
        entries |= {entry.number: entry for entry in score_batch(plan, numbers)}
        progress(len(entries), len(plan.chosen))
    return conclude(plan, entries)


def score_part(
    plan: Plan, parts: Parts, batches: Sequence[Sequence[int]], name: str, progress: Progress = lambda done, total: None
) -> int:
    """Score some batches of a plan, as far as their cases are not among the parts already, and add them to these.

    Args:
        plan: what is scored.
        parts: what is there of it.
        batches: of `plan.batches`, the share of this process.
        name: of the process: no other writes parts under this name at the same time.
        progress: is told how many cases of these batches are there.

    Returns:
        How many cases the batches have.

    Raises:
        InputError: parts of another evaluation.
        StoreError: a damaged case.
        DiskError: no space, no permission or an impossible path.
    """
    there = parts.read().keys()
    total = sum(map(len, batches))
    done = sum(number in there for numbers in batches for number in numbers)
    progress(done, total)
    with parts.writer(name) as keep:
        for numbers in batches:
            missing = [number for number in numbers if number not in there]
            if missing:
                # the whole batch again: a case is always drawn with the same others
                keep([entry for entry in score_batch(plan, numbers) if entry.number in missing])
                done += len(missing)
                progress(done, total)
    return total


def join(plan: Plan, parts: Parts) -> Evaluation:
    """Bring together what all processes and shards have added to the parts, see `conclude`.

    Raises:
        InputError: parts of another evaluation.
        StoreError: a case is missing, or none has a pixel that counts; nothing is then kept of the parts.
    """
    entries = parts.read()
    if not any(entry.scores for entry in entries.values()):
        parts.clear()
    return conclude(plan, entries)


def conclude(plan: Plan, entries: Mapping[int, Entry]) -> Evaluation:
    """Bring the entries of all chosen cases together, whoever scored them, in the order of the store.

    Raises:
        StoreError: a case is missing, or none has a pixel that counts.
    """
    started = time.perf_counter()
    missing = [number for number in plan.chosen if number not in entries]
    if missing:
        raise StoreError(
            f"{plan.store.path}: {len(missing)} of {len(plan.chosen)} cases were not scored, such as "
            f"{plan.store.ids()[missing[0]][0]}; let all processes see one folder, and run the same command again"
        )
    chosen = [entries[number] for number in plan.chosen]
    said = [entry for entry in chosen if entry.scores]
    _check_said(plan, said)
    results = [_of_method(contender, said, plan.seed) for contender in plan.contenders]
    first = plan.contenders[0]
    convention = first.method.convention if isinstance(first.method, Predictions) else None
    illustrations = illustrate(
        first.method,
        plan.store,
        {entry.number: entry.row(first.name) for entry in said},
        plan.samples,
        plan.seed,
        plan.device,
        first.fit,
    )
    return Evaluation(
        model=plan.model,
        result=results[0],
        beside=results[1:],
        references=[_of_reference(name, said, plan.seed) for name in REFERENCES] if plan.references else [],
        store=plan.store,
        split=plan.split,
        samples=plan.samples,
        seed=plan.seed,
        limit=plan.limit,
        leak=plan.leaks[0],
        warnings=[
            *warnings(results, plan.leaks, len(chosen) - len(said)),
            *lying(plan.contenders, plan.store.info),
            *(convention.warnings if convention is not None else ()),
        ],
        illustrations=illustrations,
        seconds=time.perf_counter() - started + sum(entry.seconds for entry in chosen),
        silent=len(chosen) - len(said),
        convention=convention,
    )


def _of_method(contender: Contender, entries: Sequence[Entry], seed: int) -> Result:
    """Rows, means and intervals; ECE belongs to all cases together and has no interval."""
    total, one = ReliabilityBins(), ReliabilityBins()
    for entry in entries:  # in the order of the store, so that the sums are the same to the last bit
        one.load_state_dict(entry.bins[contender.name])
        total.merge(one)
    rows = [entry.row(contender.name) for entry in entries]
    scores = summarise([{"patient": row.patient_id, **row.scores} for row in rows], seed=seed)
    ece = Interval(total.ece, None, None, len(rows))
    return Result(contender.name, rows, scores | {"ece": ece}, total, contender.title, contender.note)


def _of_reference(name: str, entries: Sequence[Entry], seed: int) -> Result:
    rows = [entry.row(name) for entry in entries]
    return Result(name, rows, summarise([{"patient": row.patient_id, **row.scores} for row in rows], seed=seed))


def _check_said(plan: Plan, said: Sequence[Entry]) -> None:
    """Refuse cases of which annotators say nothing at all."""
    if not said:
        raise StoreError(
            f"{plan.store.path}: split {plan.split!r}: none of the {len(plan.chosen)} cases has a pixel that counts, "
            f"each is ignored (label {plan.store.info.ignore_label}) by an annotator; choose another split, or import "
            "masks that say more"
        )
