"""What the small files of a store say of its cases, held against each other before a pixel is read.

Their layout is told in `atfm.data.layout`.
"""

import json
from mmap import ACCESS_READ, mmap
from pathlib import Path

import numpy as np

from atfm.data.layout import HEADER_BYTES, INDEX_ROW, StoreInfo, npy_header
from atfm.disk.machine import reading
from atfm.errors import InputError, StoreError
from atfm.io.decoding import decoding, is_plain

__all__ = ["AGAIN", "measure", "one_behind_the_other", "open_flat", "read_ids", "read_index"]

AGAIN = "import the data again"
MOST_PIXELS = 2**40  # of all annotations of a case: far more than fit anywhere, far less than overflow


def open_flat(file: Path, dtype: str, length: int) -> tuple[np.ndarray, mmap]:
    """Map a flat `.npy` file into memory: its elements, and the map under them.

    Raises:
        StoreError: missing, truncated, or not `length` elements of `dtype`.
        DiskError: the machine refuses to read it.
    """
    header = npy_header(dtype, length)
    try:
        with reading(file), file.open("rb") as stream:
            fits = stream.read(HEADER_BYTES) == header
            pages = mmap(stream.fileno(), 0, access=ACCESS_READ)
    except (OSError, ValueError) as error:
        raise StoreError(f"{file}: missing, truncated or damaged; {AGAIN}") from error
    if not fits or len(pages) != HEADER_BYTES + length * np.dtype(dtype).itemsize:
        raise StoreError(f"{file}: expected {length} of {np.dtype(dtype)}, but the file is another one; {AGAIN}")
    return np.frombuffer(pages, dtype, length, HEADER_BYTES), pages


def read_index(file: Path, cases: int) -> np.ndarray:
    """Read `index.npy`, one row of `INDEX_ROW` for each case."""
    try:
        with decoding(file, "an index"):
            index = np.load(file, mmap_mode="r", allow_pickle=False)
    except InputError as error:
        raise StoreError(f"{error}; {AGAIN}") from error
    if not isinstance(index, np.ndarray) or index.dtype != INDEX_ROW or index.shape != (cases,):
        raise StoreError(f"{file}: expected {cases} rows of the index, got another kind of content; {AGAIN}")
    return np.array(index)


def measure(rows: np.ndarray, info: StoreInfo, file: Path) -> tuple[np.ndarray, np.ndarray]:
    """Count the elements that every case has in `images.npy` and the bytes that it has in `masks.npy`, each `[cases]`.

    Raises:
        StoreError: a row that no case has: without pixels, annotators or a spacing.
    """
    dims = info.spatial_dims
    shape, spacing = rows["shape"].astype(np.int64), rows["spacing"][:, :dims]
    sound = (shape[:, :dims] > 0).all(1) & (shape[:, dims:] == 0).all(1) & (rows["annotators"] > 0)
    sound &= (np.isfinite(spacing) & (spacing > 0)).all(1)
    # in floats first: three sides of 32 bits overflow 64
    sound &= shape[:, :dims].astype(float).prod(1) * info.channels * rows["annotators"] < MOST_PIXELS
    sizes = shape[:, :dims].prod(1)
    pixels, labels = sizes * min(info.channels, MOST_PIXELS), sizes * rows["annotators"]
    masks = -(-labels // 8) if info.classes == 1 else labels
    if not sound.all():
        raise StoreError(f"{file}: row {int(np.argmin(sound))} cannot be that of a case; {AGAIN}")
    return pixels, masks


def one_behind_the_other(begins: np.ndarray, counts: np.ndarray) -> bool:
    """Whether each case begins where the one before it ends."""
    return np.array_equal(begins, (counts.cumsum() - counts).astype(np.uint64))


def read_ids(file: Path, cases: int) -> list[tuple[str, str]]:
    """Read `cases.json`."""
    try:
        with reading(file):
            pairs = json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        raise StoreError(f"{file}: damaged: not valid JSON; {AGAIN}") from error
    sound = isinstance(pairs, list) and all(isinstance(pair, list) and len(pair) == 2 for pair in pairs)
    if not sound or not all(isinstance(name, str) and is_plain(name) for pair in pairs for name in pair):
        raise StoreError(f"{file}: expected a case id and a patient id for each case, in words; {AGAIN}")
    if len(pairs) != cases or len({case_id for case_id, _ in pairs}) != cases:
        raise StoreError(f"{file}: expected {cases} cases of different names, got {len(pairs)}; {AGAIN}")
    return [(case_id, patient_id) for case_id, patient_id in pairs]
