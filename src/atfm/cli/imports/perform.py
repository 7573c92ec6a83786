"""What every importer does with its plan: build the store, or tell what would be in it."""

import argparse
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from atfm.cli.progress import bar

if TYPE_CHECKING:
    from atfm.data.importers.plan import Plan

__all__ = ["looked_through", "perform", "summary", "wanted_out"]

Result = dict[str, Any]
Splits = Mapping[str, Sequence[str]]


def perform(args: argparse.Namespace, planned: "AbstractContextManager[Plan]", given: Splits | None = None) -> Result:
    """Build the store that a plan tells of, or for `--dry-run` survey it.

    Args:
        args: with `out` and `dry_run`, as `flags.add_out` makes them.
        planned: gives the plan, and closes its sources afterwards.
        given: the splits that the user gave, if any; the summary tells how many of their patients have no case.

    Returns:
        The summary, for `atfm.cli.data_text.show_import`.

    Raises:
        InputError: no `--out`, or whatever the importer refuses.
    """
    from atfm.data.importers.build import build
    from atfm.data.importers.survey import survey
    from atfm.data.store import Store

    started = time.perf_counter()
    out = wanted_out(args)
    if args.dry_run:
        with planned as plan, bar("checking") as progress:
            facts = {"dry_run": True, **survey(plan, progress)}
            known = {case.patient_id for case in plan.cases}
    else:
        resumed = None

        def noted(done: int, total: int) -> None:
            nonlocal resumed
            resumed = done - 1 if resumed is None else resumed
            progress(done, total)

        with planned as plan, bar("importing") as progress:
            build(plan, out, noted)
        store = Store.open(out)
        known = set(store.patients())
        facts = {"store": str(out), **summary(store), "skipped": list(plan.skipped)}
        facts["resumed_after"] = len(store) if resumed is None else resumed
    named = {patient for patients in (given or {}).values() for patient in patients}
    return {**facts, "absent_patients": len(named - known), "seconds": round(time.perf_counter() - started, 1)}


@contextmanager
def looked_through(
    text: str, make: "Callable[[Callable[[int, int], object]], AbstractContextManager[Plan]]"
) -> "Iterator[Plan]":
    """A plan that takes a while to make, under a bar of its own.

    Args:
        text: what the bar says.
        make: gives the plan, and is given whom to tell of its progress.
    """
    with ExitStack() as stack:
        with bar(text) as looking:
            plan = stack.enter_context(make(looking))
        yield plan


def wanted_out(args: argparse.Namespace) -> Path:
    """The store to make, which only a dry run can do without.

    Raises:
        InputError: none given, or there is something at its place already.
    """
    from atfm.data.writer import check_free
    from atfm.errors import InputError

    if args.out is None and not args.dry_run:
        raise InputError("--out STORE: give the folder to make, or --dry-run to see what would be in it")
    if args.out is not None:
        check_free(args.out)
    return args.out or Path()


def summary(store: Any) -> Result:
    """What came to be."""
    return {
        "name": store.info.name,
        "cases": len(store),
        "patients": len(store.patients()),
        "splits": {
            name: {"patients": len(patients), "cases": len(store.split(name))}
            for name, patients in store.info.splits.items()
        },
        "unassigned_patients": store.unassigned(),
    }
