"""Process-wide settings that live in Python, and names kept for scripts that call them."""

from __future__ import annotations

from pygrad import _C

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from pygrad._C import device


class _Deterministic:
    enabled = False
    warn_only = False


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Ask for the same bits from the same inputs.

    pygrad's kernels divide work by shape alone and combine partial results in a fixed order, so
    they are deterministic in either mode; the setting is only remembered.

    Args:
        mode: on or off.
        warn_only: remembered as well.
    """
    _Deterministic.enabled = mode
    _Deterministic.warn_only = warn_only


def are_deterministic_algorithms_enabled() -> bool:
    """Return what `use_deterministic_algorithms` was last given."""
    return _Deterministic.enabled


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """Return the `warn_only` that `use_deterministic_algorithms` was last given."""
    return _Deterministic.warn_only


def set_deterministic_debug_mode(debug_mode: int | str) -> None:
    """Set determinism by level: 0 ``"default"``, 1 ``"warn"``, 2 ``"error"``.

    Raises:
        RuntimeError: for another level.
    """
    names: dict[int | str, int] = {"default": 0, "warn": 1, "error": 2, 0: 0, 1: 1, 2: 2}
    if debug_mode not in names:
        raise RuntimeError(
            f"set_deterministic_debug_mode(): invalid value {debug_mode!r}; expected "
            "'default', 'warn', 'error', 0, 1 or 2"
        )
    level = names[debug_mode]
    use_deterministic_algorithms(level > 0, warn_only=level == 1)


def get_deterministic_debug_mode() -> int:
    """Return the level set by `set_deterministic_debug_mode`."""
    if not _Deterministic.enabled:
        return 0
    return 1 if _Deterministic.warn_only else 2


def compile(model: Any = None, **options: Any) -> Any:
    """Return `model` as it is: pygrad's operations are compiled ahead of time.

    Args:
        model: a function or a module; without it, a decorator is returned.
        options: accepted for scripts that pass them; they have no effect.
    """
    if model is None:
        return _unchanged
    if not callable(model):
        raise TypeError(f"compile(): got {type(model).__name__}; expected a function or a module")
    return model


def _unchanged(function: Callable[..., Any]) -> Callable[..., Any]:
    return function


def set_default_device(device: Any) -> None:
    """Set where this thread's new tensors lie unless they are told; None is the processor.

    ``with torch.device("cuda"):`` does the same for a block.

    Args:
        device: name, number or device.

    Raises:
        RuntimeError: when there is no such device.

    Example:
        >>> import pygrad
        >>> pygrad.set_default_device("cpu")
        >>> pygrad.ones(2).device
        device(type='cpu')
    """
    _C.set_default_device("cpu" if device is None else device)


def get_default_device() -> device:
    """Return the device of tensors made without ``device=``."""
    return _C.get_default_device()


def set_default_tensor_type(t: Any) -> None:
    """Set the default dtype by a legacy type or its name, such as ``torch.DoubleTensor``.

    Raises:
        TypeError: for a type that is not a floating-point tensor type.
    """
    from pygrad import _tensor

    name = t if isinstance(t, str) else getattr(t, "__name__", str(t))
    legacy = _tensor.legacy_type(name.rsplit(".", 1)[-1])
    if legacy is None or not legacy.dtype.is_floating_point:
        raise TypeError(
            f"set_default_tensor_type(): {name} is not a floating-point tensor type; expected "
            "FloatTensor or DoubleTensor, or use set_default_dtype()"
        )
    _C.set_default_dtype(legacy.dtype)


def set_flush_denormal(mode: bool) -> bool:
    """Ask for denormal numbers to become zero; returns False, for pygrad computes with them."""
    return False


_warn_always = [False]


def set_warn_always(b: bool) -> None:
    """Remember whether repeated warnings are wanted; Python's own filters decide what is shown."""
    _warn_always[0] = b


def is_warn_always_enabled() -> bool:
    """Return what `set_warn_always` was last given."""
    return _warn_always[0]


def set_num_interop_threads(threads: int) -> None:
    """Accepted for scripts that call it: operations run one after the other.

    Raises:
        RuntimeError: for a number below one.
    """
    if threads < 1:
        raise RuntimeError(f"set_num_interop_threads(): got {threads}; expected a positive number")


def get_num_interop_threads() -> int:
    """Return 1: operations run one after the other, each on all threads."""
    return 1


def set_anomaly_enabled(mode: bool, check_nan: bool = True) -> None:
    """Switch anomaly detection: a NaN gradient raises and names the operation it came from.

    Args:
        mode: on or off.
        check_nan: whether NaN gradients raise.
    """
    _C.set_anomaly_enabled(mode, check_nan)


def is_anomaly_enabled() -> bool:
    """Return whether anomaly detection is on."""
    enabled: bool = _C.is_anomaly_enabled()
    return enabled
