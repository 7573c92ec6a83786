"""The phantoms as a plan, so that they can be surveyed and resumed like any import."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from atfm.data.importers.plan import Plan, Planned
from atfm.data.phantom_store import Annotators, kind_of, patient_of, simulated_case, split_of
from atfm.errors import InputError

__all__ = ["plan_phantom"]

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
    """Plan the store that `atfm.data.phantom_store.import_phantom` makes, of the same arguments.

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
