"""Interprets the pickle of a checkpoint against a fixed table.

A pickle is a program for a small stack machine, and Python's own unpickler lets that program import
and call anything. This one knows the opcodes that build data and the names listed in
``_pickle_globals``;
any other name is refused and reported. Nothing is imported or called by name, memory is taken only
for bytes that the file has, and nesting is bounded where Python would recurse in C.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pygrad._pickle_globals import (
    Global,
    NumpyArray,
    NumpyDtype,
    Storage,
    allowed_globals,
    fail,
    numpy_array,
)

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_DEPTH = 500  # of tuples and frozensets within one another: hashing them recurses


class PickleReader:
    """Reads one pickle.

    Args:
        data: the bytes; other data may follow the pickle.
        start: where the pickle begins.
        persistent_load: turns a persistent id (a tuple) into a `Storage`.

    After `read`, `position` is the place right after the pickle.
    """

    def __init__(
        self,
        data: bytes | memoryview,
        persistent_load: Callable[[tuple[Any, ...]], Storage],
        start: int = 0,
    ) -> None:
        self.position = start
        self._data = memoryview(data)
        self._persistent_load = persistent_load
        self._stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}
        self._depths: dict[int, int] = {}  # id of a tuple -> its depth, for those above 1
        self._kept: list[object] = []  # keeps the ids in _depths valid
        self._arrays: dict[int, Any] = {}
        self._globals = allowed_globals()

    def read(self) -> Any:
        """Runs the pickle.

        Raises:
            RuntimeError: it is damaged, or it names something that is not permitted.
        """
        try:
            return self._run()
        except RuntimeError:
            raise
        except (IndexError, KeyError, TypeError, ValueError, OverflowError, ArithmeticError) as e:
            # A stack that runs dry, a list as a dict's key, bytes that are no UTF-8, ...
            fail(f"malformed pickle near byte {self.position} ({type(e).__name__}: {e})")

    # ------------------------------------------------------------------ the machine

    def _take(self, count: int) -> memoryview:
        end = self.position + count
        if count < 0 or end > len(self._data):
            fail(f"the pickle ends within an item of {count} bytes at byte {self.position}")
        view = self._data[self.position : end]
        self.position = end
        return view

    def _uint(self, count: int) -> int:
        return int.from_bytes(self._take(count), "little")

    def _line(self) -> str:
        for end in range(self.position, min(self.position + 512, len(self._data))):
            if self._data[end] == 10:
                text = bytes(self._take(end - self.position)).decode()
                self.position += 1
                return text
        fail(f"a name at byte {self.position} has no end")

    def _pop_mark(self) -> list[Any]:
        mark = self._marks.pop()
        items = self._stack[mark:]
        if len(self._stack) < mark:
            fail(f"the pickle's stack is unbalanced at byte {self.position}")
        del self._stack[mark:]
        return items

    def _memoize(self, key: int) -> None:
        self._memo[key] = self._stack[-1]

    def _run(self) -> Any:
        stack = self._stack
        push = stack.append
        constants = {
            0x4E: None,  # NONE
            0x88: True,  # NEWTRUE
            0x89: False,  # NEWFALSE
        }
        simple = self._opcodes()
        while True:
            op = self._take(1)[0]
            if op in constants:
                push(constants[op])
            elif op == 0x2E:  # STOP
                if len(stack) != 1 or self._marks:
                    fail("the pickle stops with an unbalanced stack")
                return self._finish(stack.pop())
            else:
                handler = simple.get(op)
                if handler is None:
                    fail(f"opcode 0x{op:02x} at byte {self.position - 1} is not permitted")
                handler()

    def _opcodes(self) -> dict[int, Callable[[], None]]:
        import struct

        stack = self._stack

        def push(value: object) -> None:
            stack.append(value)

        def text(count: int) -> None:
            push(str(self._take(count), "utf-8", "surrogatepass"))

        def signed(count: int) -> None:
            push(int.from_bytes(self._take(count), "little", signed=True))

        def raw_string(count: int) -> None:  # Python 2's str
            push(str(self._take(count), "latin1"))

        def double() -> None:
            push(struct.unpack(">d", self._take(8))[0])

        def protocol() -> None:
            version = self._take(1)[0]
            if version > 5:
                fail(f"pickle protocol {version} is unknown, expected at most 5")

        def pop() -> None:
            if self._marks and self._marks[-1] == len(stack):
                self._marks.pop()
            else:
                stack.pop()

        def binary_long(count: int) -> None:
            # Quadratic beyond this size, and no checkpoint has such a number.
            if count > 4096:
                fail(f"an integer of {count} bytes")
            signed(count)

        return {
            0x80: protocol,
            0x95: lambda: push_none(self._take(8)),  # FRAME: only a hint for buffering
            0x28: lambda: self._marks.append(len(stack)),  # MARK
            0x30: pop,
            0x31: lambda: push_none(self._pop_mark()),  # POP_MARK
            0x32: lambda: push(stack[-1]),  # DUP
            0x4A: lambda: signed(4),  # BININT
            0x4B: lambda: push(self._uint(1)),  # BININT1
            0x4D: lambda: push(self._uint(2)),  # BININT2
            0x8A: lambda: binary_long(self._uint(1)),  # LONG1
            0x8B: lambda: binary_long(self._uint(4)),  # LONG4
            0x47: double,  # BINFLOAT
            0x58: lambda: text(self._uint(4)),  # BINUNICODE
            0x8C: lambda: text(self._uint(1)),  # SHORT_BINUNICODE
            0x8D: lambda: text(self._uint(8)),  # BINUNICODE8
            0x54: lambda: raw_string(self._uint(4)),  # BINSTRING
            0x55: lambda: raw_string(self._uint(1)),  # SHORT_BINSTRING
            0x42: lambda: push(bytes(self._take(self._uint(4)))),  # BINBYTES
            0x43: lambda: push(bytes(self._take(self._uint(1)))),  # SHORT_BINBYTES
            0x8E: lambda: push(bytes(self._take(self._uint(8)))),  # BINBYTES8
            0x96: lambda: push(bytearray(self._take(self._uint(8)))),  # BYTEARRAY8
            0x5D: lambda: push([]),  # EMPTY_LIST
            0x7D: lambda: push({}),  # EMPTY_DICT
            0x8F: lambda: push(set()),  # EMPTY_SET
            0x29: lambda: push(()),  # EMPTY_TUPLE
            0x74: lambda: self._push_tuple(self._pop_mark()),  # TUPLE
            0x85: lambda: self._push_tuple(self._pop_items(1)),
            0x86: lambda: self._push_tuple(self._pop_items(2)),
            0x87: lambda: self._push_tuple(self._pop_items(3)),
            0x91: lambda: self._push_frozenset(self._pop_mark()),  # FROZENSET
            0x61: lambda: self._extend(self._pop_items(1)),  # APPEND
            0x65: lambda: self._extend(self._pop_mark()),  # APPENDS
            0x73: lambda: self._set_items(self._pop_items(2)),  # SETITEM
            0x75: lambda: self._set_items(self._pop_mark()),  # SETITEMS
            0x90: lambda: self._add_items(self._pop_mark()),  # ADDITEMS
            0x68: lambda: push(self._memo[self._uint(1)]),  # BINGET
            0x6A: lambda: push(self._memo[self._uint(4)]),  # LONG_BINGET
            0x71: lambda: self._memoize(self._uint(1)),  # BINPUT
            0x72: lambda: self._memoize(self._uint(4)),  # LONG_BINPUT
            0x94: lambda: self._memoize(len(self._memo)),  # MEMOIZE
            0x63: lambda: push(self._global(self._line(), self._line())),  # GLOBAL
            0x93: lambda: push(self._global(*self._pop_items(2))),  # STACK_GLOBAL
            0x52: lambda: push(self._reduce(*self._pop_items(2))),  # REDUCE
            0x81: lambda: push(self._reduce(*self._pop_items(2))),  # NEWOBJ
            0x62: lambda: self._build(*self._pop_items(2)),  # BUILD
            0x51: lambda: push(self._persistent(stack.pop())),  # BINPERSID
        }

    def _pop_items(self, count: int) -> list[Any]:
        floor = self._marks[-1] if self._marks else 0
        if len(self._stack) - count < floor:
            fail(f"the pickle's stack runs dry at byte {self.position}")
        items = self._stack[-count:]
        del self._stack[-count:]
        return items

    # ------------------------------------------------------------------ containers

    def _deepen(self, made: Any) -> None:
        depth = 1 + max((self._depths.get(id(item), 1) for item in made), default=0)
        if any(isinstance(item, (tuple, frozenset)) for item in made):
            if depth > MAX_DEPTH:
                fail(f"tuples are nested more than {MAX_DEPTH} deep")
            self._depths[id(made)] = depth
            self._kept.append(made)
        self._stack.append(made)

    def _push_tuple(self, items: list[Any]) -> None:
        self._deepen(tuple(map(self._finish, items)))

    def _push_frozenset(self, items: list[Any]) -> None:
        self._deepen(frozenset(map(self._finish, items)))

    def _extend(self, items: list[Any]) -> None:
        target = self._stack[-1]
        if type(target) is not list:
            fail(f"APPEND to a {type(target).__name__}")
        target.extend(map(self._finish, items))

    def _set_items(self, items: list[Any]) -> None:
        import collections

        target = self._stack[-1]
        kinds = (dict, collections.OrderedDict, collections.Counter, collections.defaultdict)
        if type(target) not in kinds or len(items) % 2:
            fail(f"SETITEMS of {len(items)} objects on a {type(target).__name__}")
        for i in range(0, len(items), 2):
            target[self._finish(items[i])] = self._finish(items[i + 1])

    def _add_items(self, items: list[Any]) -> None:
        target = self._stack[-1]
        if type(target) is not set:
            fail(f"ADDITEMS to a {type(target).__name__}")
        target.update(map(self._finish, items))

    def _finish(self, value: Any) -> Any:
        """An object as it enters a container or the result."""
        if type(value) is NumpyDtype:
            return value.dtype()
        if type(value) is NumpyArray:
            return self._arrays[id(value)]
        return value

    # ------------------------------------------------------------------ names and calls

    def _global(self, module: object, name: object) -> Any:
        if not isinstance(module, str) or not isinstance(name, str):
            fail("a global's name is no string")
        found = self._globals.get(f"{module}.{name}")
        if found is None:
            shown = f"{module}.{name}"[:200]
            raise RuntimeError(
                f"load(): refused global {shown!r}; a checkpoint may hold tensors, numbers, "
                "strings and containers, and no file is ever allowed to run code. "
                "Save a state_dict() instead of an object"
            )
        return found if found.call is not None else found.value

    def _reduce(self, function: Any, arguments: Any) -> Any:
        if not isinstance(function, Global) or function.call is None:
            fail(f"a call of a {type(function).__name__}")
        if type(arguments) is not tuple:
            fail(f"{function.name} called with a {type(arguments).__name__}")
        return function.call(*arguments)

    def _build(self, target: Any, state: Any) -> None:
        import collections

        if type(target) is NumpyDtype and type(state) is tuple and len(state) >= 2:
            if state[1] not in ("<", ">", "|", "="):
                fail(f"NumPy byte order {state[1]!r}")
            target.order = state[1]
        elif type(target) is NumpyArray and type(state) is tuple and len(state) == 5:
            self._arrays[id(target)] = numpy_array(*state[1:])
            self._kept.append(target)
        elif type(target) is collections.OrderedDict and type(state) is dict:
            for key, value in state.items():
                # An attribute (a state_dict's _metadata) must not hide a method.
                if not isinstance(key, str) or hasattr(collections.OrderedDict, key):
                    fail(f"attribute {key!r} of an OrderedDict")
                setattr(target, key, value)
        else:
            fail(f"a state for a {type(target).__name__}")
        self._stack.append(target)

    def _persistent(self, identifier: Any) -> Storage:
        if type(identifier) is not tuple or len(identifier) < 5 or identifier[0] != "storage":
            fail(f"persistent id {str(identifier)[:100]}")
        return self._persistent_load(identifier)


def push_none(_: object) -> None:
    """Swallows what an opcode without a result has read."""
