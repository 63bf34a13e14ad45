"""Names of PyTorch's script compiler: pygrad's operations are compiled, scripts run as they are.

Decorators and functions return what they are given, so that a script that uses them computes the
same. There is no separate program to save; use ``state_dict`` and `pygrad.save`.

Example:
    >>> import pygrad
    >>> @pygrad.jit.script
    ... def double(x):
    ...     return 2 * x
    >>> double(pygrad.ones(2))
    tensor([2., 2.])
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def script(obj: Any, *args: Any, **options: Any) -> Any:
    """Return `obj`, a function, class or module."""
    return obj


def trace(func: Any, example_inputs: Any = None, *args: Any, **options: Any) -> Any:
    """Return `func`, after one call with the example inputs, if there are any.

    Args:
        func: a function or a module.
        example_inputs: a tensor or a tuple of arguments.
        args: accepted.
        options: accepted.
    """
    if example_inputs is not None:
        from pygrad import no_grad

        with no_grad():
            func(
                *example_inputs if isinstance(example_inputs, (tuple, list)) else (example_inputs,)
            )
    return func


def freeze(mod: Any, *args: Any, **options: Any) -> Any:
    """Return `mod`."""
    return mod


def optimize_for_inference(mod: Any, *args: Any, **options: Any) -> Any:
    """Return `mod`."""
    return mod


def export(fn: Any) -> Any:
    """Return `fn`: every method can be called."""
    return fn


def unused(fn: Any) -> Any:
    """Return `fn`."""
    return fn


def ignore(drop: Any = False, **options: Any) -> Any:
    """Return the decorated function, with or without arguments for the decorator."""
    return drop if callable(drop) else script


def is_scripting() -> bool:
    """Return False."""
    return False


def is_tracing() -> bool:
    """Return False."""
    return False
