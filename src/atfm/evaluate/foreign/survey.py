"""All masks of a folder, read once before any is scored: so that what is wrong is told at once, and all of it."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from atfm.data.file_names import file_names
from atfm.data.store import Store
from atfm.data.telling import Telling
from atfm.errors import InputError
from atfm.evaluate.foreign.convention import some
from atfm.evaluate.foreign.finding import CaseFiles, Found, find
from atfm.evaluate.foreign.reading import Form, Read, digests, read_case
from atfm.evaluate.foreign.turned import Lie

__all__ = ["Survey", "survey"]

Progress = Callable[[int, int], object]


@dataclass
class Survey:
    """What was found of the cases that are there.

    Args:
        found: their files, and what is missing or nobody's.
        digests: of every file, by case id and then by its path in the folder.
        masks: how many each case has.
        kept: how files keep them.
        labels: in how many cases each label occurs.
        all_empty, all_alike, weighted: cases.
        drawn_by: models of results of `atfm sample`.
        other_noise: results of `atfm sample` whose noise is not that of `atfm evaluate`.
        telling: what was guessed.
        lie: whether they fit better in another order.
    """

    found: Found
    digests: dict[str, dict[str, str]] = field(default_factory=dict)
    masks: dict[str, int] = field(default_factory=dict)
    kept: Counter[str] = field(default_factory=Counter)
    labels: Counter[int] = field(default_factory=Counter)
    all_empty: int = 0
    all_alike: int = 0
    weighted: int = 0
    drawn_by: dict[str, None] = field(default_factory=dict)
    other_noise: list[str] = field(default_factory=list)
    telling: Telling = field(default_factory=Telling)
    lie: Lie = field(default_factory=Lie)

    def add(self, case_id: str, files: CaseFiles, read: Read, annotations: np.ndarray) -> None:
        """Count one case."""
        labels = read.labels
        self.masks[case_id] = len(labels)
        self.kept += read.kept
        self.labels.update(np.flatnonzero(np.bincount(labels.reshape(-1), minlength=2)).tolist())
        self.all_empty += not labels.any()
        self.all_alike += bool((labels == labels[:1]).all())
        self.weighted += read.weights is not None
        self.telling.add(case_id, read.told)
        self.lie.look(labels, annotations)
        if files.result is not None:
            made_by = files.result.get("made_by")
            weights = made_by.get("model", "unknown") if isinstance(made_by, dict) else "unknown"
            self.drawn_by.setdefault(f"weights {str(weights)[:16]}, seed {files.result.get('seed')}")
            if files.result.get("key") != case_id:
                self.other_noise.append(case_id)

    @property
    def told(self) -> list[str]:
        """What a reader has to know of them, one sentence each."""
        said = [f"{line[0].upper()}{line[1:]}." for line in self.telling.lines()]
        if self.other_noise:
            said.append(
                f"{len(self.other_noise):,} cases ({some(self.other_noise, 2)}) were drawn with noise of other keys "
                "than `atfm evaluate` takes, so that scores differ by chance; draw them with --keys of the export."
            )
        if len(self.drawn_by) > 1:
            said.append(f"They were drawn by more than one model or seed: {some(list(self.drawn_by))}.")
        return [*said, *self.lie.said()]


def survey(
    folder: Path,
    store: Store,
    chosen: Sequence[int],
    form: Form,
    *,
    allow_missing: bool = False,
    progress: Progress = lambda done, total: None,
) -> Survey:
    """Read the masks of all cases that are to be scored.

    Args:
        folder: of the predictions.
        store: that they are of.
        chosen: the cases, by their number in the store.
        form: what is wanted of the masks.
        allow_missing: leave out cases of which there is nothing.
        progress: is told how many cases of how many are read.

    Raises:
        InputError: no folder, cases without masks, or files that cannot be scored: how many there are, the first few by
            name, and why.
        StoreError: a damaged case.
        DiskError: the machine refuses to read a file.
    """
    ids = [case_id for case_id, _ in store.ids()]
    found = find(folder, file_names(ids), [ids[number] for number in chosen])
    problems: dict[str, str] = dict(found.problems)
    done, there = Survey(found), [number for number in chosen if ids[number] in found.cases]
    for count, number in enumerate(there, start=1):
        case_id = ids[number]
        files, case = found.cases[case_id], store[number]
        try:
            done.digests[case_id] = digests(files, folder)
            done.add(
                case_id, files, read_case(files, store.shape(number), form), said(case.masks, store.info.ignore_label)
            )
        except InputError as error:
            problems[case_id] = str(error)
        progress(count, len(there))
    _refuse(folder, len(chosen), problems, found.missing if not allow_missing else ())
    if not done.masks:
        raise InputError(f"{folder}: has masks of none of the {len(chosen)} cases; choose another split")
    return done


def said(masks: np.ndarray, ignore_label: int | None) -> np.ndarray:
    """Annotations without the label that says nothing."""
    return masks if ignore_label is None else np.where(masks == ignore_label, np.uint8(0), masks)


def _refuse(folder: Path, cases: int, problems: Mapping[str, str], missing: Sequence[str]) -> None:
    """Tell all that is wrong in one line."""
    told = []
    if problems:
        first, *others = problems
        more = f" (and {some(others, 3)})" if others else ""
        told.append(f"{len(problems)} of {cases} cases cannot be scored: {problems[first]}{more}")
    if missing:
        told.append(
            f"{len(missing)} of {cases} cases have no masks ({some(missing, 3)}); add them, or leave these cases out "
            "with --allow-missing: the report says so"
        )
    if told:
        raise InputError(f"{folder}: {'; '.join(told)}")
