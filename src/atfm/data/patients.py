"""How the patients of a data set are known, and names of theirs that are one name in two spellings."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from itertools import pairwise
from typing import Literal

__all__ = ["PatientsKnown", "are_known", "normal_id", "spelled_alike"]

# given: by the files or a table; from names: by a pattern of file names; one per series: scans stand for patients;
# partly: of some cases; assumed one per case: of none.
PatientsKnown = Literal["given", "from names", "one per series", "partly", "assumed one per case"]


def are_known(known: PatientsKnown | None) -> bool:
    """Whether the ids stand for patients, so that those of two sets can be compared; None is taken so."""
    return known != "assumed one per case"


def normal_id(patient_id: str) -> str:
    """An id without what people spell in several ways: letter case, separators, zeros that only fill up a number.

    `LIDC-IDRI-0001`, `lidc_idri_1` and `LidcIdri 01` are all `lidcidri1`; `1-23` and `12-3` remain two.
    """
    text = unicodedata.normalize("NFKC", patient_id).casefold()
    runs = [digits.lstrip("0") or "0" if digits else word for digits, word in re.findall(r"(\d+)|([^\W\d_]+)", text)]
    if not runs:
        return patient_id
    joined = [f"-{after}" if before[-1].isdigit() and after[0].isdigit() else after for before, after in pairwise(runs)]
    return "".join([runs[0], *joined])


def spelled_alike(patients: Iterable[str]) -> list[list[str]]:
    """The ids that are one in several spellings, together."""
    groups: dict[str, list[str]] = defaultdict(list)
    for patient in dict.fromkeys(patients):
        groups[normal_id(patient)].append(patient)
    return [group for group in groups.values() if len(group) > 1]
