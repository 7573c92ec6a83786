"""Which files of a folder hold the masks of which case: what is there, what lacks, and what belongs to nobody.

Three ways of keeping them are known, by the names that `atfm data export` gives to cases (`atfm.data.file_names`):

    FOLDER/CASE/...          a folder for each case: a file for each mask, or one of all; or a result of `atfm sample`
    FOLDER/CASE.npy          a file for each case, of all its masks
    FOLDER/MEMBER/CASE.png   a folder for each member of an ensemble, with a file of one mask (or more) for each case

In a folder of a case `samples.npy` (or `.nii.gz`, ...) is all there is; without it every file of a format that is read
counts as a mask, in the order in which people count. Weights lie beside them, in `weights.npy` or `weights.txt`.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from atfm.disk.machine import reading
from atfm.disk.sealed import is_whole
from atfm.errors import InputError
from atfm.io.hidden import is_hidden
from atfm.io.images import EXTENSIONS, suffix_of
from atfm.io.naming import natural

__all__ = ["CaseFiles", "Found", "find"]

RESULT = "sample.json"  # of `atfm sample`
WEIGHTS = ("weights.npy", "weights.txt")
STACKS = tuple(f"samples{suffix}" for suffix in EXTENSIONS)


@dataclass(frozen=True)
class CaseFiles:
    """The files of one case.

    Args:
        masks: in their order.
        weights: of the masks; None where they weigh alike, or `result` has them.
        result: what `atfm sample` says of them; None of other programs' masks.
        result_file: where it stands.
    """

    masks: tuple[Path, ...]
    weights: Path | None = None
    result: Mapping[str, Any] | None = field(default=None, repr=False)
    result_file: Path | None = None

    @property
    def all(self) -> list[Path]:
        """Every file that decides the masks or their weights."""
        return [*self.masks, *(file for file in (self.weights, self.result_file) if file is not None)]


@dataclass(frozen=True)
class Found:
    """What a folder holds of the cases that are wanted.

    Args:
        cases: the files by case id.
        missing: cases of which there is nothing, in the order wanted.
        problems: what is wrong with the files of a case, by case id.
        surplus: files and folders that are nobody's, relative to the folder.
        others: how many further cases of the store there is something of.
    """

    cases: Mapping[str, CaseFiles]
    missing: tuple[str, ...]
    problems: Mapping[str, str]
    surplus: tuple[str, ...]
    others: int


def find(folder: Path, names: Mapping[str, str], wanted: Sequence[str]) -> Found:
    """Find the files of cases.

    Args:
        folder: of the predictions.
        names: of all cases of the store, by case id.
        wanted: ids of the cases that are to be scored.

    Raises:
        InputError: no folder, or nothing of any case in it.
        DiskError: the machine refuses to read it.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: expected a folder with the masks of each case, found {_what(folder)}")
    by_name = {name: case_id for case_id, name in names.items()}
    places, surplus, members = _by_case(folder, by_name)
    if not places:
        example = names[wanted[0]] if wanted else "CASE"
        raise InputError(
            f"{folder}: holds nothing named for a case of this store; expected such as {example}/ or {example}.npy, "
            "the names that `atfm data export` gives"
        )
    cases, problems = {}, {}
    for case_id in (one for one in wanted if one in places):
        try:
            cases[case_id], strange = _of_case(places[case_id], members)
            surplus += [str(file.relative_to(folder)) for file in strange]
        except InputError as error:
            problems[case_id] = str(error)
    missing = tuple(case_id for case_id in wanted if case_id not in places)
    others = len(places.keys() - set(wanted))
    return Found(cases, missing, problems, tuple(sorted(surplus, key=natural)), others)


def _what(path: Path) -> str:
    return "a file" if path.exists() else "nothing"


def _visible(folder: Path) -> list[Path]:
    with reading(folder):
        return sorted(
            (file for file in folder.iterdir() if not is_hidden(file.name)), key=lambda one: natural(one.name)
        )


def _stem(file: Path) -> str:
    """The name of a file of a format that is read, without its suffix; of any other none."""
    suffix = suffix_of(file)
    return file.name[: -len(suffix)] if suffix in EXTENSIONS else ""


def _by_case(folder: Path, by_name: Mapping[str, str]) -> tuple[dict[str, list[Path]], list[str], int]:
    """What there is of each case; what is nobody's; and the number of members of an ensemble, else 0."""
    places: dict[str, list[Path]] = defaultdict(list)
    strange: list[Path] = []
    for entry in _visible(folder):
        case_id = by_name.get(entry.name if entry.is_dir() else _stem(entry))
        strange.append(entry) if case_id is None else places[case_id].append(entry)
    if places:
        return places, [entry.name for entry in strange], 0
    surplus, members = [], 0
    for entry in strange:
        inside = [] if not entry.is_dir() else [(file, by_name.get(_stem(file))) for file in _visible(entry)]
        if not any(case_id for _, case_id in inside):
            surplus.append(entry.name)
            continue
        members += 1
        for file, case_id in inside:
            if case_id is None or file.is_dir():
                surplus.append(str(file.relative_to(folder)))
            else:
                places[case_id].append(file)
    return places, surplus, members


def _of_case(places: Sequence[Path], members: int) -> tuple[CaseFiles, list[Path]]:
    """The files of a case, and those beside them that are nobody's."""
    if members:
        folders = {file.parent for file in places}
        if len(folders) < members:
            raise InputError(
                f"{places[0]}: only {len(folders)} of the {members} members have this case; add the others"
            )
        if len(places) > members:
            raise InputError(f"{places[0]}: a member has this case in more than one file; keep one of them")
        return CaseFiles(tuple(places)), []
    if len(places) > 1:
        raise InputError(f"{places[0]}: {places[1].name} is of the same case; keep one of them")
    return _of_folder(places[0]) if places[0].is_dir() else (CaseFiles((places[0],)), [])


def _of_folder(folder: Path) -> tuple[CaseFiles, list[Path]]:
    entries = _visible(folder)
    if any(entry.name == RESULT for entry in entries):
        return _of_result(folder, entries)
    weights = [entry for entry in entries if entry.name in WEIGHTS]
    if len(weights) > 1:
        raise InputError(f"{weights[0]}: {weights[1].name} says what the masks weigh too; keep one of them")
    masks = [entry for entry in entries if entry.name.lower() in STACKS]
    if len(masks) > 1:
        raise InputError(f"{masks[0]}: {masks[1].name} holds all masks of this case too; keep one of them")
    masks = masks or [entry for entry in entries if entry.is_file() and _stem(entry) and entry not in weights]
    if not masks:
        raise InputError(f"{folder}: holds no mask; expected files such as 0.png, 1.png ..., or samples.npy")
    return (
        CaseFiles(tuple(masks), weights[0] if weights else None),
        [entry for entry in entries if entry not in (*masks, *weights)],
    )


def _of_result(folder: Path, entries: Sequence[Path]) -> tuple[CaseFiles, list[Path]]:
    """The masks of a result of `atfm sample`, which lists its files itself and is sealed."""
    file = folder / RESULT
    try:
        with reading(file):
            result = json.loads(file.read_bytes())
    except (ValueError, RecursionError):
        result = None
    if not is_whole(result):
        raise InputError(f"{file}: damaged, or of an earlier version; draw it again")
    listed = result.get("files") if isinstance(result.get("files"), dict) else {}
    own = listed.get("samples", listed.get("masks"))
    names = [own] if isinstance(own, str) else own
    digests = result.get("digests")
    if not isinstance(digests, dict) or not isinstance(names, list) or not set(map(str, names)) <= digests.keys():
        raise InputError(f"{file}: lists no samples; draw it again with --format npy, png or nifti")
    if any("/" in str(name) for name in names):
        raise InputError(f"{file}: holds slices in folders of their own; draw it again with --format npy or nifti")
    absent = [str(name) for name in names if not (folder / str(name)).is_file()]
    if absent:
        raise InputError(f"{folder / absent[0]}: missing ({len(absent)} of the {len(names)} that {RESULT} lists)")
    known = {RESULT, *map(str, digests)}
    strange = [entry for entry in entries if entry.name not in known and not (entry.is_dir() and _has(known, entry))]
    return CaseFiles(tuple(folder / str(name) for name in names), None, result, file), strange


def _has(names: set[str], folder: Path) -> bool:
    return any(name.startswith(f"{folder.name}/") for name in names)
