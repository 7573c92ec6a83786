"""The phantoms as cases and as a store: what a fresh clone trains on, and is scored on against the true law.

Ten cases in a row are eight for training, one for validation and one for testing, so a case stays in its split however
many are drawn. Test cases have many annotators: with `K` of them the annotators' side of an unbiased GED stands on
`K (K - 1) / 2` pairs, and a model is compared with the law rather than with four draws from it.
"""

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from atfm.data.case import Case
from atfm.data.phantom.classes import classes_phantom
from atfm.data.phantom.colour import colour_phantom
from atfm.data.phantom.grey import Phantom, phantom_case
from atfm.data.phantom.law import Simulated
from atfm.data.phantom.volume import volume_phantom
from atfm.errors import InputError

__all__ = ["KINDS", "Kind", "kind_of", "patient_of", "phantom_cases", "simulated_case", "split_of"]

Annotators = int | Sequence[int]

_SPLITS = ("train",) * 8 + ("val", "test")  # of the cases 0 to 9, 10 to 19, ...


@dataclass(frozen=True)
class Kind:
    """One of the phantoms.

    Args:
        draw: seed, number and size to an image with its law.
        size: height and width in pixels, unless another is asked for.
        cases: how many a training needs.
        classes: 1 for binary masks, else the number of labels.
    """

    draw: Callable[[int, int, int], Phantom | Simulated]
    size: int = 32
    cases: int = 3000
    classes: int = 1


KINDS: Mapping[str, Kind] = {
    "grey": Kind(lambda seed, number, size: phantom_case(seed, number, size=size)),
    "colour": Kind(colour_phantom),
    "classes": Kind(classes_phantom, classes=3),
    "volume": Kind(volume_phantom, size=48, cases=400),
}


def kind_of(name: str) -> Kind:
    """Look up a phantom.

    Raises:
        InputError: no phantom of that name.
    """
    if name not in KINDS:
        near = difflib.get_close_matches(name, KINDS, 1, cutoff=0.0)[0]
        raise InputError(f"phantom: kind: expected one of {', '.join(KINDS)}, got {name!r}; did you mean {near!r}?")
    return KINDS[name]


def simulated_case(
    seed: int, number: int, *, annotators: Annotators = 4, size: int | None = None, kind: str = "grey"
) -> Case:
    """Case `number` of the set `seed`, of a patient of its own.

    Args:
        seed: of the set, >= 0.
        number: of the case, >= 0.
        annotators: `K >= 1`, or several numbers that take turns.
        size: height and width in pixels, >= 16; None: that of the kind.
        kind: one of `KINDS`.

    Returns:
        The image, with the labels of `K` annotators.

    Raises:
        InputError: an argument out of its range.
    """
    chosen = kind_of(kind)
    size = chosen.size if size is None else size
    for name, value, least in (("seed", seed, 0), ("number", number, 0), ("size", size, 16)):
        if value < least:
            raise InputError(f"phantom: {name}: expected at least {least}, got {value}")
    drawn, patient = chosen.draw(seed, number, size), patient_of(seed, number, kind)
    turns = [annotators] if isinstance(annotators, int) else list(annotators)
    # one turn further with every ten cases, so that each split meets every number
    masks = drawn.annotate(turns[(number + number // len(_SPLITS)) % len(turns)])
    spacing = drawn.spacing if isinstance(drawn, Simulated) else (1.0, 1.0)
    return Case(drawn.image, masks, case_id=patient, patient_id=patient, spacing=spacing)


def phantom_cases(
    seed: int, count: int, *, annotators: Annotators = 4, size: int | None = None, kind: str = "grey"
) -> Iterator[Case]:
    """The cases 0 to `count - 1` of the set `seed`; the arguments are those of `simulated_case`.

    Raises:
        InputError: an argument out of its range.
    """
    if count < 1:
        raise InputError(f"phantom: cases: expected at least 1, got {count}")
    kind_of(kind)
    return (simulated_case(seed, number, annotators=annotators, size=size, kind=kind) for number in range(count))


def split_of(number: int) -> str:
    """The split that a case belongs to."""
    return _SPLITS[number % len(_SPLITS)]


def patient_of(seed: int, number: int, kind: str = "grey") -> str:
    """The patient of a case, whose name is the case's too."""
    # Seed and kind are part of the name: cases of two sets are different patients, whom a leak check must tell apart.
    return f"phantom-{seed}-{number:05d}" if kind == "grey" else f"phantom-{kind}-{seed}-{number:05d}"
