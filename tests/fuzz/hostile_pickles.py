"""Pickles that call, loop, or claim: what a file that is called data may hold. `CANARY` must never appear."""

import os
import pickle
import struct

__all__ = ["PICKLES"]

COMMAND = "touch CANARY"


class Calls:
    """Pickled as a call."""

    def __init__(self, function: object, *arguments: object) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return self.call


def named(module: str, name: str) -> bytes:
    return b"c" + module.encode() + b"\n" + name.encode() + b"\n"


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def called(module: str, name: str, argument: str) -> bytes:
    """`module.name(argument)`, written without importing the module."""
    return b"\x80\x02" + named(module, name) + text(argument) + b"\x85R."


def stacked(module: str, name: str, argument: str) -> bytes:
    """The same by the opcode of protocol 4, which takes the names from the stack."""
    body = text(module) + text(name) + b"\x93" + text(argument) + b"\x85R."
    return b"\x80\x04" + body


PICKLES: dict[str, bytes] = {
    "os.system": pickle.dumps(Calls(os.system, COMMAND)),
    "posix.system": called("posix", "system", COMMAND),
    "eval": called("builtins", "eval", f"__import__('os').system('{COMMAND}')"),
    "exec of Python 2": called("__builtin__", "eval", f"__import__('os').system('{COMMAND}')"),
    "by the stack": stacked("os", "system", COMMAND),
    "by a dotted name": b"\x80\x04" + text("numpy") + text("os.system") + b"\x93" + text(COMMAND) + b"\x85R.",
    "by numpy's own back door": b"\x80\x04"
    + text("numpy")
    + text("f2py.os.system")
    + b"\x93"
    + text(COMMAND)
    + b"\x85R.",
    "numpy.load": called("numpy", "load", "CANARY"),
    "numpy.save": b"\x80\x02" + named("numpy", "save") + text("CANARY") + b"K\x01\x86R.",
    "numpy.fromfile": called("numpy", "fromfile", "/etc/hostname"),
    "numpy.testing runs a string": called("numpy.testing", "rundocs", "CANARY"),
    "open": b"\x80\x02" + named("io", "open") + text("CANARY") + text("w") + b"\x86R.",
    "by INST": b"(S'" + COMMAND.encode() + b"'\nios\nsystem\n.",
    "by OBJ": b"(" + named("os", "system") + text(COMMAND) + b"o.",
    "by NEWOBJ": b"\x80\x02" + named("subprocess", "Popen") + text(COMMAND) + b"\x85\x81.",
    "by BUILD": b"\x80\x02" + named("os", "system") + b"}" + text("a") + text(COMMAND) + b"sb.",
    "by getattr": b"\x80\x02" + named("builtins", "getattr") + named("os", "path") + text("os") + b"\x86R.",
    "code of a function": b"\x80\x02" + named("types", "CodeType") + b")R.",
    "extension": b"\x80\x02\x82\x01.",
    "extension of 4 bytes": b"\x80\x02\x84\xff\xff\xff\x7f.",
    "persistent": b"Pname\n.",
    "persistent by the stack": b"\x80\x02K\x01Q.",
    "out of band": b"\x80\x05\x97.",
    "text of 4 GB": b"\x80\x02X\xff\xff\xff\xff" + b"a" * 40 + b".",
    "text of 2^63": b"\x80\x04\x8d" + struct.pack("<Q", 2**63 - 1) + b"a" * 40 + b".",
    "bytes of 2^63": b"\x80\x04\x8e" + struct.pack("<Q", 2**63 - 1) + b"a" * 40 + b".",
    "bytearray of 1 TB": b"\x80\x05\x96" + struct.pack("<Q", 2**40) + b"a" * 40 + b".",
    "number of 2 GB": b"\x80\x02\x8b" + struct.pack("<i", 2**31 - 1) + b"a" * 40 + b".",
    "number of -1 bytes": b"\x80\x02\x8b" + struct.pack("<i", -1) + b"a" * 40 + b".",
    "number of 10^5 digits": b"I" + b"9" * 100_000 + b"\n.",
    "long of 10^5 digits": b"L" + b"9" * 100_000 + b"L\n.",
    "frame of 2^63": b"\x80\x04\x95" + struct.pack("<Q", 2**63 - 1) + b"N.",
    "frame of 4 GB": b"\x80\x04\x95" + struct.pack("<Q", 2**32) + b"N.",
    "memo at 2^31": b"\x80\x02Nr\xff\xff\xff\x7f.",
    "memo at 2^26": b"\x80\x02Nr\x00\x00\x00\x04.",
    "memo that is not there": b"\x80\x02j\xff\xff\xff\x7f.",
    "memo of a name": b"\x80\x02(lp-1\n.",
    "lists that double": b"\x80\x02]" + b"q\x00" + b"".join(b"(h\x00h\x00tq\x00" for _ in range(60)) + b".",
    "tuples in tuples": b"\x80\x02)" + b"\x85" * 200_000 + b".",
    "lists in lists": b"\x80\x02" + b"(" * 100_000 + b"l" * 100_000 + b".",
    "marks alone": b"(" * 200_000 + b".",
    "a list in itself": b"\x80\x02]q\x00h\x00a.",
    "a dict that is its own key": b"\x80\x02}q\x00h\x00Ns.",
    "300,000 nothings": b"\x80\x02(" + b"N" * 300_000 + b"l.",
    "nothing on the stack": b"\x80\x02R.",
    "protocol 255": b"\x80\xffN.",
    "no end": b"\x80\x02N",
    "only an end": b".",
    "zeros of 8 GB": b"\x80\x02" + named("numpy", "zeros") + b"\x8b\x05\x00\x00\x00\x00\x00\x00\x00\x02\x85R.",
    "bytes of 8 GB by a call": b"\x80\x02" + named("builtins", "bytes") + b"\x8a\x05\x00\x00\x00\x00\x02\x85R.",
    "range of 10^12": b"\x80\x02" + named("builtins", "range") + b"\x8a\x06\x00\x10\xa5\xd4\xe8\x00\x85R.",
}
