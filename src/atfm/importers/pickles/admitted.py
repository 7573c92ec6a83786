"""What a pickle may do: the kinds of its steps, and the few globals it may name, with what is done in their place."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple

from atfm.importers.pickles.array import array_of, frombuffer, kind_of, latin1, scalar

__all__ = ["ADMITTED", "CONSTANTS", "EMPTY", "FOREIGN", "NUMBERS", "SPANS", "Named", "key", "plain"]

SPANS = {  # opcodes of long strings, and how they are stored
    **dict.fromkeys(("BINBYTES", "BINBYTES8", "BYTEARRAY8", "SHORT_BINBYTES", "BINSTRING", "SHORT_BINSTRING"), "raw"),
    **dict.fromkeys(("BINUNICODE", "BINUNICODE8", "SHORT_BINUNICODE"), "utf-8"),
    "UNICODE": "raw-unicode-escape",
}
NUMBERS = {"INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"}
CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
EMPTY: dict[str, Callable[[], Any]] = {"EMPTY_DICT": dict, "EMPTY_LIST": list, "EMPTY_TUPLE": tuple, "EMPTY_SET": set}
FOREIGN = {
    **dict.fromkeys(("EXT1", "EXT2", "EXT4"), "an extension code"),
    **dict.fromkeys(("PERSID", "BINPERSID"), "a persistent id"),
    **dict.fromkeys(("NEXT_BUFFER", "READONLY_BUFFER"), "a buffer outside the file"),
}


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
