"""Writes an object graph as the pickle of a PyTorch checkpoint.

Nothing is imported or called by name: each type that can be written has one line in a fixed table,
and the only names that get into a file are those that PyTorch's safe reader knows. Protocol 2, as
PyTorch writes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from pygrad._C import Tensor

# dtype name -> (storage class in PyTorch, bytes of an element)
STORAGES = {
    "bool": ("BoolStorage", 1),
    "uint8": ("ByteStorage", 1),
    "int8": ("CharStorage", 1),
    "int16": ("ShortStorage", 2),
    "int32": ("IntStorage", 4),
    "int64": ("LongStorage", 8),
    "float16": ("HalfStorage", 2),
    "bfloat16": ("BFloat16Storage", 2),
    "float32": ("FloatStorage", 4),
    "float64": ("DoubleStorage", 8),
    "complex64": ("ComplexFloatStorage", 8),
    "complex128": ("ComplexDoubleStorage", 16),
}

_BUILTINS = "__builtin__"  # protocol 2 spells the builtins module as Python 2 did


class PickleWriter:
    """One checkpoint's pickle and the list of storages it refers to.

    After `write`, `pickle` holds the bytes of ``data.pkl`` and `storages` the contents of the
    records ``data/0``, ``data/1``, ...
    """

    def __init__(self) -> None:
        import pygrad
        from pygrad import _C
        from pygrad.nn import Buffer, Module, Parameter

        self.pickle = b""
        self.storages: list[memoryview] = []
        self._out: list[bytes] = []
        self._memo: dict[object, int] = {}
        self._kept: list[object] = []  # keeps the ids in _memo valid
        self._open_tuples: set[int] = set()
        self._native: Any = _C
        self._tensor_type = pygrad.Tensor
        self._parameter_type = Parameter
        self._module_type = Module
        self._dtype_names = {getattr(pygrad, name): name for name in STORAGES}
        # One group per storage: its views, and where in _out each view's text belongs.
        self._groups: dict[object, list[tuple[int, Tensor]]] = {}
        self._writers: dict[type, Callable[[Any, str], None]] = {
            type(None): self._none,
            bool: self._bool,
            int: self._int,
            float: self._float,
            complex: self._complex,
            str: self._str,
            bytes: self._bytes,
            bytearray: self._bytearray,
            list: self._list,
            tuple: self._tuple,
            dict: self._dict,
            set: self._set,
            frozenset: self._set,
            pygrad.Tensor: self._tensor,
            Parameter: self._parameter,
            Buffer: self._tensor,
            pygrad.Size: self._size,
            pygrad.dtype: self._dtype,
            pygrad.device: self._device,
        }

    def write(self, obj: object) -> None:
        """Writes `obj`.

        Raises:
            TypeError: something in it cannot be written; the message names where it is.
            RuntimeError: it is nested too deeply, or two dtypes view one storage.
        """
        import collections

        self._writers[collections.OrderedDict] = self._ordered_dict
        self._writers[collections.Counter] = self._counter
        self._writers[collections.defaultdict] = self._default_dict
        self._out.append(b"\x80\x02")
        try:
            self._object(obj, "obj")
        except RecursionError:
            raise RuntimeError(
                "save(): the object is nested too deeply; expected fewer levels of containers"
            ) from None
        self._out.append(b".")
        for views in self._groups.values():
            self._place(views)
        self.pickle = b"".join(self._out)

    # ------------------------------------------------------------------ the graph

    def _object(self, obj: Any, path: str) -> None:
        kind = type(obj)
        writer = self._writers.get(kind)
        if writer is None:
            if kind.__module__.partition(".")[0] == "numpy" and self._numpy(obj, path):
                return
            raise TypeError(self._refusal(obj, path))
        if not isinstance(obj, (bool, int, float, str, type(None))):
            slot = self._memo.get(id(obj))
            if slot is not None:
                self._get(slot)
                return
        writer(obj, path)

    def _refusal(self, obj: object, path: str) -> str:
        kind = type(obj)
        name = f"{kind.__module__}.{kind.__qualname__}"
        message = f"save(): cannot write {path}, a {name}; "
        if isinstance(obj, self._module_type):
            return message + "a file holds data, never code: save its state_dict()"
        if callable(getattr(obj, "state_dict", None)):
            return message + "save its state_dict()"
        if isinstance(obj, self._tensor_type):
            return message + "expected a Tensor or Parameter, not a subclass: save obj.detach()"
        return message + (
            "expected tensors, numbers, strings, None, and lists, tuples, dicts and sets of them"
        )

    def _put(self, key: object) -> None:
        slot = len(self._memo)
        self._memo[key] = slot
        self._out.append(b"q" + bytes([slot]) if slot < 256 else b"r" + slot.to_bytes(4, "little"))

    def _put_object(self, obj: object) -> None:
        self._kept.append(obj)
        self._put(id(obj))

    def _get(self, slot: int) -> None:
        self._out.append(b"h" + bytes([slot]) if slot < 256 else b"j" + slot.to_bytes(4, "little"))

    def _global(self, module: str, name: str) -> None:
        key = ("global", module, name)
        slot = self._memo.get(key)
        if slot is not None:
            self._get(slot)
            return
        self._out.append(f"c{module}\n{name}\n".encode())
        self._put(key)

    # ------------------------------------------------------------------ plain values

    def _none(self, obj: None, path: str) -> None:
        self._out.append(b"N")

    def _bool(self, obj: bool, path: str) -> None:
        self._out.append(b"\x88" if obj else b"\x89")

    def _int(self, obj: int, path: str) -> None:
        self._out.append(_encode_int(obj))

    def _float(self, obj: float, path: str) -> None:
        import struct

        self._out.append(b"G" + struct.pack(">d", obj))

    def _str(self, obj: str, path: str) -> None:
        key = ("str", obj)
        slot = self._memo.get(key)
        if slot is not None:
            self._get(slot)
            return
        self._out.append(_encode_str(obj))
        self._put(key)

    def _complex(self, obj: complex, path: str) -> None:
        self._global(_BUILTINS, "complex")
        self._float(obj.real, path)
        self._float(obj.imag, path)
        self._out.append(b"\x86R")
        self._put_object(obj)

    def _bytes(self, obj: bytes, path: str) -> None:
        # Protocol 2 has no bytes: they travel as a latin-1 string.
        self._global("_codecs", "encode")
        self._out.append(_encode_str(obj.decode("latin1")))
        self._str("latin1", path)
        self._out.append(b"\x86R")
        self._put_object(obj)

    def _bytearray(self, obj: bytearray, path: str) -> None:
        self._global(_BUILTINS, "bytearray")
        self._bytes(bytes(obj), path)
        self._out.append(b"\x85R")
        self._put_object(obj)

    # ------------------------------------------------------------------ containers

    def _list(self, obj: list[Any], path: str) -> None:
        self._out.append(b"]")
        self._put_object(obj)
        if obj:
            self._out.append(b"(")
            for i, item in enumerate(obj):
                self._object(item, f"{path}[{i}]")
            self._out.append(b"e")

    def _tuple(self, obj: tuple[Any, ...], path: str) -> None:
        if id(obj) in self._open_tuples:
            raise TypeError(f"save(): {path} is a tuple that contains itself; expected a list")
        self._open_tuples.add(id(obj))
        if len(obj) > 3:
            self._out.append(b"(")
        for i, item in enumerate(obj):
            self._object(item, f"{path}[{i}]")
        self._out.append((b")", b"\x85", b"\x86", b"\x87")[len(obj)] if len(obj) <= 3 else b"t")
        self._open_tuples.discard(id(obj))
        if obj:
            self._put_object(obj)

    def _items(self, obj: dict[Any, Any], path: str) -> None:
        if obj:
            self._out.append(b"(")
            for key, value in obj.items():
                self._object(key, f"the key {key!r} of {path}")
                self._object(value, f"{path}[{key!r}]")
            self._out.append(b"u")

    def _dict(self, obj: dict[Any, Any], path: str) -> None:
        self._out.append(b"}")
        self._put_object(obj)
        self._items(obj, path)

    def _ordered_dict(self, obj: dict[Any, Any], path: str) -> None:
        self._global("collections", "OrderedDict")
        self._out.append(b")R")
        self._put_object(obj)
        self._items(obj, path)
        if vars(obj):  # a state_dict carries its modules' versions as an attribute
            self._dict(vars(obj), f"vars({path})")
            self._out.append(b"b")

    def _counter(self, obj: dict[Any, int], path: str) -> None:
        self._global("collections", "Counter")
        self._dict(dict(obj), path)
        self._out.append(b"\x85R")
        self._put_object(obj)

    def _default_dict(self, obj: Any, path: str) -> None:
        factory = obj.default_factory
        names = {list: "list", dict: "dict", int: "int", float: "float", set: "set", str: "str"}
        if factory is not None and factory not in names:
            raise TypeError(
                f"save(): cannot write {path}, a defaultdict of {factory!r}; "
                "expected a builtin type: save dict(obj)"
            )
        self._global("collections", "defaultdict")
        if factory is None:
            self._out.append(b")R")
        else:
            self._global(_BUILTINS, names[factory])
            self._out.append(b"\x85R")
        self._put_object(obj)
        self._items(obj, path)

    def _set(self, obj: Any, path: str) -> None:
        self._global(_BUILTINS, type(obj).__name__)
        self._out.append(b"](")
        for item in obj:
            self._object(item, f"an element of {path}")
        self._out.append(b"e\x85R")
        self._put_object(obj)

    # ------------------------------------------------------------------ pygrad's and NumPy's types

    def _size(self, obj: tuple[int, ...], path: str) -> None:
        self._global("torch", "Size")
        self._out.append(_encode_ints(obj) + b"\x85R")
        self._put_object(obj)

    def _dtype(self, obj: Any, path: str) -> None:
        self._global("torch", self._dtype_names[obj])

    def _device(self, obj: Any, path: str) -> None:
        self._global("torch", "device")
        self._str(obj.type, path)
        if obj.index is None:
            self._out.append(b"\x85R")
        else:
            self._out.append(_encode_int(obj.index) + b"\x86R")
        self._put_object(obj)

    def _numpy(self, obj: Any, path: str) -> bool:
        """A NumPy scalar, array or dtype of numbers; False where `obj` is something else."""
        import numpy as np

        core = "numpy._core" if int(np.__version__.split(".")[0]) >= 2 else "numpy.core"
        dtype = obj if isinstance(obj, np.dtype) else getattr(obj, "dtype", None)
        if not isinstance(dtype, np.dtype) or dtype.kind not in "biufc":
            return False
        if isinstance(obj, np.dtype):
            self._numpy_dtype(obj, path)
        elif isinstance(obj, np.generic):
            self._global(f"{core}.multiarray", "scalar")
            self._numpy_dtype(dtype, path)
            self._bytes(obj.tobytes(), path)
            self._out.append(b"\x86R")
        elif type(obj) is np.ndarray:
            slot = self._memo.get(id(obj))
            if slot is not None:
                self._get(slot)
                return True
            self._global(f"{core}.multiarray", "_reconstruct")
            self._global("numpy", "ndarray")
            self._out.append(_encode_ints((0,)))
            self._bytes(b"b", path)
            self._out.append(b"\x87R")
            self._put_object(obj)
            self._out.append(b"(K\x01" + _encode_ints(obj.shape))
            self._numpy_dtype(dtype, path)
            self._out.append(b"\x89")
            self._bytes(obj.tobytes(), path)
            self._out.append(b"tb")
        else:
            return False
        return True

    def _numpy_dtype(self, dtype: Any, path: str) -> None:
        # The spelling numpy itself uses: dtype('f8', False, True) and a state with the byte order.
        self._global("numpy", "dtype")
        self._str(dtype.str[1:], path)
        self._out.append(b"\x89\x88\x87R(K\x03")
        self._str(dtype.str[0], path)
        self._out.append(b"NNN" + _encode_int(-1) * 2 + b"K\x00tb")

    # ------------------------------------------------------------------ tensors

    def _parameter(self, obj: Tensor, path: str) -> None:
        self._global("torch._utils", "_rebuild_parameter")
        self._tensor(obj.detach(), path)
        self._bool(obj.requires_grad, path)
        self._empty_hooks()
        self._out.append(b"\x87R")
        self._put_object(obj)

    def _empty_hooks(self) -> None:
        self._global("collections", "OrderedDict")
        self._out.append(b")R")

    def _tensor(self, obj: Tensor, path: str) -> None:
        requires_grad = obj.requires_grad
        if obj.dtype.is_complex and obj.is_conj():
            obj = obj.detach().resolve_conj()
        storage = obj.untyped_storage()
        # An empty storage has no address that could be shared.
        key: object = (str(obj.device), storage.data_ptr()) if storage.nbytes() else id(obj)
        self._kept.append((obj, storage))
        self._global("torch._utils", "_rebuild_tensor_v2")
        self._out.append(b"(")
        # Which elements are written is known only when all views of the storage are: see _place.
        self._groups.setdefault(key, []).append((len(self._out), obj))
        self._out.append(b"")
        self._bool(requires_grad, path)
        self._empty_hooks()
        self._out.append(b"tR")
        self._put_object(obj)

    def _place(self, views: list[tuple[int, Tensor]]) -> None:
        """Gives the views of one storage their record, which holds what they span, no more."""
        first = views[0][1]
        name = self._dtype_names[first.dtype]
        for _, view in views[1:]:
            if view.dtype != first.dtype:
                other = self._dtype_names[view.dtype]
                raise RuntimeError(
                    f"save(): tensors of dtypes {name} and {other} share one storage; "
                    "expected one dtype a storage. Save a clone() of one of them"
                )
        spans = [_span(view) for _, view in views]
        low = min((s for s, e in spans if e > s), default=0)
        high = max((e for s, e in spans if e > s), default=0)
        if len(views) == 1 and first.numel() < high - low:
            # One view with gaps: without a partner to share with, the gaps need not be written.
            first = first.detach().contiguous()
            views = [(views[0][0], first)]
            low = first.storage_offset()
            high = low + first.numel()
        class_name, item = STORAGES[name]
        record = str(len(self.storages))
        self.storages.append(self._contents(first, low, high, item))
        identifier = (
            b"("
            + _encode_str("storage")
            + f"ctorch\n{class_name}\n".encode()
            + _encode_str(record)
            + _encode_str(str(first.device))
            + _encode_int(high - low)
            + b"tQ"
        )
        for position, view in views:
            offset = view.storage_offset() - low if view.numel() else 0
            self._out[position] = (
                identifier
                + _encode_int(offset)
                + _encode_ints(tuple(view.shape))
                + _encode_ints(view.stride())
            )

    def _contents(self, view: Tensor, low: int, high: int, item: int) -> memoryview:
        """The bytes of elements [low, high) of the storage below `view`, on the CPU."""
        if low == high:
            return memoryview(b"")
        storage = view.untyped_storage()
        if view.device.type != "cpu":
            flat = self._native._rebuild_tensor(storage, view.dtype, low, (high - low,), (1,))
            storage, low, high = flat.cpu().untyped_storage(), 0, high - low
        self._kept.append(storage)
        return memoryview(storage).cast("B")[low * item : high * item]


def _span(view: Tensor) -> tuple[int, int]:
    """The half-open range of storage elements that `view` touches."""
    start = view.storage_offset()
    if view.numel() == 0:
        return start, start
    return start, start + 1 + sum(
        (n - 1) * s for n, s in zip(view.shape, view.stride(), strict=True)
    )


def _encode_int(value: int) -> bytes:
    if 0 <= value < 256:
        return b"K" + bytes([value])
    if 0 <= value < 65536:
        return b"M" + value.to_bytes(2, "little")
    if -(1 << 31) <= value < 1 << 31:
        return b"J" + value.to_bytes(4, "little", signed=True)
    length = value.bit_length() // 8 + 1
    body = value.to_bytes(length, "little", signed=True)
    if length < 256:
        return b"\x8a" + bytes([length]) + body
    return b"\x8b" + length.to_bytes(4, "little") + body


def _encode_ints(values: tuple[int, ...]) -> bytes:
    """A tuple of integers."""
    body = b"".join(map(_encode_int, values))
    if len(values) <= 3:
        return body + (b")", b"\x85", b"\x86", b"\x87")[len(values)]
    return b"(" + body + b"t"


def _encode_str(value: str) -> bytes:
    data = value.encode("utf-8", "surrogatepass")
    return b"X" + len(data).to_bytes(4, "little") + data
