"""Reading a stranger's pickle without running it.

A pickle is a programme for a small stack machine, and the machine of the standard library calls whatever the programme
names. This one calls nothing: `pickletools` takes the programme apart, the machine below knows the steps that build
numbers, strings, plain containers and arrays of numbers, and whatever else a pickle asks for is refused by its name.

Long strings are not kept: an array is known by its type, its shape and where in the file its bytes lie, so that a file
of gigabytes becomes a table of a few megabytes.
"""

import pickletools
import warnings
from collections.abc import Callable
from typing import IO, Any, cast

from atfm.errors import InputError
from atfm.importers.naming import shown
from atfm.importers.pickles.admitted import ADMITTED, CONSTANTS, EMPTY, FOREIGN, NUMBERS, SPANS, Named, key, plain
from atfm.importers.pickles.array import Kind, PickledArray
from atfm.importers.pickles.file import PickleFile, Span
from atfm.io.decoding import decoding

__all__ = ["read_pickle"]

INLINE = 256  # strings up to so many bytes are kept
LARGEST_NUMBER = 1024  # bits of an integer; Python prints no more than 14,285
BUDGET = 2**30  # bytes that all steps of a pickle together may take; LIDC's 15,096 slices take an eighth of it
TOLD = 10_000  # steps between two words about the progress
STEP = 64  # bytes charged for a step: about what the smallest object has


def read_pickle(file: PickleFile, progress: Callable[[int, int], object] = lambda done, total: None) -> Any:
    """Take a pickle apart.

    Args:
        file: at its beginning.
        progress: called with the bytes read and their total, now and then.

    Returns:
        What it holds: numbers, strings, lists, tuples, dicts and sets, with `PickledArray` for arrays and `Span` for
        strings of more than 256 bytes.

    Raises:
        InputError: damaged, absurdly large, or a pickle that asks for anything else, which is named.
    """
    machine = Machine(file.name)
    with decoding(file.name, "a pickle"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of odd escapes in a string, which do no harm
        for number, (opcode, argument, start) in enumerate(pickletools.genops(cast(IO[bytes], file))):
            machine.step(opcode.name, argument, start or 0, file.tell())
            if number % TOLD == 0:
                progress(file.tell(), file.size)
        return machine.stack.pop()


class Machine:
    """The stack, the memo, and what each step does to them, in `do_` and the name of its opcode.

    Args:
        name: of the file, for errors.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}
        self.budget = BUDGET

    def step(self, name: str, argument: Any, start: int, end: int) -> None:
        """One step of the programme.

        Args:
            name: of the opcode.
            argument: that came with it.
            start: position of the opcode in the file.
            end: position after it and its argument.
        """
        self.charge(STEP)
        if name in SPANS:
            self.stack.append(self.text(argument, SPANS[name], start, end))
        elif name in NUMBERS:
            if isinstance(argument, int) and argument.bit_length() > LARGEST_NUMBER:
                raise InputError(f"{self.name}: refused: holds a number of {argument.bit_length()} bits")
            self.stack.append(argument)
        elif name in CONSTANTS:
            self.stack.append(CONSTANTS[name])
        elif name in EMPTY:
            self.stack.append(EMPTY[name]())
        elif name in FOREIGN:
            raise InputError(f"{self.name}: refused: asks for {FOREIGN[name]} ({name}), which no plain data needs")
        else:
            step = getattr(self, f"do_{name.lower()}", None)
            if step is None:
                raise InputError(f"{self.name}: refused: holds the step {name}, which no plain data needs")
            step(argument)

    def charge(self, size: int) -> None:
        """Take from the budget."""
        self.budget -= size
        if self.budget < 0:
            raise InputError(f"{self.name}: refused: so many steps that they could fill the memory")

    def text(self, text: str | bytes | bytearray, coding: str, start: int, end: int) -> str | bytes | Span:
        """A string, or where it lies if it is long."""
        if len(text) <= INLINE:
            self.charge(len(text))
            return bytes(text) if isinstance(text, bytearray) else text
        return Span.of(text, coding, start, end)

    def to_mark(self) -> list[Any]:
        """Take what lies above the last mark."""
        mark = self.marks.pop()
        above = self.stack[mark:]
        del self.stack[mark:]
        return above

    def refuse(self, name: str) -> InputError:
        """The error about a global that is not admitted."""
        return InputError(
            f"{self.name}: refused: asks for {shown(name)}, and a pickle can do anything with that; only numpy "
            "arrays, numbers, strings and plain containers are read"
        )

    def do_proto(self, version: int) -> None:
        if version > 5:
            raise InputError(f"{self.name}: written with protocol {version} of pickle; expected 0 to 5")

    def do_frame(self, size: int) -> None:
        pass

    def do_stop(self, _: None) -> None:
        if len(self.stack) != 1 or self.marks:
            raise ValueError("it ends in the middle of something")

    def do_mark(self, _: None) -> None:
        self.marks.append(len(self.stack))

    def do_pop(self, _: None) -> None:
        if self.marks and self.marks[-1] == len(self.stack):
            self.marks.pop()
        else:
            self.stack.pop()

    def do_pop_mark(self, _: None) -> None:
        self.to_mark()

    def do_dup(self, _: None) -> None:
        self.stack.append(self.stack[-1])

    def do_string(self, text: str) -> None:
        if len(text) > INLINE:
            raise InputError(f"{self.name}: written with protocol 0 by Python 2; save it again with protocol 2")
        self.stack.append(text)

    def do_put(self, index: int) -> None:
        self.memo[index] = self.stack[-1]

    do_binput = do_long_binput = do_put

    def do_memoize(self, _: None) -> None:
        self.memo[len(self.memo)] = self.stack[-1]

    def do_get(self, index: int) -> None:
        self.stack.append(self.memo[index])

    do_binget = do_long_binget = do_get

    def do_tuple(self, _: None) -> None:
        self.stack.append(tuple(self.to_mark()))

    def do_tuple1(self, _: None) -> None:
        self.stack[-1:] = [tuple(self.stack[-1:])]

    def do_tuple2(self, _: None) -> None:
        self.stack[-2:] = [(self.stack[-2], self.stack[-1])]

    def do_tuple3(self, _: None) -> None:
        self.stack[-3:] = [(self.stack[-3], self.stack[-2], self.stack[-1])]

    def do_list(self, _: None) -> None:
        self.stack.append(self.to_mark())

    def do_dict(self, _: None) -> None:
        items = self.to_mark()
        self.stack.append({})
        self.put_items(items)

    def do_frozenset(self, _: None) -> None:
        self.stack.append(frozenset(map(key, self.to_mark())))

    def do_append(self, _: None) -> None:
        value = self.stack.pop()
        plain(self.stack[-1], list).append(value)

    def do_appends(self, _: None) -> None:
        values = self.to_mark()
        plain(self.stack[-1], list).extend(values)

    def do_additems(self, _: None) -> None:
        values = self.to_mark()
        plain(self.stack[-1], set).update(map(key, values))

    def do_setitem(self, _: None) -> None:
        items = self.stack[-2:]
        del self.stack[-2:]
        self.put_items(items)

    def do_setitems(self, _: None) -> None:
        self.put_items(self.to_mark())

    def put_items(self, items: list[Any]) -> None:
        """Put key, value, key, value ... into the dict on top of the stack."""
        target = plain(self.stack[-1], dict)
        target.update(zip(map(key, items[::2]), items[1::2], strict=True))

    def do_global(self, name: str) -> None:
        dotted = ".".join(name.split(" ", 1))
        if dotted not in ADMITTED:
            raise self.refuse(dotted)
        self.stack.append(Named(dotted, ADMITTED[dotted]))

    def do_stack_global(self, _: None) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        self.do_global(f"{module} {name}")

    def do_inst(self, name: str) -> None:
        raise self.refuse(".".join(name.split(" ", 1)))

    def do_obj(self, _: None) -> None:
        raise self.refuse(str(getattr(self.to_mark()[0], "name", "an object")))

    def do_newobj(self, _: None) -> None:
        raise self.refuse(str(getattr(self.stack[-2], "name", "an object")))

    def do_newobj_ex(self, _: None) -> None:
        raise self.refuse(str(getattr(self.stack[-3], "name", "an object")))

    def do_reduce(self, _: None) -> None:
        arguments, function = self.stack.pop(), self.stack.pop()
        if not isinstance(function, Named) or function.call is None:
            raise self.refuse(f"a call of {getattr(function, 'name', type(function).__name__)}")
        self.stack.append(function.call(*plain(arguments, tuple)))

    def do_build(self, _: None) -> None:
        state, target = self.stack.pop(), self.stack[-1]
        if not isinstance(target, PickledArray | Kind):
            raise self.refuse(f"a state for {type(target).__name__}")
        target.set_state(plain(state, tuple))
