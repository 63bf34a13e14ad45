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

_COMPOSED = ("corrcoef", "cov", "cross", "diff")


def _composed_method(name: str) -> Callable[..., Any]:
    def method(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        from pygrad.functional import FUNCTIONS

        return FUNCTIONS[name](self, *args, **kwargs)

    method.__name__ = name
    method.__qualname__ = "Tensor." + name
    return method


def _format(self: Tensor, spec: str) -> str:
    """Format a 0-D tensor as its number, any other by its text."""
    if self.dim() == 0 and type(self) is _C.Tensor:
        return format(self.item(), spec)
    return format(repr(self), spec)


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


_METHODS: dict[str, Callable[..., Any]] = {
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
    if _tensor_argument("is_nonzero", input).numel() != 1:
        raise RuntimeError(
            f"is_nonzero(): Boolean value of Tensor with {input.numel()} values is ambiguous"
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
        sizes = args[0] if len(args) == 1 and isinstance(args[0], _C.Size) else args
        if all(isinstance(n, int) for n in sizes):
            return _C.ops.empty(tuple(sizes) or (0,), dtype=cls.dtype)
        if len(args) != 1:
            raise TypeError(
                f"{cls.__name__}(): got {len(args)} arguments; expected sizes or one sequence"
            )
        return _C.tensor(args[0], dtype=cls.dtype)

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
