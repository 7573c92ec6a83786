"""The labels of masks: as channels that losses and metrics compare, which of their pixels count, and their names."""

from collections.abc import Sequence

import numpy as np

from atfm.errors import InputError
from atfm.io.decoding import brief, is_plain

__all__ = ["counted", "highest", "named", "one_hot", "refusal"]

LONGEST_NAME = 100


def one_hot(masks: np.ndarray, classes: int, spatial_dims: int = 2, ignore_label: int | None = None) -> np.ndarray:
    """Give labels a channel axis before their spatial axes.

    Args:
        masks: `[..., *spatial]` integer labels.
        classes: `C`; 1 for binary masks, where every label above 0 is the object.
        spatial_dims: how many of the last axes are spatial.
        ignore_label: a label that says nothing: all its channels are False.

    Returns:
        `[..., C, *spatial]` bool: for `C = 1` the object, else one channel for each label, background included.

    Raises:
        InputError: a label that is not among the classes.
    """
    if classes == 1:
        return np.expand_dims(masks > 0, -1 - spatial_dims)
    top = highest(masks, ignore_label)
    if top >= classes:
        raise InputError(f"masks: expected labels 0 to {classes - 1}, got {top}; set the number of classes")
    labels = np.arange(classes).reshape(classes, *[1] * spatial_dims)
    return np.expand_dims(masks, -1 - spatial_dims) == labels


def counted(masks: np.ndarray, ignore_label: int | None) -> np.ndarray:
    """Which pixels of an image are scored: those that no annotator ignores.

    Every score compares masks pixel by pixel, so `samples[..., counted]` against `annotations[..., counted]` is the
    score without the others.

    Args:
        masks: `[K, *spatial]` labels.
        ignore_label: the label that says nothing; None for none.

    Returns:
        `[*spatial]` bool.
    """
    if ignore_label is None:
        return np.ones(masks.shape[1:], dtype=bool)
    return np.asarray((masks != ignore_label).all(0))


def highest(masks: np.ndarray, ignore_label: int | None = None) -> int:
    """The highest label that says something, 0 if there is none."""
    said = True if ignore_label is None else masks != ignore_label
    return int(masks.max(initial=0, where=said))


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
    if any(not name or len(name) > LONGEST_NAME or not is_plain(name) for name in names):
        return f"a name is empty, longer than {LONGEST_NAME} letters or cannot be printed: {shown}; give it another one"
    return None
