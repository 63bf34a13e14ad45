"""Parameter and Buffer: tensors that a :class:`~pygrad.nn.Module` registers on assignment."""

from __future__ import annotations

from pygrad._C import Tensor, ops

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def _rebuild(cls: type[Any], data: Tensor, *args: Any) -> Any:
    return cls(data, *args)


def _check_data(cls: type, data: Any) -> Tensor:
    if data is None:
        return ops.empty(0)
    if not isinstance(data, Tensor):
        raise TypeError(
            f"{cls.__name__}(): data is {type(data).__name__}; expected a Tensor."
            " Make one with tensor()"
        )
    return data


class Parameter(Tensor):
    """A tensor that is a parameter of a module: it requires a gradient and optimizers find it.

    Args:
        data: the values; shares their memory.
        requires_grad: whether a gradient is wanted.

    Example:
        >>> import pygrad
        >>> pygrad.nn.Parameter(pygrad.ones(2))
        Parameter containing:
        tensor([1., 1.], requires_grad=True)
    """

    def __new__(cls, data: Tensor | None = None, requires_grad: bool = True) -> Parameter:
        return Tensor._make_subclass(cls, _check_data(cls, data), requires_grad)

    def __repr__(self) -> str:
        # Print the plain tensor, so that the text begins with "tensor(", not the subclass.
        return "Parameter containing:\n" + repr(self.data.requires_grad_(self.requires_grad))

    def __deepcopy__(self, memo: dict[int, Any]) -> Parameter:
        if id(self) in memo:
            return memo[id(self)]  # type: ignore[no-any-return]
        copy = type(self)(self.data.clone(), self.requires_grad)
        memo[id(self)] = copy
        return copy

    def __reduce_ex__(self, protocol: Any) -> Any:
        return _rebuild, (type(self), self.data, self.requires_grad)


class Buffer(Tensor):
    """A tensor that is a buffer of a module: part of its state, moved with it, but not trained.

    Args:
        data: the values; shares their memory.
        persistent: whether it belongs to the ``state_dict``.
    """

    persistent: bool

    def __new__(cls, data: Tensor | None = None, *, persistent: bool = True) -> Buffer:
        source = _check_data(cls, data)
        buffer = Tensor._make_subclass(cls, source, source.requires_grad)
        buffer.persistent = persistent
        return buffer

    def __deepcopy__(self, memo: dict[int, Any]) -> Buffer:
        if id(self) in memo:
            return memo[id(self)]  # type: ignore[no-any-return]
        copy = type(self)(self.data.clone(), persistent=self.persistent)
        memo[id(self)] = copy
        return copy

    def __reduce_ex__(self, protocol: Any) -> Any:
        return _rebuild_buffer, (type(self), self.data, self.persistent)


def _rebuild_buffer(cls: type[Any], data: Tensor, persistent: bool) -> Any:
    return cls(data, persistent=persistent)


__all__ = ["Buffer", "Parameter"]
