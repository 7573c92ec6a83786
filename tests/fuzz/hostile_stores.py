"""Stores: damaged, and lying with checksums that are right."""

import hashlib
import io
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from corpus import Files, Kind
from hostile_arrays import npy
from hostile_pickles import PICKLES
from hostile_texts import JSONS

from atfm.data.case import Case
from atfm.data.layout import FILES
from atfm.data.writer import StoreWriter

__all__ = ["archive", "content", "sha256", "store_kind", "taken"]


def taken(folder: Path) -> dict[str, bytes]:
    """The files of a folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def content(files: Files, name: str) -> bytes:
    found = files.get(name, b"")
    return found if isinstance(found, bytes) else b""


# ---- stores ----


@cache
def stores() -> dict[str, dict[str, bytes]]:
    rng = np.random.default_rng(0)
    made = {}
    for name, classes, shape in (("binary", 1, (5, 7)), ("classes", 3, (4, 5)), ("volumes", 1, (3, 4, 5))):
        folder = Path(tempfile.mkdtemp())
        splits = {"train": ["p0", "p1"], "test": ["p2"]}
        with StoreWriter(folder / "store", name=name, classes=classes, splits=splits) as writer:
            for number in range(3):
                image = rng.integers(0, 256, (1, *shape)).astype(np.float32) / np.float32(255)
                masks = rng.integers(0, max(classes, 2), (2 + number, *shape)).astype(np.uint8)
                writer.add(Case(image, masks, f"c{number}", f"p{number}", (1.0,) * len(shape)))
        made[name] = taken(folder / "store")
        shutil.rmtree(folder)
    return made


def store_kind() -> Kind:
    valid = {f"store of {name}": within("store", files) for name, files in stores().items()}
    hostile: dict[str, Callable[[], Files]] = {}
    for name, text in JSONS.items():
        hostile[f"store.json: {name}"] = partial(replaced, "store.json", text)
        hostile[f"cases.json: {name}"] = partial(rehashed, "cases.json", text)
    for name, fields in info_hostile().items():
        hostile[f"store.json with {name}"] = partial(described, fields)
    for name, edit in index_hostile().items():
        hostile[f"index with {name}"] = partial(indexed, **edit)
    for name, text in cases_hostile().items():
        hostile[f"cases.json of {name}"] = partial(rehashed, "cases.json", text)
    for name in ("os.system", "lists that double"):
        head = "{'descr': '|O', 'fortran_order': False, 'shape': (3,), }"
        hostile[f"index of objects, {name}"] = partial(rehashed, "index.npy", npy(head, PICKLES[name]))
    for file in FILES:
        hostile[f"{file} of nothing"] = partial(rehashed, file, b"")
        hostile[f"{file} of 10^18"] = partial(rehashed, file, npy(HUGE))
        hostile[f"{file} that is a zip"] = partial(rehashed, file, archive())
    return Kind(valid, hostile, mended_store)


HUGE = "{'descr': '|u1', 'fortran_order': False, 'shape': (1000000000000000000,), }"


def archive() -> bytes:
    stream = io.BytesIO()
    np.savez(stream, a=np.zeros(3))
    return stream.getvalue()


def within(folder: str, files: Files) -> Files:
    return {f"{folder}/{name}": content for name, content in files.items()}


def replaced(name: str, text: bytes) -> Files:
    return within("store", stores()["binary"] | {name: text})


def rehashed(name: str, text: bytes) -> Files:
    return mended_store(replaced(name, text))


def mended_store(files: Files) -> Files:
    """The hashes in `store.json` are those of the files, and the CRCs in the index those of its images and masks."""
    try:
        info = json.loads(content(files, "store/store.json"))
        info["files"] = {name: sha256(content(files, f"store/{name}")) for name in FILES}
        return {**files, "store/store.json": json.dumps(info).encode()}
    except (ValueError, TypeError, RecursionError):
        return files


def sha256(blob: bytes) -> str:
    return hashlib.sha256(blob).hexdigest()


def described(fields: Mapping[str, Any]) -> Files:
    files = stores()["binary"]
    return within("store", files | {"store.json": json.dumps(json.loads(files["store.json"]) | fields).encode()})


def indexed(**edits: Any) -> Files:
    """A store of one case more than all others are about: its index says something else, and all hashes are right."""
    files = stores()["binary"]
    index = np.load(io.BytesIO(files["index.npy"])).copy()
    for field, value in edits.items():
        index[field] = value
    stream = io.BytesIO()
    np.save(stream, index)
    return rehashed("index.npy", stream.getvalue())


def info_hostile() -> dict[str, dict[str, Any]]:
    values = {
        "cases": (-1, 0, 2, 4, 10**18, "3"),
        "classes": (-1, 0, 2, 300, 10**9),
        "channels": (-1, 0, 3, 2**62, 10**30),
        "spatial_dims": (0, 1, 3, 7),
        "version": (0, 99, "1", None, [1], 10**40),
        "dtype": ("float32", "object", ""),
        "files": ({}, {"images.npy": "0"}, [], {"../../etc/passwd": "0"}),
        "splits": (
            {},
            {"train": ["p0"], "test": ["p0"]},
            {"train": ["nobody"]},
            {"a\nb": ["c\nd"]},
            {"\ud800": ["\ud801"]},
            [],
            {"train": ["p" * 10**6]},
        ),
        "name": ("a\nb\u2028", "n" * 10**6, "", "\x00"),
        "ignore_label": (0, 1, 255, -7, 10**30),
        "unknown\nfield": (1,),
        "u" * 10**5: (1,),
    }
    return {f"{key[:20]} {str(value)[:40]!r}": {key: value} for key, several in values.items() for value in several}


def index_hostile() -> dict[str, dict[str, Any]]:
    top = 2**32 - 1
    return {
        "images at 2^64 - 1": {"image": 2**64 - 1},
        "images at 2^63": {"image": 2**63},
        "images beyond the end": {"image": 10**6},
        "masks at 2^64 - 1": {"mask": 2**64 - 1},
        "masks beyond the end": {"mask": 10**6},
        "shapes of 2^32 - 1": {"shape": (top, top, 0)},
        "shapes of 2^32 - 1 thrice": {"shape": (top, top, top)},
        "shapes of nothing": {"shape": (0, 0, 0)},
        "shapes of lines": {"shape": (35, 1, 0)},
        "shapes of a third axis": {"shape": (5, 7, 1)},
        "shapes of a third axis alone": {"shape": (0, 5, 7)},
        "no annotators": {"annotators": 0},
        "65535 annotators": {"annotators": 65535},
        "spacing of NaN": {"spacing": float("nan")},
        "spacing of nothing": {"spacing": 0.0},
        "spacing below nothing": {"spacing": -1.0},
        "infinite spacing": {"spacing": float("inf")},
        "other CRCs": {"image_crc": 0, "mask_crc": top},
    }


def cases_hostile() -> dict[str, bytes]:
    return {
        "numbers": b"[1, 2, 3]",
        "threes": b'[["a", "b", "c"], ["a", "b", "c"], ["a", "b", "c"]]',
        "numbers in pairs": b"[[1, 2], [3, 4], [5, 6]]",
        "lists in pairs": b'[[["a"], ["b"]], [["a"], ["b"]], [["a"], ["b"]]]',
        "two letters": b'["ab", "cd", "ef"]',
        "an object": b'{"ab": 1, "cd": 2, "ef": 3}',
        "the same ids": b'[["a", "p0"], ["a", "p1"], ["a", "p2"]]',
        "lines": b'[["a\\nb", "p0"], ["c\\u2028", "p\\n1"], ["d", "p2"]]',
        "surrogates": b'[["\\ud800", "p0"], ["c", "\\ud801"], ["d", "p2"]]',
        "long ids": b'[["%b", "p0"], ["c", "p1"], ["d", "p2"]]' % (b"i" * 10**6),
        "too few": b'[["a", "p0"]]',
    }
