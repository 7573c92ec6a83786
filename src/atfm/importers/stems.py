"""What an import says of patients: none is known, names share a stem, or one id is spelled in two ways.

Where the patient is unknown, names with one stem may be the two eyes, the slices or the visits of one.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

from atfm.data.patients import PatientsKnown, spelled_alike
from atfm.importers.naming import shown

__all__ = ["joined", "patient_warnings", "stems"]

# How the ends of names tell the cases of one patient apart, the surest first; the stem is what `--patient` needs.
_ENDS = (
    r"[_. -]*(?:left|right|links|rechts|gauche|droite)",
    r"(?:[_. -]+|(?<=\d))(?:od|os|[lr])",
    r"[_. -]+(?:cc|mlo)",
    r"[_. -]+(?:slice|frame|view|visit|scan|image|img|im|time|day|[svztk])[_. -]*\d+",
    r"(?:[_. -]+|(?<=\d))[a-h]",
    r"[_. (-]+\d+\)?",
)
_LARGEST = 20  # cases of one stem; more share the name of their set, as in `benign (1)`, `benign (2)`


def joined(cases: Sequence[str], pattern: str) -> dict[str, list[str]]:
    """The cases of each stem, by the first group of a regular expression that fits all of them."""
    groups: dict[str, list[str]] = defaultdict(list)
    for case in cases:
        match = re.search(pattern, case)
        groups[match[1] if match else case].append(case)
    return groups


def stems(cases: Sequence[str]) -> str | None:
    """A sentence on the cases whose names share a stem, and the `--patient` that would join them; None for none.

    Args:
        cases: the names of all cases.
    """
    for end in _ENDS:
        pattern = f"(?i)^(.+?)(?:{end})?$"
        groups = joined(cases, pattern)
        shared = [group for group in groups.values() if len(group) > 1]
        largest = max(map(len, groups.values()), default=0)
        # A lone number at the end counts the cases of a set as often as those of a patient.
        numbered = end is _ENDS[-1] and (largest > _LARGEST or len(groups) < 2)
        if shared and largest <= max(_LARGEST, len(cases) // 2) and not numbered:
            named = " and ".join(shown(case, 40) for case in shared[0][:2])
            return (
                f"{sum(map(len, shared))} cases share the stem of their name with another, such as {named}; if these "
                f"are of one patient, --patient '{pattern}' makes {len(groups)} patients of the {len(cases)} cases"
            )
    return None


def patient_warnings(known: PatientsKnown | None, patients: Iterable[str], most: int = 3) -> list[str]:
    """What is to be said of the patients of any import, a sentence each.

    Args:
        known: how they are.
        patients: the id of every case's.
        most: so many groups of ids that are spelled alike are written out.
    """
    said = []
    if known == "assumed one per case":
        said.append(
            "patient unknown: one per case is assumed, so that images of one person may stand in several splits"
        )
    elif known == "partly":
        said.append("patient unknown of some cases: one per case is assumed for these")
    elif known == "one per series":
        said.append("patient unknown: each series counts as one, though a person may have several")
    alike = spelled_alike(patients)
    if alike:
        named = "; ".join(" and ".join(shown(patient, 40) for patient in group[:3]) for group in alike[:most])
        more = f" and {len(alike) - most} more" if len(alike) > most else ""
        said.append(f"patients that may be one in two spellings count as several: {named}{more}")
    return said
