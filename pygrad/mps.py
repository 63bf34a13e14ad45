"""Apple's GPU: not a device of this library, which scripts ask about before they choose one."""

from __future__ import annotations


def is_available() -> bool:
    """Return False."""
    return False


def device_count() -> int:
    """Return 0."""
    return 0


def empty_cache() -> None:
    """Do nothing: there is no memory to give back."""


def manual_seed(seed: int) -> None:
    """Do nothing: there is no stream of random numbers."""


def synchronize() -> None:
    """Do nothing: there is no work to wait for."""
