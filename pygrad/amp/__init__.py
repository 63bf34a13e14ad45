"""Mixed precision: `autocast` keeps full precision, `GradScaler` scales losses against underflow.

pygrad has no list of operations to run in half precision: inside `autocast` everything is computed
in the dtypes that the tensors have, which is never less exact. Scripts written for mixed precision
run unchanged; to compute in half precision, convert the model with ``model.bfloat16()``.
"""

from __future__ import annotations

from pygrad.amp.grad_scaler import GradScaler

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    F = TypeVar("F", bound=Callable[..., Any])

__all__ = [
    "GradScaler",
    "autocast",
    "custom_bwd",
    "custom_fwd",
    "is_autocast_available",
    "is_autocast_enabled",
]


class autocast:
    """Accepts what scripts pass and leaves every dtype as it is.

    Args:
        device_type: ``"cpu"`` or ``"cuda"``.
        dtype: accepted; tensors keep their own.
        enabled: accepted.
        cache_enabled: accepted.

    Raises:
        RuntimeError: for another device type.

    Example:
        >>> import pygrad
        >>> with pygrad.autocast("cpu", dtype=pygrad.bfloat16):
        ...     print((pygrad.ones(2) * 2).dtype == pygrad.float32)
        True
    """

    def __init__(
        self,
        device_type: str = "cuda",
        dtype: Any = None,
        enabled: bool = True,
        cache_enabled: bool | None = None,
    ) -> None:
        if device_type not in ("cpu", "cuda"):
            raise RuntimeError(
                f"autocast(): unsupported device type {device_type!r}; expected 'cpu' or 'cuda'"
            )
        self.device = device_type
        self.fast_dtype = dtype

    def __enter__(self) -> autocast:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def __call__(self, func: F) -> F:
        return func


def is_autocast_available(device_type: str) -> bool:
    """Return False: no device computes in a lower precision on its own."""
    return False


def is_autocast_enabled(device_type: str | None = None) -> bool:
    """Return False: no operation changes its dtype."""
    return False


def custom_fwd(fwd: Any = None, *, device_type: str = "cuda", cast_inputs: Any = None) -> Any:
    """Decorator for the forward of a Function; there is no casting to undo."""
    return fwd if fwd is not None else (lambda f: f)


def custom_bwd(bwd: Any = None, *, device_type: str = "cuda") -> Any:
    """Decorator for the backward of a Function; there is no casting to undo."""
    return bwd if bwd is not None else (lambda f: f)
