"""`Plan`: what is scored, on which cases, by which rules; checked before any time is spent on it."""

import hashlib
import itertools
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, is_dataclass
from functools import cached_property
from typing import TypedDict

import torch

from atfm import __version__
from atfm.data.geometry.rule import Fit, known_spacing
from atfm.data.seen.images import Compared
from atfm.data.seen.seen import Seen
from atfm.data.store import Store
from atfm.errors import InputError, StoreError
from atfm.evaluate.beside import Contender, Scored, contenders
from atfm.evaluate.cases import choose, guard
from atfm.evaluate.foreign.predictions import Predictions
from atfm.evaluate.leak import Leak
from atfm.methods.method import Method
from atfm.metrics.conventions import CONVENTIONS

__all__ = ["Options", "Plan", "numbers_of_samples", "prepare", "settings_digest", "weights_digest"]

NS = (1, 2, 4, 8, 16, 32, 50, 100)  # those that papers print, and a few below for the curve


class Options(TypedDict, total=False):
    """The arguments of `prepare` that may be left out."""

    split: str
    samples: int
    limit: int | None
    seed: int
    batch: int
    device: torch.device | str
    beside: Sequence[Scored]
    references: bool
    allow_leak: bool
    patient_key: bytes
    left_out: Collection[str]


@dataclass(frozen=True)
class Plan:
    """An evaluation before it is carried out.

    Args:
        model: the name of what is scored.
        contenders: the model, then what is scored beside it.
        leaks: what the guard found of each of them.
        store, split: where the cases are.
        chosen: the cases that are scored, by their number in the store.
        samples, limit, seed, batch: as asked for.
        device: where samples are drawn.
        references: whether always empty and the annotators' majority are scored too.
    """

    model: str
    contenders: Sequence[Contender]
    leaks: Sequence[Leak]
    store: Store
    split: str
    chosen: Sequence[int]
    samples: int
    limit: int | None
    seed: int
    batch: int
    device: torch.device
    references: bool

    @property
    def ns(self) -> list[int]:
        """The `n` of every `GED_n` that is scored."""
        return numbers_of_samples(self.samples)

    @cached_property
    def batches(self) -> list[list[int]]:
        """The chosen cases in order, up to `batch` of them at a time, of one shape (and spacing) each.

        These are the pieces that several processes share: a case is always drawn with the same others, so that not even
        the last bit of a row depends on who scored it.
        """
        return list(_batches(self.store, self.chosen, self.batch, fitted=any(one.fit for one in self.contenders)))

    def identity(self) -> dict[str, object]:
        """Return what makes the results of two runs the same, as JSON; neither names of files nor the device do."""
        fits = {one.name: repr(one.fit) for one in self.contenders if one.fit is not None}
        return {
            "version": __version__,
            "conventions": dict(CONVENTIONS),
            "weights": {one.name: weights_digest(one.method) for one in self.contenders},
            "steps": {one.name: one.method.steps for one in self.contenders},
            "settings": {one.name: settings_digest(one.method) for one in self.contenders},
            **({"fits": fits} if fits else {}),
            "leaks": {one.name: _sha256([repr(leak)]) for one, leak in zip(self.contenders, self.leaks, strict=True)},
            "store": self.store.digest,
            "split": self.split,
            "samples": self.samples,
            "limit": self.limit,
            "seed": self.seed,
            "batch": self.batch,
            "references": self.references,
            **self._predictions(),
        }

    def _predictions(self) -> dict[str, object]:
        """The digests of masks that were read in place of being drawn; nothing where there are none."""
        read = {one.name: one.method for one in self.contenders}
        digests = {name: one.convention.digest for name, one in read.items() if isinstance(one, Predictions)}
        return {"predictions": digests} if digests else {}


def prepare(
    model: Scored,
    store: Store,
    *,
    split: str = "test",
    samples: int = 100,
    limit: int | None = None,
    seed: int = 0,
    batch: int = 4,
    device: torch.device | str = "cpu",
    beside: Sequence[Scored] = (),
    references: bool = True,
    allow_leak: bool = False,
    patient_key: bytes = b"",
    left_out: Collection[str] = (),
) -> Plan:
    """Check that a model can be scored on a split, and that it may be.

    Args:
        model: what is scored.
        store: where the cases are.
        split: which of them.
        samples: masks drawn of each case, at least 2.
        limit: score a fixed subset of so many cases; None for all.
        seed: of the noise and of the bootstrap; the noise belongs to (seed, case, sample).
        batch: cases drawn at a time.
        device: where samples are drawn; scores are computed on the CPU.
        beside: what is drawn with the same noise beside it: earlier stages of it, or other models.
        references: score always empty and the annotators' majority too.
        allow_leak: score what a model was trained on, and say so in the result.
        patient_key: that the models know their patients by, if it was trained with one.
        left_out: ids of cases that are not scored, as there are no predictions of them.

    Raises:
        StoreError: no such split, or an empty one.
        LeakError: a model has seen patients or images of the split, and `allow_leak` is False.
        InputError: a store whose images or classes are not those of the models, or numbers that cannot be.
    """
    numbers_of_samples(samples)
    if batch < 1:
        raise InputError(f"batch: expected at least 1 case at a time, got {batch}")
    ids = store.ids()
    chosen = [number for number in choose(store.split(split), limit) if ids[number][0] not in left_out]
    found = contenders(model, beside)
    for contender in found:
        check_fit(contender.method, store, split, chosen, contender.fit)
    names = [model.name, *(other.name for other in beside)]
    leaks = _leaks([one.seen for one in found], names, store, chosen, patient_key=patient_key, allow_leak=allow_leak)
    return Plan(
        model=model.name,
        contenders=found,
        leaks=leaks,
        store=store,
        split=split,
        chosen=chosen,
        samples=samples,
        limit=limit,
        seed=seed,
        batch=batch,
        device=torch.device(device),
        references=references,
    )


def _leaks(
    seen: Sequence[Seen],
    names: Sequence[str],
    store: Store,
    chosen: Sequence[int],
    *,
    patient_key: bytes,
    allow_leak: bool,
) -> list[Leak]:
    """What the guard finds of each model; those that were trained on the same are compared once."""
    patients = {store.ids()[i][1] for i in chosen}
    compared: dict[int, Compared] = {}
    leaks = []
    for one, name in zip(seen, names, strict=True):
        if one.images is not None and id(one.images) not in compared:
            compared[id(one.images)] = one.images.compare(store[i] for i in chosen)
        leaks.append(
            guard(
                one,
                patients,
                model=name,
                patients_known=store.info.patients_known,
                images=compared.get(id(one.images)),
                patient_key=patient_key,
                allow_leak=allow_leak,
            )
        )
    return leaks


def numbers_of_samples(samples: int) -> list[int]:
    """The `n` of every `GED_n` that so many samples allow, themselves included.

    Raises:
        InputError: fewer than two samples, which have no diversity.
    """
    if samples < 2:
        raise InputError(f"samples: expected at least 2, got {samples}; 100 is usual")
    return sorted({n for n in NS if n <= samples} | {samples})


def check_fit(method: Method, store: Store, split: str, chosen: Sequence[int], fit: Fit | None = None) -> None:
    """Refuse a store that the method, with its way to bring images to its pixels, cannot read; before time is spent.

    Raises:
        StoreError: no case at all.
        InputError: other channels, classes or sizes.
    """
    if not chosen:
        raise StoreError(f"{store.path}: split {split!r} has no case; choose another split")
    wanted, given = (method.in_channels, method.channels), (store.info.channels, store.info.classes)
    if wanted != given:
        raise InputError(
            f"store {store.info.name}: the model was made for {wanted[0]} image and {wanted[1]} mask channels, "
            f"this store has {given[0]} and {given[1]}; choose a store like the one it was trained on"
        )
    for i in chosen:
        shape = store.shape(i)
        seen = shape if fit is None else fit.grid(shape, known_spacing(_spacing(store, i))).size
        if not method.accepts(seen):
            brought = "" if fit is None else f", {list(seen)} of its pixels"
            raise InputError(
                f"case {store.ids()[i][0]}: the model was made for images of {list(method.size)}, "
                f"this one has {list(shape)}{brought}; train a model with `fit`, which takes any size, or import the "
                "data again with this one"
            )


def _spacing(store: Store, number: int) -> tuple[float, ...]:
    return tuple(store.pixels.index["spacing"][number, : store.info.spatial_dims].tolist())


def _batches(store: Store, chosen: Sequence[int], batch: int, *, fitted: bool) -> Iterator[list[int]]:
    def kind(number: int) -> tuple[object, ...]:
        return store.shape(number), _spacing(store, number) if fitted else None

    for _, alike in itertools.groupby(chosen, key=kind):
        while several := list(itertools.islice(alike, batch)):
            yield several


def settings_digest(method: Method) -> str:
    """Return the SHA-256 of what decides how a method draws beside its weights and its steps."""
    return _sha256(_settings(method))


def _settings(method: Method) -> Iterator[str]:
    """What decides how a method draws beside its weights: solver, temperature, the part of the image that it sees."""
    for name, module in method.named_modules():
        for field, value in sorted(vars(module).items()):
            # What is drawn at a time bounds memory and changes nothing; tensors and networks are among the weights.
            simple = value is None or isinstance(value, bool | int | float | str | tuple) or is_dataclass(value)
            if simple and not field.startswith("_") and field not in ("training", "chunk", "steps"):
                yield f"{name}.{field} = {value!r}"


def _sha256(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def weights_digest(method: Method) -> str:
    """Return the SHA-256 of a method's weights, their names and shapes."""
    total = hashlib.sha256()
    for name, tensor in sorted(method.state_dict().items()):
        total.update(f"{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
        total.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return total.hexdigest()
