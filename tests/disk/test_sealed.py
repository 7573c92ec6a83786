"""A cached result is believed only if it is what was written, and made of what is wanted."""

import json
import random
from pathlib import Path

import pytest

from atfm.disk.sealed import digest, is_whole, read_sealed, sealed, write_sealed
from atfm.errors import DiskError

MADE = {"seed": 0, "weights": {"gtr": "1f" * 32}, "limit": None}
VALUE = [{"case": "a", "ged": 0.1 + 0.2}]


def test_a_value_comes_back_to_the_last_bit(tmp_path: Path) -> None:
    assert read_sealed(tmp_path / "none.json", MADE) == (None, "")
    write_sealed(tmp_path / "a.json", VALUE, MADE)
    assert read_sealed(tmp_path / "a.json", dict(reversed(MADE.items()))) == (VALUE, "")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"seed": 1}, "was made otherwise (seed: 0 there, 1 here)"),
        ({"weights": {"gtr": "2f" * 32}}, "was made otherwise (weights)"),
        ({"limit": 5, "steps": 2}, "was made otherwise (limit: None there, 5 here, steps: None there, 2 here)"),
    ],
)
def test_what_was_made_of_something_else_is_told(tmp_path: Path, change: dict[str, object], told: str) -> None:
    write_sealed(tmp_path / "a.json", VALUE, MADE)
    assert read_sealed(tmp_path / "a.json", MADE | change) == (None, told)


def test_no_changed_byte_is_believed(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    write_sealed(file, VALUE, MADE)
    whole, rng = file.read_bytes(), random.Random(0)
    for place in rng.sample(range(len(whole) - 1), 100):
        changed = bytearray(whole)
        changed[place] ^= 1 << rng.randrange(7)
        file.write_bytes(changed)
        value, reason = read_sealed(file, MADE)
        assert (value is None and reason) or (value == VALUE and json.loads(changed) == json.loads(whole))
    file.write_text(json.dumps({"row": "act-gtr", "cases": []}))  # as they were before they had a seal
    assert read_sealed(file, MADE) == (None, "does not say what made it")
    for text in ("", "[]", "null", "[" * 100_000):
        file.write_text(text)
        assert read_sealed(file, MADE)[0] is None


def test_a_seal_is_of_all_but_itself_in_any_order() -> None:
    document = sealed({"b": (1, 2), "a": 0.5})
    assert is_whole(document) and is_whole(dict(reversed(document.items()))) and sealed(document) == document
    assert not is_whole(document | {"a": 0.25}) and not is_whole({"a": 1}) and not is_whole([])
    assert digest({"b": 1, "a": 2}) == digest({"a": 2, "b": 1}) != digest({"a": 1, "b": 2})


def test_a_disk_that_fails_is_not_taken_for_a_missing_score(tmp_path: Path) -> None:
    if not Path("/proc/self/mem").exists():
        pytest.skip("needs a file that cannot be read")
    (tmp_path / "a.json").symlink_to("/proc/self/mem")
    with pytest.raises(DiskError, match="input/output error"):
        read_sealed(tmp_path / "a.json", MADE)
