"""Which axis is which: what masks with other axes than `[N, C, *spatial]` look like, and how to turn them.

Masks `[N, H, W]` have as many axes as `[N, C, P]`, and would be scored as `H` classes of one row of pixels each. What
can be checked is checked: the number of axes, and that the channels are one (an object) or exclude each other
(classes), which lines of an image do not.
"""

import numpy as np

from atfm.errors import InputError

__all__ = ["check_axes", "check_exclusive", "guess"]

_BLOCK = 2**24  # pixels that are summed at a time


def check_axes(array: np.ndarray, name: str) -> None:
    """Refuse what has not the axes of masks, `[N, C, *spatial]` with one to three spatial ones and none of them empty.

    Raises:
        InputError: another number of axes, or no mask at all.
    """
    if 3 <= array.ndim <= 5 and array.size:
        return
    wanted = f"{name}: expected [N, C, *spatial] with at least one mask, got {list(array.shape)}"
    raise InputError(wanted + _hint(array, name))


def check_exclusive(masks: np.ndarray, name: str, *, whole: bool) -> None:
    """Refuse channels that are no classes: of several, each pixel belongs to exactly one.

    Args:
        masks: `[N, C, *spatial]` bool.
        name: what an error calls them.
        whole: the background is among them; else a pixel may belong to none.

    Raises:
        InputError: pixels of several channels, or of none where `whole`.
    """
    channels = masks.shape[1]
    if channels == 1 or _is_one_hot(masks, 1, whole):
        return
    wanted = "each pixel in exactly one" if whole else "no pixel in two"
    raise InputError(
        f"{name}: expected [N, C, *spatial], got {list(masks.shape)}, whose {channels} channels are no classes: "
        f"expected {wanted}{_hint(masks, name)}"
    )


def guess(array: np.ndarray) -> tuple[str, str] | None:
    """Say which other layout masks look like, and how `{}` becomes `[N, C, *spatial]`; None where nothing is likely.

    Args:
        array: of any axes, values 0 or 1 as far as they are looked at.
    """
    if array.ndim < 2 or not array.size:
        return None
    if array.ndim == 2:
        return "[H, W], one mask without the axes of masks and channels", "{}[None, None]"
    last, first = _may_be_channels(array, array.ndim - 1), _may_be_channels(array, 0)
    if array.ndim == 3:
        if first and array.shape[0] > 1:
            return "[C, H, W], one mask of several classes without the axis of masks", "{}[None]"
        if last:
            return "[H, W, C], one mask with its channels last", "numpy.moveaxis({}, -1, 0)[None]"
        return "[N, H, W], masks without the axis of channels", "{}[:, None]"
    if array.ndim >= 5 and _may_be_channels(array, 2):
        axes = "[B, N, C, H, W]" if array.ndim == 5 else "[B, N, C, D, H, W]"
        return f"{axes}, the masks of several images", "each image of {} by itself (update_batch takes them all)"
    if last:
        return f"{_axes('N', array, 'C')}, channels last", "numpy.moveaxis({}, -1, 1)"
    if first:
        return f"{_axes('C, N', array, '')}, channels before masks", "numpy.swapaxes({}, 0, 1)"
    if array.ndim == 4:
        return "[N, D, H, W], volumes without the axis of channels", "{}[:, None]"
    return None


def _hint(array: np.ndarray, name: str) -> str:
    """The end of an error: what an array looks like, and what to give."""
    found = guess(array)
    return "" if found is None else f"; this looks like {found[0]}: give {found[1].format(name)}"


def _axes(before: str, array: np.ndarray, after: str) -> str:
    """`[N, H, W, C]` or `[N, D, H, W, C]`."""
    spatial = "H, W" if array.ndim == 4 else "D, H, W"
    return f"[{', '.join(filter(None, (before, spatial, after)))}]"


def _may_be_channels(array: np.ndarray, axis: int) -> bool:
    return array.shape[axis] == 1 or _is_one_hot(array != 0, axis, True)


def _is_one_hot(masks: np.ndarray, axis: int, whole: bool) -> bool:
    """Whether along an axis exactly one value is on, or not `whole`: at most one; a few masks at a time."""
    if axis == 0:
        masks, axis = masks[None], 1
    step = max(1, _BLOCK * len(masks) // masks.size)
    for start in range(0, len(masks), step):
        count = np.add.reduce(masks[start : start + step], axis=axis, dtype=np.uint16)
        if count.max() > 1 or (whole and count.min() < 1):
            return False
    return True
