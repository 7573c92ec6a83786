"""Score every case by the fold that has not seen its patient, and join them to one evaluation.

It is written as any evaluation is (`atfm.evaluate.published`), so that `atfm compare` takes its folder.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Unpack

from atfm.data.store import Store
from atfm.disk.lock import folder_lock
from atfm.evaluate import Kept, Parts, Plan, conclude, prepare, published, read_kept, save, score_part
from atfm.evaluate.leak import joined
from atfm.evaluate.plan import Options
from atfm.evaluate.rows import Entry
from atfm.folds.deal import Fold, name_of, part_of
from atfm.folds.train import folder_of
from atfm.models import load
from atfm.train.processes import Processes

__all__ = ["Joined", "score"]

NAME = "folds"  # what the rows of the table are called: folds may end in methods of different stages


@dataclass(frozen=True)
class Joined:
    """The scores of all folds together.

    Args:
        kept: the evaluation.
        summary: what its `summary.json` says, with the paths of the report and of the rows.
    """

    kept: Kept
    summary: dict[str, Any]


def score(
    store: Store,
    folds: Sequence[Fold],
    out: Path,
    command: str,
    *,
    processes: Processes | None = None,
    tell: Callable[[str], object] = lambda line: None,
    progress: Callable[[int, int], object] = lambda done, total: None,
    **options: Unpack[Options],
) -> Joined | None:
    """Score the folds that `train` has trained in `out`, or what is missing of it, and write the table there.

    Args:
        store: whose patients were dealt.
        folds: of `deal`, all trained.
        out: rows, report and summary are written there.
        command: the command line that makes them again.
        processes: those that share the cases; the main one writes.
        tell: is told of what is damaged and made again.
        progress: is told how many cases of how many are done.
        options: those of `atfm.evaluate.prepare`, but for the split and what is scored beside.

    Returns:
        None but in the main process.

    Raises:
        LeakError: a fold was trained on what it should score: the same image under two patients, say.
        InputError: `out` holds another evaluation.
        BusyError: another process writes there.
        StoreError: a damaged case, or none that counts.
    """
    together = processes or Processes()
    device = options.get("device", "cpu")
    plans = [prepare(load(folder_of(fold, out), device), fold.view(store), **options) for fold in folds]
    identity = _identity(plans, name_of(folds))
    whole = Parts(out / "parts", identity, tell)
    if together.main:
        with folder_lock(out):
            done = published(out, whole, tell=tell)
    done = together.from_main(done if together.main else None)
    if done is None:
        entries = _scored(plans, folds, out, together, tell, progress)
        if together.main:
            with folder_lock(out):
                done = save(_joined(plans, entries, store, folds, out), out, command, identity)
                for number in range(len(plans)):
                    _parts(plans[number], folds[number], out, tell).clear()
    return Joined(read_kept(out), done) if together.main and done is not None else None


def _parts(plan: Plan, fold: Fold, out: Path, tell: Callable[[str], object]) -> Parts:
    return Parts(out / f"scores-{fold.number}", plan.identity(), tell)


def _scored(
    plans: Sequence[Plan],
    folds: Sequence[Fold],
    out: Path,
    processes: Processes,
    tell: Callable[[str], object],
    progress: Callable[[int, int], object],
) -> list[dict[int, Entry]]:
    """The entries of each fold, by the number of the case."""
    total, before, found = sum(len(plan.chosen) for plan in plans), 0, []
    for plan, fold in zip(plans, folds, strict=True):
        parts = _parts(plan, fold, out, tell)

        def moved(done: int, _: int, before: int = before) -> None:
            progress(before + done, total)

        score_part(plan, parts, processes.share(plan.batches), f"{processes.rank + 1}-of-{processes.world}", moved)
        processes.barrier()
        found.append(parts.read())
        before += len(plan.chosen)
    return found


def _joined(
    plans: Sequence[Plan], entries: Sequence[Mapping[int, Entry]], store: Store, folds: Sequence[Fold], out: Path
) -> Any:
    """One evaluation of all cases, each by its fold."""
    view, first = part_of(store, folds), plans[0]
    contender = replace(first.contenders[0], name=NAME, title=_title(plans), note="no case by who has seen its patient")
    plan = replace(
        first,
        model=str(out),
        contenders=[contender],
        leaks=[joined([one.leaks[0] for one in plans])],
        store=view,
        split=name_of(folds),
        chosen=sorted(number for one in plans for number in one.chosen),
    )
    renamed: dict[int, Entry] = {}
    for one, found in zip(plans, entries, strict=True):
        renamed |= {number: _renamed(entry, one.contenders[0].name) for number, entry in found.items()}
    return conclude(plan, renamed)


def _title(plans: Sequence[Plan]) -> str:
    """What the folds are: all may be of one method, or end in different stages."""
    titles = [plan.contenders[0].title for plan in plans]
    counts = {title: titles.count(title) for title in titles}
    if len(counts) == 1:
        return f"{titles[0]}, {len(plans)} folds"
    return f"{len(plans)} folds: " + ", ".join(f"{count} {title}" for title, count in counts.items())


def _renamed(entry: Entry, name: str) -> Entry:
    """The same entry with its own method's rows under the name that all folds share."""
    scores = {NAME if key == name else key: value for key, value in entry.scores.items()}
    bins = {NAME if key == name else key: value for key, value in entry.bins.items()}
    return replace(entry, scores=scores, bins=bins)


def _identity(plans: Sequence[Plan], split: str) -> dict[str, object]:
    """What decides the table: what all folds share, and of each what is its own."""
    each = [plan.identity() for plan in plans]
    own = ("weights", "steps", "settings", "leaks")
    return {**each[0], **{name: {NAME: [one[name] for one in each]} for name in own}, "split": split}
