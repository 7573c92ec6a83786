"""What a foreign model was trained on, as its user states it: a model without a card says nothing itself."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from atfm.data.pseudonyms import patient_hash
from atfm.data.seen.images import SeenImages
from atfm.data.seen.looker import Looker
from atfm.data.seen.seen import Seen, seen_of
from atfm.data.store import Store
from atfm.errors import CheckpointError, InputError
from atfm.io.decoding import brief, decoding

__all__ = ["UNSAID", "seen_as_stated"]

UNSAID = "nobody said what the model of these masks was trained on (--trained-on)"
_LARGEST = 2**28


def seen_as_stated(given: Sequence[Path], splits: Sequence[str] = ("train",)) -> tuple[Seen, str]:
    """Return what the guard against leaks compares, and the statement in words.

    Args:
        given: stores; cards of models (JSON); or texts with the id of a patient in each line. None: nothing is stated.
        splits: of the stores, those that were trained on.

    Raises:
        InputError: neither of these, or no patient in it.
        StoreError: no such split.
        CheckpointError: a card that is none.
    """
    if not given:
        return Seen(missing=UNSAID), "not known"
    parts = [_part(path, splits) for path in given]
    seen = [one for one, _ in parts]
    images = [one.images for one in seen if one.images is not None]
    joined: SeenImages | None = None
    if images:
        # One that has none of its own images recorded leaves a mark: not all could be compared.
        lacking: list[SeenImages | None] = [None] * (len(seen) > len(images))
        joined = images[0] if len(seen) == 1 else images[0].joined([*images[1:], *lacking])
    assumed = [one.patients_known for one in seen if one.patients_known == "assumed one per case"]
    known = assumed[0] if assumed else seen[0].patients_known
    return (
        Seen(
            frozenset().union(*(one.patients for one in seen)),
            known,
            joined,
            frozenset().union(*(one.patient_keys for one in seen)),
            missing=UNSAID if joined is None and not any(one.patients for one in seen) else "only patients are stated",
        ),
        f"{'; '.join(words for _, words in parts)}, as stated",
    )


def _part(path: Path, splits: Sequence[str]) -> tuple[Seen, str]:
    if path.is_dir():
        return _of_store(path, splits)
    if not path.is_file():
        raise InputError(f"--trained-on {path}: no such store or file")
    if path.stat().st_size > _LARGEST:
        raise InputError(f"--trained-on {path}: too large for a card or a list of patients")
    with decoding(path, "text"):
        text = path.read_text("utf-8")
    if path.suffix.lower() == ".json":
        return _of_card(path, text)
    patients = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if not patients:
        raise InputError(f"--trained-on {path}: expected the id of a patient in each line, found none")
    hashes = frozenset(map(patient_hash, patients))
    return Seen(hashes, "given"), f"{len(hashes):,} patients of the list {path}"


def _of_store(path: Path, splits: Sequence[str]) -> tuple[Seen, str]:
    store = Store.open(path)
    cases = sorted({number for name in splits for number in store.split(name)})
    if not cases:
        raise InputError(f"--trained-on {path}: {' and '.join(splits)} holds no case; name others with --trained-split")
    looker = Looker(store.info.patients_known)
    for number in cases:
        case = store[number]
        looker.look(case.image, case.patient_id)
    ids = store.ids()
    hashes = frozenset(patient_hash(ids[number][1]) for number in cases)
    told = f"{len(cases):,} cases of store {store.info.name} ({store.digest[:16]}), split {' and '.join(splits)}"
    return Seen(hashes, store.info.patients_known, looker.seen(len(cases))), told


def _of_card(path: Path, text: str) -> tuple[Seen, str]:
    try:
        card: Any = json.loads(text)
    except (ValueError, RecursionError):
        raise CheckpointError(f"--trained-on {path}: damaged: not valid JSON") from None
    listed = card.get("patients") if isinstance(card, dict) else None
    if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
        raise CheckpointError(f"--trained-on {path}: no card of a model: its patients are {brief(listed, 40)}")
    seen = seen_of(card, frozenset(listed), str(path))
    return seen, f"what the card {path} says ({len(seen.patients):,} patients)"
