"""The global random stream: seeds and states. CPU and CUDA draw from one and the same stream."""

from __future__ import annotations

from pygrad._C import default_generator

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from pygrad._C import Generator, Tensor

__all__ = ["fork_rng", "get_rng_state", "initial_seed", "manual_seed", "seed", "set_rng_state"]


def manual_seed(seed: int) -> Generator:
    """Set the seed of the global generator; the same seed gives the same draws on any device.

    Args:
        seed: from -2**63 to 2**64 - 1.

    Returns:
        The global generator.

    Example:
        >>> import pygrad
        >>> a = pygrad.manual_seed(0) and pygrad.rand(2)
        >>> b = pygrad.manual_seed(0) and pygrad.rand(2)
        >>> bool((a == b).all())
        True
    """
    number = int(seed)
    if not -(2**63) <= number < 2**64:
        raise ValueError(
            f"manual_seed(): Overflow when unpacking long long: {number} is not in -2**63..2**64-1"
        )
    default_generator.manual_seed(number)
    return default_generator


def seed() -> int:
    """Seed the global generator from the system's entropy and return that seed."""
    return default_generator.seed()


def initial_seed() -> int:
    """Return the seed that the global generator was last given."""
    return default_generator.initial_seed()


def get_rng_state() -> Tensor:
    """Return the state of the global generator, a uint8 tensor."""
    return default_generator.get_state()


def set_rng_state(new_state: Tensor) -> None:
    """Continue from a state that `get_rng_state` returned.

    Args:
        new_state: a uint8 tensor.
    """
    default_generator.set_state(new_state)


class fork_rng:
    """Context manager: what is drawn inside leaves the global stream as it was.

    Args:
        devices: accepted; one stream serves all devices.
        enabled: whether to do anything.
    """

    def __init__(self, devices: Sequence[Any] | None = None, enabled: bool = True) -> None:
        self._enabled = enabled

    def __enter__(self) -> None:
        self._state = get_rng_state() if self._enabled else None

    def __exit__(self, *_: object) -> None:
        if self._state is not None:
            set_rng_state(self._state)
