"""The cases of a store as images and masks in files, for code that knows no stores.

    FOLDER/images/NAME.png            (NPY where a picture would change values or channels; NIfTI or NPY of volumes)
    FOLDER/masks/NAME/reader-0.png    ... one file for each annotator: 0 and 255, or the labels of classes
    FOLDER/cases.csv                  name, case, patient, split, readers, image, spacing of each
    FOLDER/export.json                what was exported, and the SHA-256 of every file; written last

`NAME` is that of `atfm.data.file_names`, by which `atfm evaluate --predictions` finds what comes back.
"""

import csv
import io
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from atfm import __version__
from atfm.data.case import Case
from atfm.data.file_names import file_names
from atfm.data.layout import StoreInfo, on_grid, sha256
from atfm.data.partial import check_free
from atfm.data.store import Store
from atfm.disk.atomic import atomic_write, disk_errors, settle_folder
from atfm.disk.links import refuse_link
from atfm.disk.lock import file_lock
from atfm.disk.sealed import is_whole, plain, sealed
from atfm.disk.unit import changed, read_manifest
from atfm.errors import InputError
from atfm.io.cells import cell
from atfm.io.decoding import decoding
from atfm.io.saving import write_nifti
from atfm.io.volumes.turn import AXIAL, turn

__all__ = ["export", "read_names"]

MANIFEST, TABLE = "export.json", "cases.csv"
COLUMNS = ("name", "case", "patient", "split", "readers", "image", "spacing")


def export(
    store: Store, out: Path, splits: Sequence[str], progress: Callable[[int, int], object] = lambda done, total: None
) -> dict[str, Any]:
    """Write the cases of some splits, all of them or none.

    Args:
        store: whose cases.
        out: folder to make. If it holds this very export, whole, it is left as it is.
        splits: which of them.
        progress: is told how many cases of how many are written.

    Returns:
        What stands in `export.json`.

    Raises:
        InputError: a folder that holds something else.
        StoreError: no such split, an empty one, or a damaged case.
        BusyError: another process writes there.
        DiskError: no space, no permission or an impossible path; nothing appears under `out` then.
    """
    refuse_link(out)
    ids, cases = store.ids(), {number: name for name in splits for number in store.split(name)}
    if not cases:
        raise InputError(f"{store.path}: {' and '.join(splits)} holds no case; name another split")
    made_by = plain({"atfm": __version__, "store": store.digest, "splits": list(splits)})
    names = file_names([case_id for case_id, _ in ids])
    with file_lock(out):
        there = read_manifest(out / MANIFEST)
        if is_whole(there) and there["made_by"] == made_by and not changed(out, there):
            return dict(there)
        check_free(out)
        with _growing(out) as folder:
            rows = []
            for done, (number, split) in enumerate(sorted(cases.items()), start=1):
                case = store[number]
                rows.append(_write(folder, case, names[case.case_id], split, store.info))
                progress(done, len(cases))
            with atomic_write(folder / TABLE) as temporary:
                temporary.write_text(_table(rows), "utf-8")
            document = sealed(_about(store, rows, folder) | {"made_by": made_by})
            with atomic_write(folder / MANIFEST) as temporary:
                temporary.write_text(_json(document), "utf-8")
    return document


@contextmanager
def _growing(out: Path) -> Iterator[Path]:
    """A hidden folder beside `out`, that takes its name if the block succeeds; one that was left is begun anew."""
    folder = out.with_name(f".{out.name}.partial-export")
    with disk_errors(out):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        try:
            yield folder
            if out.exists():
                out.rmdir()  # empty, as was checked
            os.sync()  # once, where thousands of small files would each wait for the disk
            folder.rename(out)
            settle_folder(out.parent)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _write(folder: Path, case: Case, name: str, split: str, info: StoreInfo) -> dict[str, str]:
    """Write one case; its row of the table."""
    image = _image(folder / "images", case, name, info)
    for number, mask in enumerate(case.masks):
        file = folder / "masks" / name / f"reader-{number}"
        if mask.ndim == 2:
            _picture(file.with_suffix(".png"), mask * np.uint8(255 if info.classes == 1 else 1))
        else:
            write_nifti(file.with_suffix(".nii.gz"), mask, *_lies(case, info))
    spacing = " ".join(f"{mm:.10g}" for mm in case.spacing)
    values = (name, case.case_id, case.patient_id, split, str(case.annotators), f"images/{image}", spacing)
    return dict(zip(COLUMNS, values, strict=True))


def _image(folder: Path, case: Case, name: str, info: StoreInfo) -> str:
    """Write an image in a format that keeps its values; the name of its file."""
    steps = on_grid(case.image) if info.dtype == "uint8" else None
    values = case.image if steps is None else steps  # [C, *spatial]
    flat, channels = values.ndim == 3, len(values)
    if flat and steps is not None and channels in (1, 3):
        file = f"{name}.png"
        _picture(folder / file, steps[0] if channels == 1 else np.moveaxis(steps, 0, -1))
    elif not flat and channels == 1:
        file = f"{name}.nii.gz"
        write_nifti(folder / file, values[0], *_lies(case, info))
    else:
        file = f"{name}.npy"
        folder.mkdir(exist_ok=True)
        np.save(folder / file, values, allow_pickle=False)
    return file


def _picture(file: Path, pixels: np.ndarray) -> None:
    """Write a PNG. Nothing of a hidden folder counts before all is on the disk, so no file has to wait for that."""
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.ascontiguousarray(pixels)).save(file)


def _lies(case: Case, info: StoreInfo) -> tuple[np.ndarray | None, tuple[float, ...]]:
    """The affine of a volume as its store lies, with the first voxel at 0; None where nobody said."""
    if info.orientation in ("none", "unknown"):
        return None, case.spacing
    to = turn(AXIAL, info.orientation)  # of each axis of the store's arrays: which of axial slices in LPS, which way
    towards = np.array([[0, 0, 1], [0, -1, 0], [-1, 0, 0]], float)  # slices, rows and columns of these in RAS
    affine = np.eye(4)
    for axis, (source, flip, mm) in enumerate(zip(to.axes, to.flips, case.spacing, strict=True)):
        affine[:3, 2 - axis] = towards[source] * mm * (-1 if flip else 1)
    return affine, case.spacing


def _about(store: Store, rows: Sequence[Mapping[str, str]], folder: Path) -> dict[str, Any]:
    """What is told of the whole."""
    info = store.info
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    white = 255 if info.dtype == "uint8" else 1
    return {
        "store": info.name,
        "licence": info.licence,
        "source": info.source,
        "classes": info.classes,
        "ignore_label": info.ignore_label,
        "orientation": info.orientation,
        "cases": len(rows),
        "white": white,
        "files": {file.relative_to(folder).as_posix(): sha256(file) for file in files},
    }


def _table(rows: Sequence[Mapping[str, str]]) -> str:
    stream = io.StringIO(newline="")
    table = csv.writer(stream)
    table.writerow(COLUMNS)
    table.writerows([[cell(row[name]) for name in COLUMNS] for row in rows])
    return stream.getvalue()


def read_names(table: Path) -> dict[str, str]:
    """Return the case of each name in a table that was exported.

    Raises:
        InputError: no such table.
        DiskError: the machine refuses to read it.
    """
    with decoding(table, "a table"):
        rows = list(csv.DictReader(io.StringIO(table.read_text("utf-8"), newline="")))
    if not rows or not {"name", "case"} <= rows[0].keys():
        raise InputError(f"{table}: expected the table {TABLE} of an export, with the columns name and case")
    return {_uncelled(row["name"] or ""): _uncelled(row["case"] or "") for row in rows}


def _uncelled(text: str) -> str:
    """What `cell` has made a cell of."""
    return text[1:] if text.startswith("'") and cell(text[1:]) == text else text


def _json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=1, allow_nan=False) + "\n"
