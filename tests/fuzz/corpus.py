"""The corpus: for every reader an endless stream of damaged and hostile inputs, the same for the same seed.

Input `i` depends on (reader, seed, i) alone. Every second one is a hostile input made by hand, until each was there
once; of the others nine in ten are a valid input with damage, and one in ten is a hostile one, damaged as well.
"""

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from damage import damaged

__all__ = ["Content", "Files", "Input", "Kind", "Link", "make", "write"]


@dataclass(frozen=True)
class Link:
    """A symbolic link, where a file is expected."""

    target: str


Content = bytes | Link
Files = Mapping[str, Content]


@dataclass(frozen=True)
class Kind:
    """Where the inputs of one reader come from.

    Args:
        valid: small inputs that are as they should be, by name.
        hostile: inputs made to do harm, by name.
        mended: makes checksums right again after damage, so that what lies behind them is reached too.
        inner: damages what is packed inside instead of the package, or None where nothing is.
    """

    valid: Mapping[str, Files]
    hostile: Mapping[str, Callable[[], Files]] = field(default_factory=dict)
    mended: Callable[[Files], Files] | None = None
    inner: Callable[[Files, np.random.Generator], Files] | None = None


@dataclass(frozen=True)
class Input:
    """One input: the files to lay before a reader, and what was done to them."""

    label: str
    files: Files


def make(name: str, kind: Kind, seed: int, index: int) -> Input:
    """Input `index` of a reader."""
    key, hostile = zlib.crc32(name.encode()), list(kind.hostile)
    if index % 2 == 0 and index // 2 < len(hostile):
        label = hostile[np.random.default_rng([seed, key]).permutation(len(hostile))[index // 2]]
        return Input(label, kind.hostile[label]())
    rng = np.random.default_rng([seed, key, index])
    if hostile and rng.random() < 0.1:
        label = hostile[int(rng.integers(len(hostile)))]
        files = kind.hostile[label]()
    else:
        label = sorted(kind.valid)[int(rng.integers(len(kind.valid)))]
        files = kind.valid[label]
    if kind.inner is not None and rng.random() < 0.5:
        return Input(f"{label}: inside", kind.inner(files, rng))
    what, files = _damage(files, rng)
    if kind.mended is not None and rng.random() < 0.7:
        what, files = f"{what}, checksums mended", kind.mended(files)
    return Input(f"{label}: {what}", files)


def _damage(files: Files, rng: np.random.Generator) -> tuple[str, Files]:
    """Damage one file, or lose, empty or exchange one."""
    changed = dict(files)
    names: Sequence[str] = sorted(name for name, content in files.items() if isinstance(content, bytes))
    if not names:
        return "as it is", changed
    name = names[int(rng.integers(len(names)))]
    fate = rng.random()
    if len(names) > 1 and fate < 0.03:
        del changed[name]
        return f"{name} lost", changed
    if len(names) > 1 and fate < 0.06:
        changed[name] = files[names[int(rng.integers(len(names)))]]
        return f"{name} exchanged", changed
    content = files[name]
    what, changed[name] = damaged(content if isinstance(content, bytes) else b"", rng)
    return f"{name} {what}", changed


def write(files: Files, folder: Path) -> None:
    """Lay the files into a new folder."""
    folder.mkdir()
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Link):
            path.symlink_to(content.target)
        else:
            path.write_bytes(content)
