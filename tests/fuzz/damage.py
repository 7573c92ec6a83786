"""Damage that fits any file: what disks, cables and people with a hex editor do to bytes."""

import re
from collections.abc import Callable
from itertools import pairwise

import numpy as np

__all__ = ["DAMAGES", "damaged"]

# Numbers at which counters, offsets and lengths go wrong.
EDGES = (0, 1, 2, 3, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 2**24, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, -1)
DIGITS = re.compile(rb"\d+")


def damaged(content: bytes, rng: np.random.Generator) -> tuple[str, bytes]:
    """A few damages, one on the other: their names and what is left."""
    names = []
    for _ in range(1 + rng.geometric(0.6)):
        name = str(rng.choice(list(DAMAGES)))
        content = DAMAGES[name](content, rng)
        names.append(name)
    return "+".join(names), content


def _at(content: bytes, rng: np.random.Generator) -> int:
    """A place; one in two is near the head, where most formats keep their promises."""
    near = min(len(content), 400) if rng.random() < 0.5 else len(content)
    return int(rng.integers(near)) if near else 0


def _span(content: bytes, rng: np.random.Generator) -> tuple[int, int]:
    start = _at(content, rng)
    return start, min(len(content), start + int(rng.integers(1, 2 + min(64, len(content)))))


def flip(content: bytes, rng: np.random.Generator) -> bytes:
    changed = bytearray(content)
    for _ in range(int(rng.integers(1, 9)) if content else 0):
        changed[_at(content, rng)] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def byte(content: bytes, rng: np.random.Generator) -> bytes:
    changed = bytearray(content)
    for _ in range(int(rng.integers(1, 5)) if content else 0):
        changed[_at(content, rng)] = int(rng.integers(256))
    return bytes(changed)


def truncate(content: bytes, rng: np.random.Generator) -> bytes:
    return content[: int(rng.integers(len(content) + 1))]


def behead(content: bytes, rng: np.random.Generator) -> bytes:
    return content[_at(content, rng) :]


def insert(content: bytes, rng: np.random.Generator) -> bytes:
    at = _at(content, rng)
    return content[:at] + rng.bytes(int(rng.integers(1, 33))) + content[at:]


def remove(content: bytes, rng: np.random.Generator) -> bytes:
    start, end = _span(content, rng)
    return content[:start] + content[end:]


def repeat(content: bytes, rng: np.random.Generator) -> bytes:
    start, end = _span(content, rng)
    return content[:end] + content[start:end] * int(rng.integers(1, 20)) + content[end:]


def swap(content: bytes, rng: np.random.Generator) -> bytes:
    cuts = sorted(int(cut) for cut in rng.integers(0, len(content) + 1, 3))
    parts = [content[a:b] for a, b in pairwise([0, *cuts, len(content)])]
    return parts[0] + parts[2] + parts[1] + parts[3]


def blank(content: bytes, rng: np.random.Generator) -> bytes:
    start, end = _span(content, rng)
    return content[:start] + bytes([int(rng.choice([0, 255, 32]))]) * (end - start) + content[end:]


def length(content: bytes, rng: np.random.Generator) -> bytes:
    """Another number where one may be: 1, 2, 4 or 8 bytes, either end first."""
    size = int(rng.choice([1, 2, 4, 8]))
    at = _at(content, rng)
    at -= at % int(rng.choice([1, size]))
    value = int(rng.choice(EDGES)) if rng.random() < 0.8 else len(content) + int(rng.integers(-2, 3))
    order = "little" if rng.random() < 0.5 else "big"
    return content[:at] + (value % 256**size).to_bytes(size, order) + content[at + size :]


def number(content: bytes, rng: np.random.Generator) -> bytes:
    """Another number where one stands in digits, as in JSON and the head of an array."""
    found = list(DIGITS.finditer(content[:10000]))
    if not found:
        return flip(content, rng)
    match = found[int(rng.integers(len(found)))]
    text = str(rng.choice([str(edge) for edge in EDGES] + ["1e999", "9" * 40, "0.5", "-7", "null", '""', "[]"]))
    return content[: match.start()] + text.encode() + content[match.end() :]


Damage = Callable[[bytes, np.random.Generator], bytes]
DAMAGES: dict[str, Damage] = {
    damage.__name__: damage
    for damage in (flip, byte, truncate, behead, insert, remove, repeat, swap, blank, length, number)
}
