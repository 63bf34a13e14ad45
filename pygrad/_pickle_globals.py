"""The names that a checkpoint's pickle may use, and what each of them does here.

No name is looked up anywhere but in the table of `allowed_globals`. Every function in it checks the
kinds and values of its arguments, since a damaged or hostile file chooses them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_DIMS = 64


class Storage(NamedTuple):
    """A storage of a file: the bytes, and how the file names their element type.

    ``dtype`` is None for untyped bytes.
    """

    native: Any
    dtype: Any
    item: int

    @property
    def numel(self) -> int:
        return int(self.native.nbytes()) // self.item


class Global:
    """A permitted name on the stack: what calling it does, and what it is worth as a value."""

    __slots__ = ("call", "name", "value")

    def __init__(
        self, name: str, call: Callable[..., Any] | None = None, value: object = None
    ) -> None:
        self.name = name
        self.call = call
        self.value = value


class NumpyDtype:
    """A NumPy dtype under construction; its BUILD state brings the byte order."""

    def __init__(self, code: str) -> None:
        self.code = code
        self.order = "="

    def dtype(self) -> Any:
        import numpy as np

        return np.dtype(self.order.replace("|", "=") + self.code)


class NumpyArray:
    """The place of a NumPy array whose contents a BUILD brings."""


def fail(message: str) -> NoReturn:
    raise RuntimeError(f"load(): {message}; the file is damaged or is no checkpoint")


def allowed_globals() -> dict[str, Global]:
    """Everything a checkpoint may name."""

    import pygrad
    from pygrad._pickle_writer import STORAGES

    table: dict[str, Global] = {}

    def call(names: str, function: Callable[..., Any], value: object = None) -> None:
        for name in names.split():
            table[name] = Global(name, function, value)

    for name, (class_name, item) in STORAGES.items():
        dtype = getattr(pygrad, name)
        table[f"torch.{name}"] = Global(name, None, dtype)
        for module in ("torch", "torch.cuda"):
            table[f"{module}.{class_name}"] = Global(class_name, None, (dtype, item))
    table["torch.storage.UntypedStorage"] = Global("UntypedStorage", None, (None, 1))
    for module in ("torch", "torch.cuda"):
        table[f"{module}.UntypedStorage"] = table["torch.storage.UntypedStorage"]

    call("collections.OrderedDict", _ordered_dict)
    call("collections.Counter", _counter)
    call("collections.defaultdict", _default_dict)
    for builtins in ("builtins", "__builtin__"):
        call(f"{builtins}.set", lambda items=(): set(_list(items)))
        call(f"{builtins}.frozenset", lambda items=(): frozenset(_list(items)))
        call(f"{builtins}.complex", _complex)
        call(f"{builtins}.bytearray", _bytearray)
        call(f"{builtins}.bytes", lambda: b"")
        for kind in (list, dict, int, float, str):
            name = f"{builtins}.{kind.__name__}"
            table[name] = Global(name, _no_call(name), kind)
    table["__builtin__.set"].value = table["builtins.set"].value = set
    call("_codecs.encode", _encode)
    call("torch.Size", _size)
    call("torch.device", _device)
    call("torch._utils._rebuild_tensor", rebuild_tensor)
    call("torch._utils._rebuild_tensor_v2", _rebuild_tensor_v2)
    call("torch._utils._rebuild_tensor_v3", _rebuild_tensor_v3)
    call("torch._utils._rebuild_parameter", _rebuild_parameter)
    call("torch._utils._rebuild_parameter_with_state", _rebuild_parameter_with_state)
    call("torch._tensor._rebuild_from_type_v2", _rebuild_from_type)
    call("torch.Tensor", _no_call("torch.Tensor"), pygrad.Tensor)
    call("torch.nn.parameter.Parameter", _no_call("Parameter"), pygrad.nn.Parameter)
    for core in ("numpy.core", "numpy._core"):
        call(f"{core}.multiarray.scalar", _numpy_scalar)
        call(f"{core}.multiarray._reconstruct", _numpy_reconstruct)
    call("numpy.dtype", _numpy_dtype)
    call("numpy.ndarray", _no_call("numpy.ndarray"))
    return table


def _no_call(name: str) -> Callable[..., Any]:
    def refuse(*_: object) -> NoReturn:
        fail(f"a call of {name}")

    return refuse


def _check(value: Any, kind: type | tuple[type, ...], what: str) -> Any:
    # Exact types: True is no size, and a subclass could bring behaviour along.
    if type(value) not in (kind if isinstance(kind, tuple) else (kind,)):
        fail(f"{what} is a {type(value).__name__}")
    return value


def _list(items: Any) -> Any:
    return _check(items, (list, tuple, set, frozenset), "a set's contents")


def _ordered_dict(pairs: Any = ()) -> Any:
    import collections

    _check(pairs, (list, tuple), "an OrderedDict's contents")
    return collections.OrderedDict(pairs)


def _counter(counts: Any = None) -> Any:
    import collections

    return collections.Counter(_check({} if counts is None else counts, dict, "a Counter's counts"))


def _default_dict(factory: Any = None) -> Any:
    import collections

    if isinstance(factory, Global):
        factory = factory.value
    if factory is not None and factory not in (list, dict, int, float, str, set):
        fail(f"a defaultdict of {factory!r}")
    return collections.defaultdict(factory)


def _complex(real: Any, imag: Any = 0.0) -> complex:
    what = "a part of a complex number"
    return complex(_check(real, (float, int), what), _check(imag, (float, int), what))


def _bytearray(data: Any = b"") -> bytearray:
    return bytearray(_check(data, (bytes, bytearray), "a bytearray's contents"))


def _encode(text: Any, encoding: Any = "latin1") -> bytes:
    if encoding not in ("latin1", "latin-1"):
        fail(f"bytes in encoding {str(encoding)[:40]!r}")
    data: bytes = _check(text, str, "bytes").encode("latin1")
    return data


def _integers(values: Any, what: str) -> tuple[int, ...]:
    import pygrad

    checked: tuple[Any, ...] = tuple(_check(values, (tuple, list, pygrad.Size), what))
    for value in checked:
        if type(value) is not int or not 0 <= value < 1 << 62:
            fail(f"{what} {str(checked)[:100]}")
    return checked


def _size(sizes: Any = ()) -> Any:
    import pygrad

    return pygrad.Size(_integers(sizes, "a Size"))


def _device(kind: Any, index: Any = None) -> Any:
    import pygrad

    _check(kind, str, "a device's type")
    if index is None:
        return pygrad.device(kind)
    return pygrad.device(kind, _check(index, int, "a device's index"))


# ---------------------------------------------------------------------------- tensors


def rebuild_tensor(storage: Any, offset: Any, size: Any, stride: Any, dtype: Any = None) -> Any:
    """A tensor over `storage`, after checking that every element lies inside it."""
    from pygrad import _C

    if not isinstance(storage, Storage):
        fail(f"a tensor over a {type(storage).__name__}")
    dtype = storage.dtype if dtype is None else dtype
    if dtype is None:
        fail("a tensor over untyped bytes without a dtype")
    _check(dtype, type(_float32()), "a tensor's dtype")
    (offset,) = _integers((offset,), "a storage offset")
    size = _integers(size, "a tensor's size")
    stride = _integers(stride, "a tensor's stride")
    if len(size) != len(stride) or len(size) > MAX_DIMS:
        fail(f"a tensor of size {size} and stride {stride}")
    count, last = 1, offset
    for n, s in zip(size, stride, strict=True):
        count *= n
        last += (n - 1) * s
    if count >= 1 << 62:
        fail(f"a tensor of size {size} has too many elements")
    held = int(storage.native.nbytes()) // dtype.itemsize
    if (count and last >= held) or offset > held:
        fail(
            f"a tensor of size {size}, stride {stride} and offset {offset} does not fit its "
            f"storage of {held} elements"
        )
    native: Any = _C
    return native._rebuild_tensor(storage.native, dtype, offset, size, stride)


def _float32() -> Any:
    import pygrad

    return pygrad.float32


def _rebuild_tensor_v2(
    storage: Any, offset: Any, size: Any, stride: Any, requires_grad: Any, _hooks: Any,
    metadata: Any = None,
) -> Any:  # fmt: skip
    return _rebuild_tensor_v3(storage, offset, size, stride, requires_grad, _hooks, None, metadata)


def _rebuild_tensor_v3(
    storage: Any, offset: Any, size: Any, stride: Any, requires_grad: Any, _hooks: Any, dtype: Any,
    metadata: Any = None,
) -> Any:  # fmt: skip
    tensor = rebuild_tensor(storage, offset, size, stride, dtype)
    if metadata:
        _check(metadata, dict, "a tensor's metadata")
        if metadata.get("conj") is True:
            tensor = tensor.conj()
        if metadata.get("neg") is True:
            tensor = tensor.neg()
    if requires_grad is True:
        tensor = tensor.detach().requires_grad_()
    return tensor


def _tensor(value: Any) -> Any:
    import pygrad

    if not isinstance(value, pygrad.Tensor):
        fail(f"a parameter over a {type(value).__name__}")
    return value


def _rebuild_parameter(data: Any, requires_grad: Any, _hooks: Any = None) -> Any:
    import pygrad

    return pygrad.nn.Parameter(_tensor(data).detach(), requires_grad=requires_grad is True)


def _rebuild_parameter_with_state(
    data: Any, requires_grad: Any, hooks: Any, state: Any = None
) -> Any:
    return _with_attributes(_rebuild_parameter(data, requires_grad, hooks), state)


def _rebuild_from_type(function: Any, kind: Any, arguments: Any, state: Any) -> Any:
    """A tensor that carried Python attributes, or a Parameter."""
    import pygrad

    if not isinstance(function, Global) or not function.name.startswith("torch._utils._rebuild_"):
        fail("a tensor rebuilt by an unknown function")
    if not isinstance(kind, Global) or kind.value not in (pygrad.Tensor, pygrad.nn.Parameter):
        fail("a tensor of an unknown class")
    assert function.call is not None
    tensor = _tensor(function.call(*_check(arguments, tuple, "a tensor's arguments")))
    if kind.value is pygrad.nn.Parameter and not isinstance(tensor, pygrad.nn.Parameter):
        tensor = _rebuild_parameter(tensor, tensor.requires_grad)
    return _with_attributes(tensor, state)


def _with_attributes(tensor: Any, state: Any) -> Any:
    if type(state) is tuple and len(state) == 2:  # (attributes, slots)
        state = state[0]
    for key, value in (_check(state, dict, "a tensor's attributes") if state else {}).items():
        if not isinstance(key, str) or hasattr(type(tensor), key):
            fail(f"attribute {str(key)[:100]!r} of a tensor")
        setattr(tensor, key, value)
    return tensor


# ---------------------------------------------------------------------------- NumPy


def _numpy_dtype(code: Any, _align: Any = False, _copy: Any = True) -> NumpyDtype:
    _check(code, str, "a NumPy dtype")
    if code.lstrip("<>=|") not in (
        "b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16",
    ):  # fmt: skip
        fail(f"NumPy dtype {code[:40]!r}, expected numbers")
    return NumpyDtype(code.lstrip("<>=|"))


def _numpy_values(dtype: Any, data: Any) -> Any:
    import numpy as np

    if type(dtype) is NumpyDtype:
        dtype = dtype.dtype()
    if not isinstance(dtype, np.dtype):
        fail("NumPy data without a dtype")
    return np.frombuffer(_check(data, (bytes, bytearray), "NumPy data"), dtype)


def _numpy_scalar(dtype: Any, data: Any) -> Any:
    values = _numpy_values(dtype, data)
    if values.size != 1:
        fail(f"a NumPy scalar of {values.size} values")
    return values[0]


def _numpy_reconstruct(_kind: Any, _shape: Any, _code: Any) -> NumpyArray:
    return NumpyArray()


def numpy_array(shape: Any, dtype: Any, fortran: Any, data: Any) -> Any:
    values = _numpy_values(dtype, data)
    shape = _integers(shape, "a NumPy array's shape")
    return values.reshape(shape, order="F" if fortran is True else "C").copy()
