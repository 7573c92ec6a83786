"""The phantom as cases and as a store: what a fresh clone trains on, and is scored on against the true law.

Ten cases in a row are eight for training, one for validation and one for testing, so a case stays in its split however
many are drawn. Test cases have many annotators: with `K` of them the annotators' side of an unbiased GED stands on
`K (K - 1) / 2` pairs, and a model is compared with the law rather than with four draws from it.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

from atfm.data.case import Case
from atfm.data.layout import StoreInfo
from atfm.data.phantom import phantom_case
from atfm.data.store import StoreWriter
from atfm.errors import InputError

__all__ = ["import_phantom", "phantom_cases"]

Progress = Callable[[int, int], object]

_SPLITS = ("train",) * 8 + ("val", "test")  # of the cases 0 to 9, 10 to 19, ...


def phantom_cases(seed: int, count: int, *, annotators: int = 4, size: int = 32) -> Iterator[Case]:
    """The cases 0 to `count - 1` of the set `seed`, each of a patient of its own.

    Args:
        seed: of the set, >= 0.
        count: how many cases, >= 1.
        annotators: `K` of every case, >= 1.
        size: height and width in pixels, >= 16.

    Yields:
        Cases with the image `[1, size, size]` and the masks `[K, size, size]` of 0 and 1.

    Raises:
        InputError: an argument out of its range.
    """
    if count < 1:
        raise InputError(f"phantom: cases: expected at least 1, got {count}")
    return (_case(seed, number, annotators, size) for number in range(count))


def import_phantom(
    out: Path,
    *,
    cases: int = 3000,
    annotators: int = 4,
    test_annotators: int = 100,
    size: int = 32,
    seed: int = 0,
    progress: Progress = lambda done, total: None,
) -> StoreInfo:
    """Build a store of phantoms with the splits `train`, `val` and `test`, 8 : 1 : 1.

    Args:
        out: the store to make.
        cases: how many in all, >= 10 so that no split is empty.
        annotators: of every training and validation case.
        test_annotators: of every test case.
        size: height and width in pixels, >= 16.
        seed: of the set; other seeds are other patients.
        progress: called with the cases done and their total after each of them.

    Returns:
        The information of the store.

    Raises:
        InputError: an argument out of its range, or a folder in use.
        DiskError: the store cannot be written.
    """
    if cases < len(_SPLITS):
        raise InputError(f"phantom: cases: expected at least {len(_SPLITS)}, so that no split is empty, got {cases}")
    splits: dict[str, list[str]] = {name: [] for name in dict.fromkeys(_SPLITS)}
    for number in range(cases):
        splits[_split(number)].append(_patient(seed, number))
    source = f"atfm phantom, seed {seed}, {size}x{size}: simulated, with a known law"
    with StoreWriter(
        out, name="phantom", licence="CC0 1.0", source=source, modality="simulated", classes=1, splits=splits
    ) as writer:
        for number in range(cases):
            k = test_annotators if _split(number) == "test" else annotators
            writer.add(_case(seed, number, k, size))
            progress(number + 1, cases)
    return writer.info


def _split(number: int) -> str:
    return _SPLITS[number % len(_SPLITS)]


def _patient(seed: int, number: int) -> str:
    # The seed is part of the name: cases of two sets are different patients, whom a leak check must tell apart.
    return f"phantom-{seed}-{number:05d}"


def _case(seed: int, number: int, annotators: int, size: int) -> Case:
    phantom, name = phantom_case(seed, number, size=size), _patient(seed, number)
    return Case(phantom.image, phantom.annotate(annotators), case_id=name, patient_id=name)
