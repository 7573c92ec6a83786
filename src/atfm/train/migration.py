"""Cards of earlier versions as one of today: shipped weights go on loading."""

from collections.abc import Mapping
from typing import Any

from atfm.train.checkpoint import VERSION

__all__ = ["migrated"]

# Digests of the stores that shipped weights were trained on before a card said how the images lay. Pictures of LIDC are
# rows and columns of the scan's own axial slices, pixel for pixel, and its series lie LPS (docs/sampling.md).
_LIDC = {
    "19a010800c70f89159909da5b3a592d2ff8d45806dc0a457bb204387c59aa359",
    "248c35b35117309a70538c0392fb6913684e7465d35d0453266fe7f318fe33ec",
}
_STAGES = {"gtr": "stage1", "sfm": "stage2", "energy": "stage3"}


def migrated(card: Mapping[str, Any]) -> dict[str, Any]:
    """Return a card as version 3 writes it, but for its seal; version 2 differs in that alone.

    Version 1 knew one method: its two parts and three stages stood at the top of the configuration, and `method` said
    whether stage 1 alone was written.

    Raises:
        KeyError: a card of version 1 without one of its fields.
    """
    card = dict(card) if "orientation" in card else {**card, **_orientation(card)}
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


def _orientation(card: Mapping[str, Any]) -> dict[str, str]:
    """What is known of cards that do not say how the training images lay."""
    data = card.get("data")
    known = isinstance(data, Mapping) and data.get("digest") in _LIDC
    return {"orientation": "LPS"} if known else {}
