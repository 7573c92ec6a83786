"""`Cases`: what a training needs of a data set, from a store or simulated."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from atfm.data.case import Case
from atfm.data.intensity import Intensity
from atfm.data.patients import PatientsKnown
from atfm.data.phantom.kinds import kind_of, phantom_cases
from atfm.data.source import Selection, Source
from atfm.data.store import Store
from atfm.seeding import step_generator
from atfm.train.config import Config

__all__ = ["Cases", "from_phantom", "from_store"]


@dataclass(frozen=True)
class Cases:
    """What a training needs of a data set.

    Args:
        train: training cases, in memory or in a store.
        validation: validation cases; may be empty.
        description: JSON that names this very data: name, digest, splits.
        patients: ids of the training patients.
        classes: 1 for binary masks, else the number of labels.
        ignore_label: a label that says nothing, see `StoreInfo`.
        intensity: how the files' values were put into [0, 1].
        modality: what the images are, see `StoreInfo`.
        orientation: how they lie, see `StoreInfo`.
        patients_known: how it is known whose the cases are, see `StoreInfo`.
        patient_key: secret, of the hashes that stand for the patients in the card; empty for none.
        owners: the patient of each validation case, by its id; a case that is not here is a patient of its own.
    """

    train: Source | Sequence[Case]
    validation: Source | Sequence[Case]
    description: dict[str, Any]
    patients: list[str]
    classes: int = 1
    ignore_label: int | None = None
    intensity: Intensity = field(default_factory=lambda: Intensity(kind="as-is"))
    modality: str = "unknown"
    orientation: str = "unknown"
    patients_known: PatientsKnown | None = None
    patient_key: bytes = field(default=b"", repr=False)
    owners: Mapping[str, str] = field(default_factory=dict, repr=False)


def from_store(
    store: Store, config: Config, *, train: str = "train", validation: str = "val", share: float = 1.0
) -> Cases:
    """Return the cases of a store's splits, and of the second a seeded subset of `config.validate_cases`.

    Args:
        store: where the cases are.
        config: its seed chooses the subsets, and the training patients that validate where there is no such split.
        train: the split that is trained on.
        validation: the split that is validated on; it may be missing.
        share: of the training patients, in (0, 1]; at least one.
    """
    split, identifiers = store.split(train), store.ids()
    indices = store.split(validation) if validation in store.info.splits else []
    held = set() if indices else _held_out(config, {identifiers[i][1] for i in split})
    indices = indices or [i for i in split if identifiers[i][1] in held]
    split = [i for i in split if identifiers[i][1] not in held]
    order = torch.randperm(len(indices), generator=step_generator(config.seed, "validation cases"))
    chosen = sorted(indices[i] for i in order[: config.validate_cases].tolist())
    patients = sorted({identifiers[i][1] for i in split})
    description: dict[str, Any] = {
        "name": store.info.name,
        "digest": store.digest,
        "train": train,
        "validation": validation,
    }
    if held:
        description["hold_out"] = len(held)
    if share < 1:
        order = torch.randperm(len(patients), generator=step_generator(config.seed, "training patients"))
        patients = sorted(patients[i] for i in order[: max(1, round(share * len(patients)))].tolist())
        kept = set(patients)
        split = [i for i in split if identifiers[i][1] in kept]
        description["share"] = share
    return Cases(
        Selection(store, split),
        Selection(store, chosen),
        description,
        patients,
        store.info.classes,
        store.info.ignore_label,
        rule(store),
        store.info.modality,
        store.info.orientation,
        store.info.patients_known,
        owners=dict(identifiers[i] for i in chosen),
    )


def _held_out(config: Config, patients: set[str]) -> set[str]:
    """The training patients that validate instead; somebody is left to train on."""
    order = torch.randperm(len(patients), generator=step_generator(config.seed, "held out patients")).tolist()
    known = sorted(patients)
    return {known[i] for i in order[: min(config.hold_out, len(patients) - 1)]}


def rule(store: Store) -> Intensity:
    """How the images of a store were put into [0, 1]: as its importer says, else told by how the pixels are kept."""
    return store.info.intensity or Intensity(kind="byte" if store.info.dtype == "uint8" else "as-is")


def from_phantom(config: Config, *, cases: int | None = None) -> Cases:
    """Return simulated cases of the kind that the preset names, `phantom-volume` for one, generated in memory.

    Args:
        config: `validate_cases` of them are for validation.
        cases: how many to train on; None: as many as the kind needs.
    """
    kind = config.phantom or "grey"
    name = "phantom" if kind == "grey" else f"phantom-{kind}"
    count = kind_of(kind).cases if cases is None else cases
    drawn = phantom_cases(config.seed, count + config.validate_cases, kind=kind)
    train = [next(drawn) for _ in range(count)]
    description: dict[str, Any] = {
        "name": name,
        "seed": config.seed,
        "train": count,
        "validation": config.validate_cases,
    }
    patients = [case.patient_id for case in train]
    validation = list(drawn)
    return Cases(
        train,
        validation,
        description,
        patients,
        kind_of(kind).classes,
        modality="simulated",
        orientation="none",
        patients_known="given",
        owners={case.case_id: case.patient_id for case in validation},
    )
