"""What a ratio of operations is made of: the window that is looked at, the number of steps, and the networks.

    other / ours = (other / other on our window) (that / that in our steps) (that / ours)

The first two factors are choices that either method could make, and say nothing of the networks.
"""

from typing import Any

import torch

from atfm.bench.contender import Contender, fresh
from atfm.bench.operations import count_operations
from atfm.errors import ConfigError
from atfm.methods.method import Method

__all__ = ["parts_of"]


def parts_of(ours: Contender, other: Contender, samples: int) -> dict[str, Any]:
    """Return the factors of the ratio of operations, and what each of them changes.

    Args:
        ours: what is compared.
        other: what it is compared with, built from a configuration.
        samples: masks of one image.

    Returns:
        `window`, `steps` and `networks`, whose product is the ratio; `from` and `to`, windows and steps of both; `note`
        where the other cannot be built for our window, whose factor is then part of `networks`.
    """
    narrow, note = other.method, ""
    if ours.method.window != other.method.window:
        try:
            narrow = _on_window(other, ours.method)
        except ConfigError as error:
            note = f"{other.name} cannot look at our window: {error}"
    fewer = narrow
    if narrow.steps is not None and ours.method.steps is not None:
        fewer = narrow.with_steps(ours.method.steps)
    whole, looked_at, in_steps, own = (
        count_operations(method).total(samples) for method in (other.method, narrow, fewer, ours.method)
    )
    return {
        "window": whole / looked_at,
        "steps": looked_at / in_steps,
        "networks": in_steps / own,
        "from": _of(other.method),
        "to": _of(ours.method),
        **({"note": note} if note else {}),
    }


def _on_window(other: Contender, ours: Method) -> Method:
    """The other's method for our images and our window; shapes are all that is counted of it."""
    config = other.config.model_copy(update={"window": ours.window, "crop": None})
    with torch.device("meta"):
        return fresh(config, size=ours.size).eval()


def _of(method: Method) -> dict[str, Any]:
    return {"window": list(method.window), "steps": method.steps}
