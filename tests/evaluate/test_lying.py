"""A model that is scored on images that lie another way than those of its training says so."""

import json
import shutil
from types import SimpleNamespace

import pytest

from atfm.data.seen.seen import Seen, seen_of
from atfm.data.store import Store
from atfm.errors import CheckpointError
from atfm.evaluate.score import evaluate


@pytest.mark.parametrize(
    ("own", "theirs", "told"),
    [
        ("LPS", "RAS", True),
        ("LPS", "LPS", False),
        ("unknown", "RAS", False),
        ("none", "RAS", False),
        ("LPS", "none", False),
        ("LPS", "unknown", False),
    ],
)
def test_the_warning_reaches_the_evaluation(store: Store, discs, tmp_path, own: str, theirs: str, told: bool) -> None:
    shutil.copytree(store.path, tmp_path / "store")
    file = tmp_path / "store" / "store.json"
    file.write_text(json.dumps(json.loads(file.read_text("utf-8")) | {"orientation": theirs}), "utf-8")
    scored = SimpleNamespace(method=discs, name="discs", seen=Seen(orientation=own))
    found = evaluate(scored, Store.open(tmp_path / "store"), samples=2, limit=3)
    sentence = f"was trained on images that lie {own}, those of {store.info.name} lie {theirs}"
    assert any(sentence in warning for warning in found.warnings) is told
    assert (sentence in str(found.as_json()["warnings"])) is told


def test_a_card_of_no_orientation_is_refused() -> None:
    assert seen_of({"orientation": "ras"}, frozenset(), "a").orientation == "ras"
    with pytest.raises(CheckpointError, match="a: field orientation of its JSON: expected three letters"):
        seen_of({"orientation": "up"}, frozenset(), "a")
