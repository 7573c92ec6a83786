"""Simulated images as a store: planned, surveyed and resumed like any import."""

import argparse
from collections.abc import Mapping
from functools import partial

from atfm.data.phantom.kinds import Annotators, kind_of, patient_of, simulated_case, split_of
from atfm.data.splits import random_splits
from atfm.errors import InputError
from atfm.importers.importer import Importer, add_fractions, at_least_one, fractions_of
from atfm.importers.plan import Plan, Planned, Planning, Progress

__all__ = ["PHANTOM", "plan_phantom"]

LEAST_CASES = 10  # so that no split is empty


def plan_phantom(
    *,
    cases: int | None = None,
    annotators: Annotators = 4,
    test_annotators: Annotators = 100,
    size: int | None = None,
    seed: int = 0,
    kind: str = "grey",
    fractions: Mapping[str, float] | None = None,
) -> Plan:
    """Plan a store of phantoms with the splits `train`, `val` and `test`, 8 : 1 : 1.

    Args:
        cases: how many in all, >= 10 so that no split is empty; None: as many as a training of the kind needs.
        annotators: of every training and validation case, or several numbers that take turns.
        test_annotators: of every test case, likewise.
        size: height and width in pixels, >= 16; None: that of the kind.
        seed: of the set; other seeds are other patients.
        kind: one of `KINDS`.
        fractions: share of the patients for each split, dealt out by the seed; None: 8 : 1 : 1, in turn.

    Returns:
        The plan.

    Raises:
        InputError: an argument out of its range.
    """
    chosen = kind_of(kind)
    cases, size = chosen.cases if cases is None else cases, chosen.size if size is None else size
    if cases < LEAST_CASES:
        raise InputError(f"phantom: cases: expected at least {LEAST_CASES}, so that no split is empty, got {cases}")
    splits: dict[str, list[str]] = {"train": [], "val": [], "test": []}
    names = [patient_of(seed, number, kind) for number in range(cases)]
    shares = random_splits(names, seed, fractions) if fractions else {}
    dealt = {patient: split for split, patients in shares.items() for patient in patients}
    planned = []
    for number in range(cases):
        patient = patient_of(seed, number, kind)
        split = dealt.get(patient) or split_of(number)
        splits[split].append(patient)
        k = test_annotators if split == "test" else annotators
        read = partial(simulated_case, seed, number, annotators=k, size=size, kind=kind)
        planned.append(Planned(patient, patient, read))
    name = "phantom" if kind == "grey" else f"phantom-{kind}"
    source = f"atfm {name}, seed {seed}, {size}x{size}: simulated, with a known law"
    return Plan(
        importer="phantom",
        about={"name": name, "licence": "CC0 1.0", "source": source, "modality": "simulated"},
        cases=planned,
        splits=splits,
        sources=(),
        orientation="none",
        patients_known="given",
        arguments={"annotators": annotators, "test_annotators": test_annotators},
        classes=chosen.classes,
    )


def flags(parser: argparse.ArgumentParser) -> None:
    """What `atfm data import phantom` asks for."""
    add = parser.add_argument
    add("--kind", default="grey", help="grey, colour, classes or volume (default: grey)")
    add("--cases", type=at_least_one, help="how many images (default: 3000, 400 volumes)")
    add("--size", type=at_least_one, help="height and width in pixels (default: 32, 48 for volumes)")
    for flag, of in (
        ("--annotators", "training and validation image (default: 4)"),
        ("--test-annotators", "test image (default: 100)"),
    ):
        add(flag, type=at_least_one, nargs="+", metavar="K", help=f"of a {of}; several numbers take turns")
    add_fractions(parser, "0.8 0.1 0.1, in turn")


def plan(args: argparse.Namespace, looking: Progress) -> Planning:
    """What it makes."""
    fields = ("cases", "size", "annotators", "test_annotators")
    chosen = {field: getattr(args, field) for field in fields if getattr(args, field) is not None}
    fractions = fractions_of(args) if args.fractions else None
    return plan_phantom(seed=args.seed, kind=args.kind, fractions=fractions, **chosen)


PHANTOM = Importer(
    name="phantom",
    summary="simulated images whose law is known",
    description="Simulate images of lesions and their annotators, whose true distribution is known.",
    example="--kind colour --annotators 1 2 4 --out phantom-store",
    flags=flags,
    plan=plan,
)
