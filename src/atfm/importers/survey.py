"""A dry run: read and check everything that a plan would import, and write nothing."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from atfm.data.splits import check_disjoint
from atfm.data.telling import Telling
from atfm.data.uniform import Uniform
from atfm.errors import AtfmError
from atfm.importers.plan import Plan, Progress

__all__ = ["survey"]


def survey(plan: Plan, progress: Progress = lambda done, total: None, *, named: Collection[str] = ()) -> dict[str, Any]:
    """Read every case of a plan as the import would, and count.

    Where the import stops at the first case that it refuses, this goes on and lists all of them.

    Args:
        plan: what would be made.
        progress: called with the cases done and their total after each of them.
        named: the patients that splits of the user's name.

    Returns:
        Facts that JSON can hold. `planned` are all cases, `cases` those of them that can be imported; of these are
        `patients`, `annotators` (cases by their number of annotators), `filled_masks` (by how many of them drew
        anything), `sizes`, `channels` and `splits`. `skipped` and `refused` are lines with the reason for each,
        `warnings` sentences on what is guessed or ignored.

    Raises:
        InputError: splits that share a patient, or names of classes that do not fit.
    """
    check_disjoint(plan.splits)
    uniform, refused = Uniform(plan.classes, plan.ignore_label, plan.class_names), []
    counts: dict[str, Counter[Any]] = {name: Counter() for name in ("annotators", "filled_masks", "sizes", "channels")}
    telling = Telling(plan.told)
    for done, planned in enumerate(plan.cases, start=1):
        try:
            case = planned.read()
            uniform.admit(case)
        except AtfmError as error:
            refused.append(str(error))
        else:
            telling.add(case.case_id, case.warnings)
            counts["annotators"][case.annotators] += 1
            counts["filled_masks"][sum(bool(mask.any()) for mask in case.masks)] += 1
            counts["sizes"]["x".join(map(str, case.image.shape[1:]))] += 1
            counts["channels"][len(case.image)] += 1
        progress(done, len(plan.cases))
    patients = list(dict.fromkeys(uniform.patients.values()))
    return {
        "importer": plan.importer,
        **dict(plan.about),
        "classes": plan.classes,
        "planned": len(plan.cases),
        "cases": len(uniform.patients),
        "patients": len(patients),
        "patients_known": plan.patients_known,
        **{name: in_order(count) for name, count in counts.items()},
        "splits": split_sizes(plan.splits, uniform.patients),
        "unassigned_patients": unassigned(plan.splits, patients),
        "absent_patients": len(set(named).difference(patients)),
        "orientation": plan.orientation,
        "skipped": list(plan.skipped),
        "warnings": telling.lines(),
        "refused": refused,
    }


def in_order(count: Counter[Any]) -> dict[str, int]:
    """A histogram, smallest number first; sizes by how many cases have them."""
    numbers = all(isinstance(value, int) for value in count)
    return {str(value): cases for value, cases in (sorted(count.items()) if numbers else count.most_common())}


def split_sizes(splits: Mapping[str, Sequence[str]], cases: Mapping[str, str]) -> dict[str, dict[str, int]]:
    """The patients and cases of each split, of those that are there."""
    of_patient = Counter(cases.values())
    return {
        name: {
            "patients": sum(patient in of_patient for patient in patients),
            "cases": sum(of_patient[patient] for patient in patients),
        }
        for name, patients in splits.items()
    }


def unassigned(splits: Mapping[str, Sequence[str]], patients: Sequence[str]) -> list[str]:
    """The patients that no split names."""
    assigned = {patient for named in splits.values() for patient in named}
    return [patient for patient in patients if patient not in assigned]
