"""Facts of a set that nobody has measured, and a small store."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from atfm.data.phantom.kinds import phantom_cases, split_of
from atfm.data.store import Store, StoreWriter
from atfm.plan.facts import Facts, Range

FACTS = Facts(
    name="set",
    channels=1,
    classes=1,
    cases=30,
    patients=30,
    validation=8,
    patients_known=True,
    size=Range((600.0, 600.0), (800.0, 800.0), (1000.0, 1000.0)),
    spacing=None,
    unsaid=1.0,
    lesion=Range((100.0, 100.0), (300.0, 320.0), (500.0, 500.0)),
    small=90.0,
    reach=0.9,
    readers=(4, 4, 4),
    empty=0.0,
    denied=0,
    agreement=0.7,
    disjoint=0.0,
)


@pytest.fixture
def facts() -> Callable[..., Facts]:
    """Facts of 30 frames of about 800 pixels with lesions of 300, but for what is given."""
    return lambda **changes: replace(FACTS, **changes)


@pytest.fixture
def same() -> Callable[..., Range]:
    """A range whose ends are one."""
    return lambda *sides: Range(sides, sides, sides)


@pytest.fixture(scope="session")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Store]:
    """Stores of the phantoms, by kind; without val where it is not wanted."""
    folder = tmp_path_factory.mktemp("stores")

    def made(kind: str = "grey", count: int = 20, *, val: bool = True, readers: int = 4) -> Store:
        path: Path = folder / f"{kind}-{count}-{val}-{readers}"
        if not path.exists():
            cases = list(phantom_cases(0, count, annotators=readers, kind=kind, size=24 if kind == "volume" else None))
            splits: dict[str, list[str]] = {"train": [], "val": [], "test": []}
            for number, case in enumerate(cases):
                splits[split_of(number)].append(case.patient_id)
            if not val:
                del splits["val"]
            classes = 1 + max(int(np.max(case.masks)) for case in cases) if kind == "classes" else 1
            with StoreWriter(path, name=kind, splits=splits, classes=classes) as writer:
                for case in cases:
                    writer.add(case)
        return Store.open(path)

    return made
