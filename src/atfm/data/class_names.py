"""The names of the classes that a store may carry: one for each label but the background."""

from collections.abc import Sequence

from atfm.io.decoding import brief, is_plain

__all__ = ["named", "refusal"]

LONGEST = 100


def named(names: Sequence[str] | None, classes: int) -> tuple[str, ...]:
    """What to call every class but the background: its name, or its label as a number where there are no names.

    Args:
        names: as the store has them.
        classes: 1 for binary masks, whose object is the class `1`; else the number of labels, background included.
    """
    return tuple(names) if names is not None else tuple(str(label) for label in range(1, max(classes, 2)))


def refusal(names: Sequence[str] | None, classes: int) -> str | None:
    """Say in one line why these cannot be the names of the classes; None where they can.

    Args:
        names: one for each label but the background, in their order; None for a store that has none.
        classes: 1 for binary masks, which have no names; else the number of labels, background included.
    """
    if names is None:
        return None
    if classes == 1:
        return "binary masks have one object and no names of classes; set the number of classes too"
    shown = brief(", ".join(names)) or "none"
    if len(names) != classes - 1 or len(set(names)) != len(names):
        return f"expected {classes - 1} different names, one for each label but the background, got {shown}"
    if any(not name or len(name) > LONGEST or not is_plain(name) for name in names):
        return f"a name is empty, longer than {LONGEST} letters or cannot be printed: {shown}; give it another one"
    return None
