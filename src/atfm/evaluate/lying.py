"""Whether the images of a store lie as those did that a model was trained on: array order is not anatomy."""

from collections.abc import Iterable

from atfm.data.layout import StoreInfo
from atfm.evaluate.beside import Contender

__all__ = ["lying"]

SAYS_NOTHING = ("none", "unknown")


def lying(contenders: Iterable[Contender], store: StoreInfo) -> list[str]:
    """A sentence for each model whose training images lay another way than those that it is scored on.

    Args:
        contenders: what is scored.
        store: on what.

    Returns:
        Nothing where either side does not say how its images lie.
    """
    found: dict[str, str] = {}
    for contender in contenders:
        own = contender.seen.orientation
        if own not in SAYS_NOTHING and store.orientation not in SAYS_NOTHING and own != store.orientation:
            found.setdefault(own, contender.name)
    return [
        f"{name} was trained on images that lie {own}, those of {store.name} lie {store.orientation}: it sees them "
        f"turned round; import them with --orientation {own}."
        for own, name in found.items()
    ]
