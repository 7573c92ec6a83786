"""Simulated images as a store: planned, surveyed and resumed like any import."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from atfm.data.layout import StoreInfo
from atfm.data.phantom.kinds import Annotators, kind_of, patient_of, simulated_case, split_of
from atfm.errors import InputError
from atfm.importers.build import build
from atfm.importers.plan import Plan, Planned, Progress

__all__ = ["import_phantom", "plan_phantom"]

LEAST_CASES = 10  # so that no split is empty


@contextmanager
def plan_phantom(
    *,
    cases: int | None = None,
    annotators: Annotators = 4,
    test_annotators: Annotators = 100,
    size: int | None = None,
    seed: int = 0,
    kind: str = "grey",
) -> Iterator[Plan]:
    """Plan a store of phantoms with the splits `train`, `val` and `test`, 8 : 1 : 1.

    Args:
        cases: how many in all, >= 10 so that no split is empty; None: as many as a training of the kind needs.
        annotators: of every training and validation case, or several numbers that take turns.
        test_annotators: of every test case, likewise.
        size: height and width in pixels, >= 16; None: that of the kind.
        seed: of the set; other seeds are other patients.
        kind: one of `KINDS`.

    Yields:
        The plan.

    Raises:
        InputError: an argument out of its range.
    """
    chosen = kind_of(kind)
    cases, size = chosen.cases if cases is None else cases, chosen.size if size is None else size
    if cases < LEAST_CASES:
        raise InputError(f"phantom: cases: expected at least {LEAST_CASES}, so that no split is empty, got {cases}")
    splits: dict[str, list[str]] = {"train": [], "val": [], "test": []}
    planned = []
    for number in range(cases):
        patient, split = patient_of(seed, number, kind), split_of(number)
        splits[split].append(patient)
        k = test_annotators if split == "test" else annotators
        read = partial(simulated_case, seed, number, annotators=k, size=size, kind=kind)
        planned.append(Planned(patient, patient, read))
    name = "phantom" if kind == "grey" else f"phantom-{kind}"
    source = f"atfm {name}, seed {seed}, {size}x{size}: simulated, with a known law"
    yield Plan(
        importer="phantom",
        about={"name": name, "licence": "CC0 1.0", "source": source, "modality": "simulated"},
        cases=planned,
        splits=splits,
        sources=(),
        arguments={"annotators": annotators, "test_annotators": test_annotators},
        classes=chosen.classes,
    )


def import_phantom(out: Path, *, progress: Progress = lambda done, total: None, **options: Any) -> StoreInfo:
    """Build a store of phantoms, one case in memory at a time.

    Args:
        out: the store to make.
        progress: called with the cases done and their total after each of them.
        options: of `plan_phantom`.

    Raises:
        InputError: as `plan_phantom`, or a folder in use.
        DiskError: the store cannot be written.
    """
    with plan_phantom(**options) as plan:
        return build(plan, out, progress)
