"""The accelerator of this machine, if there is one: CUDA.

Example:
    >>> import pygrad
    >>> device = pygrad.accelerator.current_accelerator() or pygrad.device("cpu")
"""

from __future__ import annotations

from pygrad import _C, cuda

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def is_available() -> bool:
    """Return whether there is an accelerator."""
    return cuda.is_available()


def device_count() -> int:
    """Return how many there are."""
    return cuda.device_count()


def current_accelerator(check_available: bool = False) -> Any:
    """Return the accelerator's kind as a device, or None.

    Args:
        check_available: accepted; a device that is not there is never returned.
    """
    return _C.device("cuda") if cuda.is_available() else None


def current_device_index() -> int:
    """Return the index of the current device."""
    return cuda.current_device()


def set_device_index(device: Any) -> None:
    """Make `device` the current one."""
    cuda.set_device(device)


def synchronize(device: Any = None) -> None:
    """Wait until everything issued to the device is done."""
    if cuda.is_available():
        cuda.synchronize(device)
