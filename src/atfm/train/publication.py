"""`Publication`: the weight file of a run, which is what its last checkpoint says, or is published again."""

import json
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from atfm.disk.machine import reading
from atfm.disk.sealed import is_whole
from atfm.errors import CheckpointError
from atfm.io.tensors import tensors_digest
from atfm.methods.method import Method
from atfm.train.card import EDITS, reapplied
from atfm.train.checkpoint import SEAL, load_pair, save_pair

__all__ = ["Publication", "publish"]


def publish(path: Path, method: Method, card: Mapping[str, Any]) -> None:
    """Write the weights of what the stage in `card` trains, with their card, in one move.

    Raises:
        DiskError: the disk is full or the folder cannot be written; what was there stays.
    """
    described = {"in_channels": method.in_channels, "channels": method.channels, "size": list(method.size)}
    save_pair(path, method.state_dict(), {**card, **described})


class Publication:
    """Writes the weight file of a run.

    Edits that a user made to the card (`atfm card`) are kept when it is written anew.

    Args:
        path: the file.
        card: what is known before a step is made.
        say: is told where it was not what it should have been.
    """

    def __init__(self, path: Path, card: Mapping[str, Any], say: Callable[[str], object] = lambda note: None) -> None:
        self.path, self.card, self.say = path, dict(card), say

    def publish(self, method: Method, state: Mapping[str, Any]) -> None:
        """Write the weights of a method, and a card that says where its training stands."""
        publish(self.path, method, reapplied(self.card | {"training": dict(state)}, self._edits))

    def ensure(self, method: Method, state: Mapping[str, Any]) -> bool:
        """Publish if what is there is not this: missing, older, damaged; return whether it was not."""
        if self._is_there(method, state):
            return False
        self.publish(method, state)
        if state["step"]:
            self.say(f"{self.path}: was not that of the last checkpoint; published again, as of step {state['step']}")
        return True

    def _is_there(self, method: Method, state: Mapping[str, Any]) -> bool:
        try:
            tensors, card = load_pair(self.path)
        except CheckpointError:
            return False
        same = tensors_digest(tensors) == tensors_digest(method.state_dict())
        return same and card.get("training") == json.loads(json.dumps(state)) and self._read_copy() == card

    @cached_property
    def _edits(self) -> list[dict[str, Any]]:
        """What was edited in the card that is there, or in the copy of one that is damaged, before this training."""
        try:
            card: Any = load_pair(self.path)[1]
        except CheckpointError:
            card = self._read_copy()
        return list(card.get(EDITS, [])) if isinstance(card, dict) else []

    def _read_copy(self) -> dict[str, Any] | None:
        try:
            with reading(self.path):
                card = json.loads(self.path.with_suffix(".json").read_bytes())
        except (FileNotFoundError, ValueError, RecursionError):
            return None
        return card if isinstance(card, dict) and is_whole(card, SEAL) else None
