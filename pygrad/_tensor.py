"""The part of the tensor's interface that is simplest in Python.

`install` puts it on the native type once, at import. A method that the native type has of its own
is never replaced; composed functions load `pygrad.functional` at their first call.
"""

from __future__ import annotations

from pygrad import _C

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from pygrad._C import Tensor

_COMPOSED = (
    "as_strided_scatter",
    "cholesky",
    "cholesky_inverse",
    "cholesky_solve",
    "corrcoef",
    "cov",
    "cross",
    "det",
    "diagonal_scatter",
    "diff",
    "fill_diagonal_",
    "frexp",
    "histogram",
    "inverse",
    "is_distributed",
    "istft",
    "logdet",
    "matrix_exp",
    "matrix_power",
    "pinverse",
    "qr",
    "renorm",
    "select_scatter",
    "slice_scatter",
    "slogdet",
    "stft",
    "svd",
    "trace",
    "triangular_solve",
    "unsafe_chunk",
    "unsafe_split",
)

# Questions that have one answer for every tensor of this library.
_NEVER = (
    "is_ipu",
    "is_maia",
    "is_mkldnn",
    "is_mtia",
    "is_sparse_csr",
    "is_vulkan",
    "is_xla",
    "is_xpu",
)


def _composed_method(name: str) -> Callable[..., Any]:
    def method(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        import pygrad

        return getattr(pygrad, name)(self, *args, **kwargs)

    method.__name__ = name
    method.__qualname__ = "Tensor." + name
    return method


def _format(self: Tensor, spec: str) -> str:
    """Format a 0-D tensor as its number, any other by its text."""
    if self.dim() == 0 and type(self) is _C.Tensor:
        return format(self.item(), spec)
    if not spec:
        return str(self)
    raise TypeError(
        f"unsupported format string passed to {type(self).__name__}.__format__: {spec!r} for "
        f"shape {tuple(self.shape)}; format single elements"
    )


def _reversed(self: Tensor) -> Tensor:
    """The tensor with its first dimension reversed."""
    return self if self.dim() == 0 else _C.ops.flip(self, [0])


def _contains(self: Tensor, element: Any) -> bool:
    """Whether any element equals `element`, a number or a tensor that broadcasts."""
    if isinstance(element, (_C.Tensor, int, float, complex)):
        return bool((self == element).any().item())
    raise RuntimeError(
        "Tensor.__contains__(): only supports Tensor or scalar, but you passed in a "
        f"{type(element).__name__}"
    )


def _share_memory_(self: Tensor) -> Tensor:
    """Return self: worker processes get tensors by copy, and threads share them as they are."""
    return self


def _is_shared(self: Tensor) -> bool:
    """Whether other processes see changes of this tensor: never on the CPU, always on CUDA."""
    return self.device.type == "cuda"


def _array_wrap(self: Tensor, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
    """What NumPy computed from this tensor, as a tensor where the dtype exists here."""
    import numpy as np

    array = np.asarray(array)
    if array.dtype.kind in "OSUVMm" or array.dtype in (np.uint16, np.uint32, np.uint64):
        return array
    return _C.from_numpy(array)


def _complex_number(self: Tensor) -> complex:
    """The only element as a Python complex number."""
    if self.numel() != 1:
        raise ValueError(
            "only one element tensors can be converted to Python scalars; this one has shape "
            f"{tuple(self.shape)}"
        )
    return complex(self.item())


def _is_nonzero_method(self: Tensor) -> bool:
    """Whether the only element differs from zero."""
    return is_nonzero(self)


def _new(self: Tensor, *args: Any, device: Any = None) -> Tensor:
    """A tensor of this dtype and device: of the sizes given, or of one sequence of data."""
    made = _from_sizes_or_data("new", self.dtype, args)
    return made.to(self.device if device is None else device)


def _new_tensor(
    self: Tensor,
    data: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Tensor:
    """A copy of `data` as a tensor of this dtype and device, unless others are given."""
    made = _C.tensor(data, dtype=dtype or self.dtype, device=device or self.device)
    return made.requires_grad_() if requires_grad else made


def _new_empty_strided(
    self: Tensor, size: Any, stride: Any, *, dtype: Any = None, device: Any = None
) -> Tensor:
    """A tensor of these strides, whose elements are not set, of this dtype and device."""
    return _C.ops.empty_strided(
        size, stride, dtype=dtype or self.dtype, device=device or self.device
    )


def _apply_(self: Tensor, callable: Callable[..., Any]) -> Tensor:
    """Replace each element by what `callable` makes of it, in place, on the CPU."""
    return _map_elements(self, callable)


def _map_(self: Tensor, tensor: Tensor, callable: Callable[..., Any]) -> Tensor:
    """Replace each element by ``callable(element, element of tensor)``, in place, on the CPU."""
    return _map_elements(self, callable, tensor)


def _map2_(self: Tensor, x: Tensor, y: Tensor, callable: Callable[..., Any]) -> Tensor:
    """Replace each element by ``callable(element, of x, of y)``, in place, on the CPU."""
    return _map_elements(self, callable, x, y)


def _map_elements(self: Tensor, callable: Callable[..., Any], *others: Tensor) -> Tensor:
    if self.device.type != "cpu":
        raise TypeError(
            f"apply_(): is only implemented on CPU tensors, this one is on {self.device}"
        )
    if self.requires_grad:
        raise RuntimeError("apply_(): Can't call apply_() on Variable that requires grad")
    columns = [t.expand(self.shape).reshape(-1).tolist() for t in (self, *others)]
    values = [callable(*row) for row in zip(*columns, strict=True)]
    return self.copy_(_C.tensor(values, dtype=self.dtype).reshape(self.shape))


def _to_dense(self: Tensor, dtype: Any = None, *, masked_grad: bool | None = None) -> Tensor:
    """The tensor itself, for all are dense, in `dtype` when it is given."""
    return self if dtype is None else self.to(dtype)


_METHODS: dict[str, Callable[..., Any]] = {
    "__array_wrap__": _array_wrap,
    "__complex__": _complex_number,
    "apply_": _apply_,
    "is_nonzero": _is_nonzero_method,
    "map_": _map_,
    "map2_": _map2_,
    "new": _new,
    "new_empty_strided": _new_empty_strided,
    "new_tensor": _new_tensor,
    "to_dense": _to_dense,
    "__format__": _format,
    "__reversed__": _reversed,
    "__contains__": _contains,
    "share_memory_": _share_memory_,
    "is_shared": _is_shared,
}


def install(cls: type[Tensor]) -> None:
    """Put the methods of this file on the native type where it has none of that name."""
    own = cls.__dict__
    for name, method in _METHODS.items():
        if name not in own:
            setattr(cls, name, method)
    for name in _COMPOSED:
        if name not in own:
            setattr(cls, name, _composed_method(name))
    for name in _NEVER:
        if name not in own:
            setattr(cls, name, False)
    # NumPy must leave `array * tensor` to the tensor.
    if "__array_priority__" not in own:
        cls.__array_priority__ = 1000


# --- functions of the main namespace ------------------------------------------------------------


def asarray(
    obj: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    copy: bool | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """Make a tensor of `obj`, sharing its memory where that is possible.

    Args:
        obj: a tensor, an array, a DLPack or buffer object, a number or nested lists.
        dtype: of the result; default: as `obj` has it.
        device: of the result; default: where `obj` is.
        copy: always (True), never (False), or only when needed (None).
        requires_grad: start recording at the result.

    Raises:
        ValueError: when ``copy=False`` cannot be kept.
    """
    if isinstance(obj, _C.Tensor):
        source = obj
    elif hasattr(obj, "__dlpack__") and not hasattr(obj, "__array_interface__"):
        source = _C.from_dlpack(obj)
    else:
        source = _C.as_tensor(obj)
    made: Tensor = source
    if dtype is not None or device is not None:
        made = source.to(device=device or source.device, dtype=dtype or source.dtype)
    shares = made.data_ptr() == source.data_ptr() and not isinstance(
        obj, (bool, int, float, complex, list, tuple)
    )
    if copy and shares:
        made = made.clone()
    elif copy is False and not shares:
        raise ValueError(
            f"asarray(): can't alias {type(obj).__name__} with dtype {made.dtype} on "
            f"{made.device}; leave out copy=False"
        )
    if made.requires_grad and not requires_grad:
        made = made.detach()
    elif requires_grad and not made.requires_grad:
        made = made.detach().requires_grad_()
    return made


def is_tensor(obj: object) -> bool:
    """Return whether `obj` is a tensor."""
    return isinstance(obj, _C.Tensor)


def is_storage(obj: object) -> bool:
    """Return False: storages are not exposed as objects of their own."""
    return False


def _tensor_argument(op: str, input: object) -> Any:
    if not isinstance(input, _C.Tensor):
        raise TypeError(f"{op}(): argument 'input' must be Tensor, not {type(input).__name__}")
    return input


def is_floating_point(input: Tensor) -> bool:
    """Return whether the dtype is a floating-point one."""
    answer: bool = _tensor_argument("is_floating_point", input).is_floating_point()
    return answer


def is_complex(input: Tensor) -> bool:
    """Return whether the dtype is complex."""
    answer: bool = _tensor_argument("is_complex", input).is_complex()
    return answer


def is_signed(input: Tensor) -> bool:
    """Return whether the dtype has a sign."""
    kind = _tensor_argument("is_signed", input).dtype
    return kind not in (_C.bool, _C.uint8)


def is_inference(input: Tensor) -> bool:
    """Return whether the tensor was made in inference mode."""
    answer: bool = _tensor_argument("is_inference", input).is_inference()
    return answer


def is_nonzero(input: Tensor) -> bool:
    """Return whether the only element differs from zero.

    Raises:
        RuntimeError: for more or fewer elements than one.
    """
    count = _tensor_argument("is_nonzero", input).numel()
    if count != 1:
        number = "no values" if count == 0 else "more than one value"
        raise RuntimeError(
            f"is_nonzero(): Boolean value of Tensor with {number} is ambiguous; it has {count}"
        )
    return bool(input.item())


def is_same_size(input: Tensor, other: Tensor) -> bool:
    """Return whether two tensors have the same shape."""
    return tuple(input.shape) == tuple(other.shape)


def numel(input: Tensor) -> int:
    """Return the number of elements."""
    count: int = _tensor_argument("numel", input).numel()
    return count


def typename(obj: Any) -> str:
    """Return the type's name: ``"torch.FloatTensor"`` and the like for tensors."""
    if isinstance(obj, _C.Tensor):
        name: str = obj.type()
        return name
    kind = type(obj)
    module = kind.__module__
    return kind.__qualname__ if module == "builtins" else f"{module}.{kind.__qualname__}"


# --- legacy types: FloatTensor and its like -----------------------------------------------------

_LEGACY = {
    "FloatTensor": "float32",
    "DoubleTensor": "float64",
    "HalfTensor": "float16",
    "BFloat16Tensor": "bfloat16",
    "ByteTensor": "uint8",
    "CharTensor": "int8",
    "ShortTensor": "int16",
    "IntTensor": "int32",
    "LongTensor": "int64",
    "BoolTensor": "bool",
}


def _from_sizes_or_data(name: str, dtype: Any, args: tuple[Any, ...]) -> Tensor:
    sizes = args[0] if len(args) == 1 and isinstance(args[0], _C.Size) else args
    if all(isinstance(n, int) for n in sizes):
        return _C.ops.empty(tuple(sizes) or (0,), dtype=dtype)
    if len(args) != 1:
        raise TypeError(f"{name}(): got {len(args)} arguments; expected sizes or one sequence")
    if isinstance(args[0], (float, complex)):
        raise TypeError(f"{name}(): data must be a sequence (got {type(args[0]).__name__})")
    return _C.tensor(args[0], dtype=dtype)


class _LegacyMeta(type):
    """Types that make tensors of one dtype and recognise them with `isinstance`."""

    dtype: Any

    def __call__(cls, *args: Any) -> Any:
        if len(args) == 1 and isinstance(args[0], _C.Tensor):
            if args[0].dtype != cls.dtype:
                raise TypeError(
                    f"{cls.__name__}(): expected a tensor of {cls.dtype}, got {args[0].dtype}; "
                    "use .to()"
                )
            return args[0].detach()
        return _from_sizes_or_data(cls.__name__, cls.dtype, args)

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, _C.Tensor) and bool(instance.dtype == cls.dtype)


def legacy_type(name: str) -> Any:
    """Return the legacy type of that name, or None.

    Args:
        name: such as ``"LongTensor"``.
    """
    if name not in _LEGACY:
        return None
    namespace = {"dtype": getattr(_C, _LEGACY[name]), "__module__": "pygrad"}
    return _LegacyMeta(name, (), namespace)
