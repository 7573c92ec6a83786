"""The few globals that a pickle may name, and what is done in their place: nothing of a stranger's is called."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple

from atfm.importers.pickles.array import array_of, frombuffer, kind_of, latin1, scalar

__all__ = ["ADMITTED", "Named", "key", "plain"]


class Named(NamedTuple):
    """A global that is admitted: what the machine does where the programme calls it."""

    name: str
    call: Callable[..., Any] | None


def plain(value: Any, kind: type) -> Any:
    """`value` if it is of that kind, as the step that follows needs it."""
    if not isinstance(value, kind):
        raise ValueError(f"a {type(value).__name__} where a {kind.__name__} has to be")
    return value


def key(value: Any) -> Any:
    """`value` if it can be a key: of a fixed size, so that to hash it takes no time."""
    if value is not None and not isinstance(value, str | bytes | int | float):
        raise ValueError(f"a {type(value).__name__} as a key")
    return value


def emptied(kind: Callable[[], Any]) -> Callable[[], Any]:
    """A call of a kind without arguments, which makes an empty one."""
    return lambda: kind()


def set_of(values: Any) -> set[Any]:
    """A set of keys, as protocols 2 and 3 write it."""
    return set(map(key, plain(values, list)))


BUILTINS = ("builtins", "__builtin__")
ADMITTED: dict[str, Callable[..., Any] | None] = {
    "numpy.ndarray": None,  # is only named, as an argument of _reconstruct
    "numpy.dtype": kind_of,
    **{f"numpy.{core}.multiarray._reconstruct": array_of for core in ("core", "_core")},
    **{f"numpy.{core}.multiarray.scalar": scalar for core in ("core", "_core")},
    **{f"numpy.{core}.numeric._frombuffer": frombuffer for core in ("core", "_core")},  # protocol 5
    "_codecs.encode": latin1,  # how protocols 0 to 2 write bytes
    **{f"{module}.bytes": emptied(bytes) for module in BUILTINS},
    **{f"{module}.{name}": set_of for module in BUILTINS for name in ("set", "frozenset")},
    "collections.OrderedDict": emptied(OrderedDict),
}
