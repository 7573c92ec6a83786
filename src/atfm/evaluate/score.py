"""Score a model on a split: draw samples of each case, compare them with its annotators, keep a row for each."""

import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import torch

from atfm.data.annotations import counted, one_hot
from atfm.data.case import Case
from atfm.data.layout import StoreInfo
from atfm.data.store import Store
from atfm.errors import InputError, StoreError
from atfm.evaluate.classes import scored_classes
from atfm.evaluate.evaluation import Evaluation, Result
from atfm.evaluate.guard import guard
from atfm.evaluate.illustrate import illustrate
from atfm.evaluate.references import REFERENCES, score_reference
from atfm.evaluate.rows import Row
from atfm.evaluate.subset import choose
from atfm.evaluate.warnings import warnings
from atfm.methods.method import Method
from atfm.metrics.calibration import ReliabilityBins
from atfm.metrics.case import score_case
from atfm.metrics.table import Interval, summarise
from atfm.seeding import Noise

__all__ = ["Scored", "evaluate", "numbers_of_samples"]

NS = (1, 2, 4, 8, 16, 32, 50, 100)  # those that papers print, and a few below for the curve


class Scored(Protocol):
    """What is scored: a method, its name, and the hashes of the patients it was trained on."""

    @property
    def method(self) -> Method: ...
    @property
    def name(self) -> str: ...
    @property
    def patients(self) -> frozenset[str]: ...


@dataclass
class Tally:
    """The scores of one method or reference so far."""

    name: str
    method: Method | None = None
    rows: list[Row] = field(default_factory=list)
    bins: ReliabilityBins = field(default_factory=ReliabilityBins)

    def add(self, case: Case, scores: dict[str, float]) -> Row:
        """Keep the scores of a case."""
        row = Row(self.name, case.case_id, case.patient_id, case.annotators, scores)
        self.rows.append(row)
        return row

    def result(self, seed: int) -> Result:
        """Means and intervals; ECE belongs to all cases together and has no interval."""
        scores = summarise([{"patient": row.patient_id, **row.scores} for row in self.rows], seed=seed)
        if self.method is None:
            return Result(self.name, self.rows, scores)
        return Result(
            self.name, self.rows, scores | {"ece": Interval(self.bins.ece, None, None, len(self.rows))}, self.bins
        )


def numbers_of_samples(samples: int) -> list[int]:
    """The `n` of every `GED_n` that so many samples allow, themselves included.

    Raises:
        InputError: fewer than two samples, which have no diversity.
    """
    if samples < 2:
        raise InputError(f"samples: expected at least 2, got {samples}; 100 is usual")
    return sorted({n for n in NS if n <= samples} | {samples})


@torch.no_grad()
def evaluate(
    model: Scored,
    store: Store,
    *,
    split: str = "test",
    samples: int = 100,
    limit: int | None = None,
    seed: int = 0,
    batch: int = 4,
    device: torch.device | str = "cpu",
    compare_with: Method | None = None,
    references: bool = True,
    allow_leak: bool = False,
    keep: Callable[[Sequence[Row]], object] = lambda rows: None,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> Evaluation:
    """Score a model on the cases of a split; memory holds the samples of `batch` cases at a time.

    Args:
        model: what is scored.
        store: where the cases are.
        split: which of them.
        samples: masks drawn of each case, at least 2.
        limit: score a fixed subset of so many cases; None for all.
        seed: of the noise and of the bootstrap; the noise belongs to (seed, case, sample).
        batch: cases drawn at a time.
        device: where samples are drawn; scores are computed on the CPU.
        compare_with: a second method, drawn with the same noise, such as the stage 1 of an ATFM.
        references: score always empty and the annotators' majority too.
        allow_leak: score patients that the model was trained on, and say so in the result.
        keep: is given the rows of every case as soon as they exist; a case without a pixel that counts has none.
        progress: is told how many cases of how many are done.

    Raises:
        StoreError: no such split, an empty one, one without a pixel that counts, or a damaged case.
        LeakError: the model has seen patients of the split, and `allow_leak` is False.
        InputError: a store whose images or classes are not those of the model.
    """
    started = time.perf_counter()
    ns = numbers_of_samples(samples)
    chosen = choose(store.split(split), limit)
    check_fit(model.method, store, split, chosen)
    patients = {store.ids()[i][1] for i in chosen}
    leak = guard(model.patients, patients, model=model.name, allow_leak=allow_leak)

    methods = [Tally(type(method).__name__.lower(), method) for method in (model.method, compare_with) if method]
    foils = [Tally(name) for name in REFERENCES] if references else []
    rows: dict[int, Row] = {}  # the model's, by number of the case
    drawings = draw(methods, store, chosen, samples, seed, batch, device)
    for done, (i, (case, drawn)) in enumerate(zip(chosen, drawings, strict=True), 1):
        scored = score(case, drawn, methods, foils, store.info, ns)
        if scored:
            rows[i] = scored[0]
            keep(scored)
        progress(done, len(chosen))
    check_said(rows, store, split, chosen)

    results = [tally.result(seed) for tally in methods]
    silent = len(chosen) - len(rows)
    return Evaluation(
        model=model.name,
        result=results[0],
        compared=results[1] if len(results) > 1 else None,
        references=[tally.result(seed) for tally in foils],
        store=store,
        split=split,
        samples=samples,
        seed=seed,
        limit=limit,
        leak=leak,
        warnings=warnings(results, leak, silent),
        illustrations=illustrate(model.method, store, rows, samples, seed, device),
        seconds=time.perf_counter() - started,
        silent=silent,
    )


def check_fit(method: Method, store: Store, split: str, chosen: Sequence[int]) -> None:
    """Refuse a store that the method cannot read, before any time is spent on it.

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
        if not method.accepts(store.shape(i)):
            raise InputError(
                f"case {store.ids()[i][0]}: the model was made for images of {list(method.size)}, "
                f"this one has {list(store.shape(i))}; import the data again with this size"
            )


def check_said(rows: Mapping[int, Row], store: Store, split: str, chosen: Sequence[int]) -> None:
    """Refuse cases of which annotators say nothing at all.

    Raises:
        StoreError: no case has a pixel that counts.
    """
    if not rows:
        raise StoreError(
            f"{store.path}: split {split!r}: none of the {len(chosen)} cases has a pixel that counts, each is ignored "
            f"(label {store.info.ignore_label}) by an annotator; choose another split, or import masks that say more"
        )


Drawn = list[tuple[torch.Tensor, torch.Tensor]]


def draw(
    methods: Sequence[Tally],
    store: Store,
    chosen: Sequence[int],
    samples: int,
    seed: int,
    batch: int,
    device: torch.device | str,
) -> Iterator[tuple[Case, Drawn]]:
    """Each case with, for every method, its masks `[S, C, *spatial]` and their mean probability `[C, *spatial]`."""
    for indices in batches(store, chosen, batch):
        cases = [store[i] for i in indices]
        image = torch.from_numpy(np.stack([case.image for case in cases])).to(device)
        noise = Noise(seed, [case.case_id for case in cases])
        drawn: list[Drawn] = [[] for _ in cases]
        for tally in methods:
            if tally.method is not None:
                result = tally.method.sample(image, samples, noise=noise)
                pairs = zip(result.masks.cpu(), result.mean_probability.cpu(), strict=True)
                for own, pair in zip(drawn, pairs, strict=True):
                    own.append(pair)
        yield from zip(cases, drawn, strict=True)


def batches(store: Store, chosen: Sequence[int], batch: int) -> Iterator[list[int]]:
    """The chosen cases in order, up to `batch` at a time, of one shape each."""
    for _, alike in itertools.groupby(chosen, key=store.shape):
        while several := list(itertools.islice(alike, batch)):
            yield several


def score(
    case: Case, drawn: Drawn, methods: Sequence[Tally], foils: Sequence[Tally], info: StoreInfo, ns: Sequence[int]
) -> list[Row]:
    """The rows of one case: every method, then every reference; none where every pixel is ignored."""
    annotations = one_hot(case.masks, info.classes, case.image.ndim - 1, info.ignore_label)  # [K, C, *spatial]
    if info.ignore_label is not None:
        said = counted(case.masks, info.ignore_label)  # [*spatial]
        if not said.any():
            return []
        annotations = annotations[..., said]  # [K, C, N], as are the samples and their mean
        where = torch.from_numpy(said)  # behind an ellipsis a tensor takes no array of more than one axis
        drawn = [(masks[..., where], probability[..., where]) for masks, probability in drawn]
    rows, classes = [], scored_classes(info)
    for tally, (masks, probability) in zip(methods, drawn, strict=True):
        rows.append(tally.add(case, score_case(masks, annotations, probability, ns=ns, per_class=classes or False)))
        tally.bins.update(probability, annotations)
    for tally in foils:
        rows.append(tally.add(case, score_reference(REFERENCES[tally.name], annotations, ns, classes)))
    return rows
