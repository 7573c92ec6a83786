"""From a plan to a store, one case in memory at a time."""

from pathlib import Path

from atfm.data.layout import StoreInfo
from atfm.importers.plan import Plan, Progress

__all__ = ["build"]


def build(plan: Plan, out: Path, progress: Progress = lambda done, total: None) -> StoreInfo:
    """Make the store of a plan; where the same import was killed before, go on after the cases that are safe.

    Args:
        plan: what to make.
        out: the store to make, whole or not at all.
        progress: called with the cases done and their total after each of them.

    Raises:
        InputError: a case that cannot be used, by name, or a folder in use.
        DiskError: the store cannot be written.
    """
    total = len(plan.cases)
    with plan.writer(out) as writer:
        for done in range(len(writer), total):
            writer.add(plan.cases[done].read())
            progress(done + 1, total)
    return writer.info
