"""The order in which people count names."""

import re

__all__ = ["natural"]


def natural(text: str) -> list[tuple[str, int]]:
    """Sort key by which slice-2 comes before slice-10."""
    return [(word, int(number or 0)) for word, number in re.findall(r"([^0-9]*)([0-9]*)", text)]
