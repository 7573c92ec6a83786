"""`Predictions`, masks that other code has drawn, as a method: what it draws of a case is what lies in its files.

So they go through the very protocol that models go through: the same cases, references, scores, intervals and report.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from atfm.data.labels import one_hot
from atfm.data.seen.seen import Seen
from atfm.data.store import Store
from atfm.disk.sealed import digest
from atfm.errors import InputError
from atfm.evaluate.cases import choose
from atfm.evaluate.foreign.arrays import Stated
from atfm.evaluate.foreign.convention import Convention, some
from atfm.evaluate.foreign.finding import CaseFiles
from atfm.evaluate.foreign.reading import Form, digests, read_case
from atfm.evaluate.foreign.survey import Survey, survey
from atfm.methods.method import Frame, Method
from atfm.methods.samples import Samples
from atfm.seeding import Noise

__all__ = ["Foreign", "Predictions", "read_predictions"]


class Predictions(Method):
    """Masks in files, in place of a network.

    Args:
        frame: channels of the store's images and masks, and a size of them.
        folder: of the predictions.
        files: of each case, by its id.
        known: SHA-256 of each of these files, by case id.
        form: how they are understood.
        weighted: whether any case has weights; masks of one without then weigh alike.
        convention: what is reported of them.
    """

    def __init__(
        self,
        frame: Frame,
        folder: Path,
        files: Mapping[str, CaseFiles],
        known: Mapping[str, Mapping[str, str]],
        form: Form,
        *,
        weighted: bool,
        convention: Convention,
    ) -> None:
        super().__init__(frame)
        self._folder, self._files, self._known, self._form = folder, files, known, form
        self._weighted, self._convention = weighted, convention

    @property
    def convention(self) -> Convention:
        """What is reported of them."""
        return self._convention

    def accepts(self, size: Sequence[int]) -> bool:
        return len(size) == self.frame.dims  # every mask was compared with its own image already

    def sample(self, image: Tensor, n: int, *, noise: Noise, first: int = 0) -> Samples:
        """Return masks `first` to `first + n - 1` of the cases that the noise belongs to, whatever their images are.

        Raises:
            InputError: a case without so many masks, or a file that has changed since they were surveyed.
        """
        if len(noise) != len(image):
            raise InputError(f"noise: expected one key for each of {len(image)} images, got {len(noise)}")
        drawn = [self._read(key, tuple(image.shape[2:]), n, first) for key in noise.keys]
        masks = torch.from_numpy(np.stack([masks for masks, _ in drawn]))
        weights = torch.from_numpy(np.stack([weights for _, weights in drawn])) if self._weighted else None
        return Samples(masks, masks.float(), weights)

    def _read(self, case_id: str, size: tuple[int, ...], n: int, first: int) -> tuple[np.ndarray, np.ndarray]:
        """Masks `[n, C, *spatial]` bool and their weights `[n]`."""
        files = self._files[case_id]
        if digests(files, self._folder) != self._known[case_id]:
            raise InputError(f"{files.masks[0]}: changed while it was scored; run the same command again")
        read = read_case(files, size, self._form)
        if len(read.labels) < first + n:
            raise InputError(f"{files.masks[0]}: expected {first + n} masks of the case, got {len(read.labels)}")
        weights = np.ones(len(read.labels)) if read.weights is None else read.weights
        part = weights[first : first + n]
        if not part.any():
            raise InputError(f"{files.masks[0]}: the masks {first} to {first + n - 1} all have weight 0; score more")
        return one_hot(read.labels[first : first + n], self.channels, len(size)), part / part.sum()


@dataclass(frozen=True)
class Foreign:
    """Predictions under a name, with what is known of their training, ready to be scored.

    Args:
        method: the masks.
        name: what they are called.
        seen: what their model was trained on, as stated.
        samples: masks of each case that are scored.
        left_out: ids of cases of which there are none.
    """

    method: Predictions
    name: str
    seen: Seen
    samples: int
    left_out: tuple[str, ...] = ()


def read_predictions(
    folder: Path,
    store: Store,
    *,
    split: str = "test",
    limit: int | None = None,
    samples: int | None = None,
    stated: Stated | None = None,
    name: str | None = None,
    trained_on: tuple[Seen, str] = (Seen(), "not known"),
    allow_missing: bool = False,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> Foreign:
    """Read and check the masks of all cases that are to be scored.

    Args:
        folder: where they are, see `finding`.
        store: that they are of.
        split: as for `prepare`.
        limit: as for `prepare`.
        samples: masks of each case to be scored; None: as many as every case has.
        stated: what the user states of their values.
        name: what they are called; None: the folder's name.
        trained_on: what is known of the training, and in words.
        allow_missing: leave out cases of which there is nothing.
        progress: is told how many cases of how many are read.

    Raises:
        InputError: masks that are missing, damaged or do not fit, all of them told at once; or fewer than `samples`.
        StoreError: no such split, or a damaged case.
    """
    info = store.info
    form = Form(info.classes, stated or Stated(), info.orientation)
    chosen = choose(store.split(split), limit)
    done = survey(folder, store, chosen, form, allow_missing=allow_missing, progress=progress)
    count = min(done.masks.values()) if samples is None else samples
    few = [case_id for case_id, masks in done.masks.items() if masks < count]
    if few:
        raise InputError(
            f"{folder}: {len(few)} of {len(done.masks)} cases have fewer than {count} masks ({some(few, 3)}); give "
            f"--samples {min(done.masks.values())}, or add the others"
        )
    called = name or folder.resolve().name
    convention = _convention(done, called, folder, store, form, count, trained_on[1])
    frame = Frame(info.channels, info.classes, store.shape(chosen[0]))
    files = {case_id: done.found.cases[case_id] for case_id in done.masks}
    method = Predictions(frame, folder, files, done.digests, form, weighted=done.weighted > 0, convention=convention)
    return Foreign(method, called, trained_on[0], count, done.found.missing)


def _convention(
    done: Survey, name: str, folder: Path, store: Store, form: Form, samples: int, trained_on: str
) -> Convention:
    return Convention(
        name=name,
        folder=str(folder),
        digest=digest({"files": done.digests, "rule": repr(form)}),
        cases=len(done.masks),
        files=sum(map(len, done.digests.values())),
        masks=Counter(done.masks.values()),
        scored=samples,
        rule=form.stated.words,
        kept=done.kept,
        all_empty=done.all_empty,
        all_alike=done.all_alike,
        labels={called: done.labels[label] for label, called in enumerate(store.info.foreground, start=1)},
        weighted=done.weighted,
        missing=done.found.missing,
        surplus=done.found.surplus,
        others=done.found.others,
        trained_on=trained_on,
        drawn_by=list(done.drawn_by),
        told=done.told,
    )
