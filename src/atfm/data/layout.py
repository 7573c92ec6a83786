"""The files of a store: what each holds, byte for byte.

One folder holds them:

    images.npy   every image, one after the other, flat: uint8 (value * 255) or float32, one type for the whole store
    masks.npy    every annotation, flat uint8: eight pixels to a byte for binary masks, a byte a pixel for classes
    index.npy    a row for each case: where its image and masks begin, their shape, spacing and CRC-32
    cases.json   [[case_id, patient_id], ...] in the order of the index
    store.json   `StoreInfo`: written last, so a folder without it is not a store
"""

import hashlib
import json
import math
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from atfm.data.intensity import Intensity
from atfm.data.labels import named, refusal
from atfm.data.patients import PatientsKnown
from atfm.disk.machine import reading
from atfm.errors import InputError, StoreError
from atfm.io.decoding import brief, is_plain
from atfm.io.volumes.turn import check_letters

__all__ = [
    "FILES",
    "HEADER_BYTES",
    "INDEX_ROW",
    "STORED",
    "VERSION",
    "StoreInfo",
    "decode_image",
    "decode_masks",
    "encode_masks",
    "npy_header",
    "on_grid",
    "read_info",
    "sha256",
]

VERSION = 1
HEADER_BYTES = 128
STORED = {"uint8": "|u1", "float32": "<f4"}  # by StoreInfo.dtype
FILES = ("images.npy", "masks.npy", "index.npy", "cases.json")

INDEX_ROW = np.dtype(
    [
        ("image", "<u8"),  # first element of this case in images.npy
        ("mask", "<u8"),  # first byte of this case in masks.npy
        ("shape", "<u4", (3,)),  # spatial shape, then 0 for an axis that 2-D cases lack
        ("annotators", "<u2"),
        ("spacing", "<f8", (3,)),  # millimetres, then 0
        ("image_crc", "<u4"),  # CRC-32 of the bytes as stored
        ("mask_crc", "<u4"),
    ]
)


class StoreInfo(BaseModel):
    """What `store.json` says of a store.

    Args:
        name, licence, source, modality: where the data come from and on which terms.
        classes: 1 for binary masks; else the number of labels, background included.
        channels: `C_in` of the images.
        spatial_dims: 2 or 3.
        cases: how many cases there are.
        dtype: how the pixels of the images are stored.
        version: of this layout.
        files: SHA-256 of every other file of the store.
        splits: patient ids of each split.
        ignore_label: a label that says nothing: its pixels count neither in training nor in scores; None for none.
        intensity: how the files' values were put into [0, 1]; None where the type of the files tells.
        class_names: of every label but the background, in their order; None where they have numbers only.
        packed_from: digest of the store that was packed, where this one was unpacked (`atfm data pack`).
        patients_known: how, `assumed one per case` where nobody told; None where nobody recorded it.
        orientation: where columns, rows and slices of every image count up to, such as LPS (`atfm.io.volumes.turn`);
            "none" of mere pictures, "unknown" where nobody said.
        skipped: what the import left out, a line with the reason for each; None where nobody recorded it.
        warnings: what the import guessed or ignored, a sentence each; None where nobody recorded it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    licence: str
    source: str
    modality: str
    classes: int = Field(ge=1, le=256)
    channels: int = Field(ge=1)
    spatial_dims: Literal[2, 3]
    cases: int = Field(ge=1)
    dtype: Literal["uint8", "float32"]
    version: int
    files: dict[str, str]
    splits: dict[str, tuple[str, ...]]
    ignore_label: int | None = None
    intensity: Intensity | None = None
    class_names: tuple[str, ...] | None = None
    packed_from: str | None = None
    patients_known: PatientsKnown | None = None
    orientation: str = "unknown"
    skipped: tuple[str, ...] | None = None
    warnings: tuple[str, ...] | None = None

    @property
    def foreground(self) -> tuple[str, ...]:
        """What to call every class but the background: its name, or else its label as a number."""
        return named(self.class_names, self.classes)


def read_info(path: Path) -> StoreInfo:
    """Read and check `store.json` in the folder `path`.

    Raises:
        StoreError: no such file, not JSON, another version, or a field missing or ill-typed.
        DiskError: the machine refuses to read it.
    """
    file = path / "store.json"
    try:
        with reading(file):
            fields = json.loads(file.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        raise StoreError(f"{path}: not a store: it has no store.json; make one with `atfm data import`") from None
    except OSError as error:
        raise StoreError(f"{file}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise StoreError(f"{file}: damaged: not valid JSON; import the data again") from error
    version = fields.get("version") if isinstance(fields, dict) else None
    if version != VERSION:
        raise StoreError(f"{file}: expected a store of version {VERSION}, got {brief(version)}; import the data again")
    try:
        info = StoreInfo.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        where = brief(".".join(map(str, first["loc"])))
        raise StoreError(f"{file}: field {where}: {brief(first['msg'])}; import the data again") from error
    if set(info.files) != set(FILES):
        got = brief(", ".join(info.files)) or "none"
        raise StoreError(f"{file}: expected the SHA-256 of {', '.join(FILES)}, got {got}")
    if info.ignore_label is not None and not 1 < info.classes <= info.ignore_label <= 255:
        raise StoreError(f"{file}: field ignore_label: {info.ignore_label} is a class or none; import the data again")
    if info.orientation not in ("none", "unknown"):
        try:
            check_letters(info.orientation, "field orientation")
        except InputError as error:
            raise StoreError(f"{file}: {brief(error)}; import the data again") from error
    misnamed = refusal(info.class_names, info.classes)
    if misnamed is not None:
        raise StoreError(f"{file}: field class_names: {misnamed}; import the data again")
    for text in (info.name, *info.splits, *(patient for patients in info.splits.values() for patient in patients)):
        if not is_plain(text):
            raise StoreError(f"{file}: {brief(text)!r} holds characters that cannot be printed; import the data again")
    return info


def npy_header(dtype: str, length: int) -> bytes:
    """The header of a flat `.npy` file, always `HEADER_BYTES` long so that it can be written again when done."""
    body = f"{{'descr': '{np.dtype(dtype).str}', 'fortran_order': False, 'shape': ({length},), }}"
    magic = b"\x93NUMPY\x01\x00" + (HEADER_BYTES - 10).to_bytes(2, "little")
    return magic + body.encode().ljust(HEADER_BYTES - 11) + b"\n"


def on_grid(image: np.ndarray) -> np.ndarray | None:
    """The uint8 image whose 1/255th is `image`, bit for bit, or None if there is none."""
    steps = np.rint(image * 255).astype(np.uint8)
    return steps if np.array_equal(decode_image(steps), image) else None


def decode_image(stored: np.ndarray) -> np.ndarray:
    """Stored pixels -> float32 in [0, 1]."""
    if stored.dtype == np.uint8:
        return stored.astype(np.float32) / np.float32(255)
    return np.array(stored, dtype=np.float32)


def encode_masks(masks: np.ndarray, classes: int) -> np.ndarray:
    """Labels `[K, *spatial]` -> flat bytes: eight binary pixels to a byte, or a byte for each label."""
    return np.packbits(masks) if classes == 1 else masks.reshape(-1)


def decode_masks(stored: np.ndarray, shape: tuple[int, ...], classes: int) -> np.ndarray:
    """Flat bytes -> labels of `shape` = `[K, *spatial]`, the inverse of `encode_masks`."""
    if classes == 1:
        return np.unpackbits(stored, count=math.prod(shape)).reshape(shape)
    return np.array(stored).reshape(shape)


def sha256(file: Path) -> str:
    """SHA-256 of a file, in hex.

    Raises:
        DiskError: the machine refuses to read it.
    """
    with reading(file), file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
