"""The file of a pack: a zip whose members are stored as they are, `head.json` that tells of them, and a seal.

images-00000.jp2 ...    planes of the images, one after the other (`atfm.data.packed.part`)
masks-00000.zlib ...    the masks as the store has them, one after the other
head.json               `Head`, deflated
comment of the zip      `sha256 ` and the SHA-256, in hex, of every byte of the file before these 64 digits
"""

import hashlib
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from atfm.data.layout import StoreInfo
from atfm.data.packed.part import Part
from atfm.disk.machine import reading
from atfm.errors import StoreError
from atfm.io.decoding import brief

__all__ = ["HEAD", "VERSION", "Head", "PackedCase", "opened", "seal"]

VERSION = 1
HEAD = "head.json"
LARGEST_HEAD = 2**28
MARK, DIGITS = b"sha256 ", 64
AGAIN = "copy it again, or pack the store again"


class PackedCase(NamedTuple):
    """What a pack says of one case.

    Args:
        case_id, patient_id: of the case.
        shape: spatial, after the cut.
        annotators: how many masks it has.
        spacing: in millimetres.
    """

    case_id: str
    patient_id: str
    shape: tuple[int, ...]
    annotators: int
    spacing: tuple[float, ...]


class Head(BaseModel):
    """What `head.json` says of a pack.

    Args:
        format, version: of this layout.
        packed_from: digest of the store that was packed.
        window: what was kept of every image, or None for the whole.
        store: `store.json` of that store, with the splits and the number of cases that were packed.
        cases: in their order.
        images, masks: the parts, in their order.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["atfm-pack"]
    version: int
    packed_from: str
    window: tuple[int, ...] | None = None
    store: StoreInfo
    cases: list[PackedCase] = Field(min_length=1)
    images: list[Part]
    masks: list[Part]


def seal(file: Path) -> str:
    """Write the SHA-256 of a finished zip, whose comment is `MARK` and `DIGITS` zeros, over those zeros; return it."""
    size = file.stat().st_size - DIGITS
    digest = sha256_before(file, size)
    with file.open("rb+") as stream:
        stream.seek(size)
        stream.write(digest.encode())
    return digest


@contextmanager
def opened(file: Path) -> Iterator[tuple[zipfile.ZipFile, Head]]:
    """Open a pack after verifying all of its bytes.

    Raises:
        StoreError: no pack, or a byte that is not what was written.
    """
    check_seal(file)
    try:
        with zipfile.ZipFile(file) as archive:
            if archive.getinfo(HEAD).file_size > LARGEST_HEAD:
                raise StoreError(f"{file}: its head is larger than {LARGEST_HEAD} bytes; {AGAIN}")
            yield archive, read_head(file, archive.read(HEAD))
    except (zipfile.BadZipFile, KeyError, NotImplementedError) as error:
        raise StoreError(f"{file}: not a pack: {brief(error)}; make one with `atfm data pack`") from error


def check_seal(file: Path) -> None:
    """Refuse a file whose bytes are not those of its seal."""
    try:
        with reading(file), file.open("rb") as stream:
            size = file.stat().st_size - DIGITS
            begin = stream.read(4)
            stream.seek(max(size - len(MARK), 0))
            end = stream.read()
    except FileNotFoundError:
        raise StoreError(f"{file}: no such file; make one with `atfm data pack`") from None
    except OSError as error:
        raise StoreError(f"{file}: cannot be read: {error.strerror}") from error
    if begin[:2] != b"PK":
        raise StoreError(f"{file}: not a pack, or its begin is damaged; make one with `atfm data pack`")
    if not end.startswith(MARK):
        raise StoreError(f"{file}: truncated or damaged: it does not end in its seal; {AGAIN}")
    if sha256_before(file, size).encode() != end[len(MARK) :]:
        raise StoreError(f"{file}: damaged: its SHA-256 is not the one in its seal; {AGAIN}")


def read_head(file: Path, data: bytes) -> Head:
    """`head.json`, checked field by field."""
    try:
        head = Head.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = brief(".".join(map(str, first["loc"])))
        raise StoreError(f"{file}: {HEAD}: field {where}: {brief(first['msg'])}; {AGAIN}") from error
    if head.version != VERSION:
        raise StoreError(f"{file}: expected a pack of version {VERSION}, got {head.version}; {AGAIN}")
    return head


def sha256_before(file: Path, size: int) -> str:
    """SHA-256 of the first `size` bytes."""
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while size > 0 and (block := stream.read(min(size, 2**20))):
            digest.update(block)
            size -= len(block)
    return digest.hexdigest()
