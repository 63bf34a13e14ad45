"""Context managers and decorators that switch recording on the tape on and off (per thread)."""

from __future__ import annotations

from pygrad._C import (
    is_grad_enabled,
    is_inference_mode_enabled,
    set_inference_mode,
)
from pygrad._C import set_grad_enabled as _set

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import Any, Self, TypeVar

    F = TypeVar("F", bound=Callable[..., Any])

_CO_GENERATOR = 0x20  # code flag of a function whose body yields


def _decorate(make: Callable[[], _Mode], func: F) -> F:
    """Wrap `func` so that every call (every step, for a generator) runs inside ``make()``."""
    if isinstance(func, type):
        func.__init__ = _decorate(make, func.__init__)  # type: ignore[misc]
        return func
    import functools

    code = getattr(func, "__code__", None)
    if code is not None and code.co_flags & _CO_GENERATOR:
        wrapper: Any = _decorate_generator(make, func)
    else:

        def wrapper(*args: Any, **kwargs: Any) -> Any:
            with make():
                return func(*args, **kwargs)

    wrapped: Any = functools.wraps(func)(wrapper)
    return wrapped  # type: ignore[no-any-return]


def _decorate_generator(
    make: Callable[[], _Mode], func: Callable[..., Generator[Any, Any, Any]]
) -> Callable[..., Generator[Any, Any, Any]]:
    # The mode must hold while the generator's body runs and not while its consumer does, so it is
    # entered for each step, and values, exceptions and close() are passed through.
    def wrapper(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        gen = func(*args, **kwargs)
        step: Callable[..., Any] = gen.send
        sent: tuple[Any, ...] = (None,)
        while True:
            try:
                with make():
                    value = step(*sent)
            except StopIteration as end:
                return end.value
            try:
                answer = yield value
            except GeneratorExit:
                with make():
                    gen.close()
                raise
            except BaseException as error:
                step, sent = gen.throw, (error,)
            else:
                step, sent = gen.send, (answer,)

    return wrapper


class _Mode:
    """Common part: `_previous` links the states to restore, so one object may be entered again."""

    __slots__ = ("_previous",)
    _previous: Any

    def __init__(self) -> None:
        self._previous = None

    def __enter__(self) -> Any:
        raise NotImplementedError

    def __exit__(self, *_: object) -> None:
        state, self._previous = self._previous
        _set(state)

    def _again(self) -> _Mode:
        return type(self)()

    def __call__(self, func: F) -> F:
        return _decorate(self._again, func)


class no_grad(_Mode):
    """Nothing inside is recorded: results do not require grad.

    Works as a context manager and as a decorator, with or without parentheses; generators are
    wrapped step by step.

    Example:
        >>> import pygrad
        >>> x = pygrad.ones(2, requires_grad=True)
        >>> with pygrad.no_grad():
        ...     y = x * 2
        >>> y.requires_grad
        False
    """

    __slots__ = ()

    def __new__(cls, func: Any = None) -> Any:
        self = object.__new__(cls)
        if func is None:
            return self
        self._previous = None
        return self(func)

    def __enter__(self) -> None:
        self._previous = (is_grad_enabled(), self._previous)
        _set(False)


class enable_grad(no_grad):
    """Record again inside a `no_grad` block.

    Example:
        >>> import pygrad
        >>> x = pygrad.ones(2, requires_grad=True)
        >>> with pygrad.no_grad(), pygrad.enable_grad():
        ...     y = x * 2
        >>> y.requires_grad
        True
    """

    __slots__ = ()

    def __enter__(self) -> None:
        self._previous = (is_grad_enabled(), self._previous)
        _set(True)


class set_grad_enabled(_Mode):
    """Set the mode at once; as a context manager the former mode returns at the end.

    Args:
        mode: record (True) or not (False).

    Example:
        >>> import pygrad
        >>> x = pygrad.ones(2, requires_grad=True)
        >>> with pygrad.set_grad_enabled(False):
        ...     y = x * 2
        >>> y.requires_grad
        False
    """

    __slots__ = ("_before", "mode")

    def __init__(self, mode: bool) -> None:
        self.mode = mode
        self._before = is_grad_enabled()
        self._previous = None
        _set(mode)

    def __enter__(self) -> None:
        self._previous = (self._before, self._previous)
        _set(self.mode)

    def __exit__(self, *_: object) -> None:
        state, self._previous = self._previous
        _set(state)

    def _again(self) -> set_grad_enabled:
        return set_grad_enabled(self.mode)

    def __call__(self, func: F) -> F:
        _set(self._before)  # used as a decorator: only the calls are to see the mode
        return _decorate(self._again, func)

    def __repr__(self) -> str:
        return f"set_grad_enabled(mode={self.mode})"


class inference_mode(_Mode):
    """Like `no_grad`, and tensors made inside can never enter a graph later.

    Args:
        mode: enter (True) or leave (False) inference mode for the block.

    Example:
        >>> import pygrad
        >>> with pygrad.inference_mode():
        ...     y = pygrad.ones(2)
        >>> y.is_inference()
        True
    """

    __slots__ = ("mode",)

    def __new__(cls, mode: Any = True) -> Any:
        if callable(mode):  # @inference_mode without parentheses
            return cls()(mode)
        return object.__new__(cls)

    def __init__(self, mode: bool = True) -> None:
        self.mode = mode
        self._previous = None

    def __enter__(self) -> None:
        state = (is_inference_mode_enabled(), is_grad_enabled())
        self._previous = (state, self._previous)
        set_inference_mode(self.mode)
        _set(not self.mode)

    def __exit__(self, *_: object) -> None:
        (inference, grad), self._previous = self._previous
        set_inference_mode(inference)
        _set(grad)

    def _again(self) -> inference_mode:
        mode: inference_mode = type(self)(self.mode)
        return mode


class set_multithreading_enabled(_Mode):
    """Accepted for scripts that set it; the engine runs a backward pass on the calling thread.

    Args:
        mode: has no effect.
    """

    __slots__ = ("mode",)

    def __init__(self, mode: bool) -> None:
        self.mode = mode
        self._previous = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def _again(self) -> set_multithreading_enabled:
        return set_multithreading_enabled(self.mode)
