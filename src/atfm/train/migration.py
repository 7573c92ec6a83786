"""Cards of earlier versions as one of today: shipped weights go on loading."""

from collections.abc import Mapping
from typing import Any

from atfm.train.checkpoint import VERSION

__all__ = ["migrated"]

_STAGES = {"gtr": "stage1", "sfm": "stage2", "energy": "stage3"}


def migrated(card: Mapping[str, Any]) -> dict[str, Any]:
    """Return a card as version 3 writes it, but for its seal; version 2 differs in that alone.

    Version 1 knew one method: its two parts and three stages stood at the top of the configuration, and `method` said
    whether stage 1 alone was written.

    Raises:
        KeyError: a card of version 1 without one of its fields.
    """
    if card.get("version") != 1:
        return {**card, "version": VERSION}
    old = dict(card["config"])
    stages = {name: old.pop(number) for name, number in _STAGES.items()}
    method = {"name": "atfm", "gtr": old.pop("gtr"), "sfm": old.pop("sfm")}
    old.pop("in_channels", None)
    state = dict(card.get("training", {}))
    stage = "gtr" if card["method"] == "gtr" else state.get("stage", "energy")
    config = old | {"method": method, "stages": stages}
    rest = {"training_images" if name == "likeness" else name: value for name, value in card.items()}
    return rest | {"version": VERSION, "config": config, "training": state | {"stage": stage}}
