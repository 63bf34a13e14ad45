"""The CUDA device: whether it is there, what it holds, and when it has finished.

Operations are issued in order on one stream; a build may also run its CUDA kernels on the
processor (`is_emulated`), which then appears as device ``cuda:0``.
"""

from __future__ import annotations

from pygrad import _C

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from pygrad._C import Tensor

    DeviceLike = Any

__all__ = [
    "Event",
    "Stream",
    "current_device",
    "current_stream",
    "device",
    "device_count",
    "empty_cache",
    "get_device_name",
    "is_available",
    "is_emulated",
    "is_initialized",
    "manual_seed",
    "manual_seed_all",
    "max_memory_allocated",
    "mem_get_info",
    "memory_allocated",
    "memory_reserved",
    "memory_stats",
    "set_device",
    "synchronize",
    "why",
]


def is_available() -> bool:
    """Return whether tensors can live on a CUDA device here."""
    return bool(_C.cuda_is_available())


def device_count() -> int:
    """Return the number of usable CUDA devices."""
    return int(_C.cuda_device_count())


def is_emulated() -> bool:
    """Return whether the CUDA kernels of this build run on the processor."""
    return bool(_C.cuda_is_emulated())


def is_initialized() -> bool:
    """Return whether CUDA can be used; it is set up at its first use."""
    return is_available()


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """Return whether bfloat16 tensors can be computed with on the device."""
    return is_available()


def init() -> None:
    """Raise when there is no device; nothing needs to be set up by hand."""
    _index(None)


def why() -> str:
    """Say what was looked for and found; prints the text and returns it."""
    text = str(_C.cuda_why())
    print(text)
    return text


def _index(which: DeviceLike) -> int:
    """Device number of an int, a string, a device or None (the current one).

    Raises:
        RuntimeError: when there is no such device.
    """
    if which is None:
        index = 0
    elif isinstance(which, int):
        index = which
    else:
        found = _C.device(which)
        if found.type != "cuda":
            raise ValueError(f"cuda: Expected a cuda device, but got: {found}")
        index = found.index or 0
    if not is_available():
        raise RuntimeError(f"cuda: no CUDA device can be used: {_C.cuda_why()}")
    if not 0 <= index < device_count():
        raise RuntimeError(
            f"cuda: invalid device ordinal {index}; expected 0..{device_count() - 1}"
        )
    return index


def current_device() -> int:
    """Return the device that ``"cuda"`` means: always the first."""
    return _index(None)


def set_device(device: DeviceLike) -> None:
    """Choose the current device; the first is the only one that can be current.

    Raises:
        NotImplementedError: for another device that exists.
    """
    if _index(device) != 0:
        raise NotImplementedError(
            f"cuda.set_device(): got {device}; expected device 0. Name other devices explicitly"
        )


class device:
    """Context manager that makes a device current for a block; a negative number does nothing.

    Args:
        device: number, string or device.
    """

    def __init__(self, device: DeviceLike) -> None:
        self.idx = -1
        if not (device is None or (isinstance(device, int) and device < 0)):
            self.idx = _index(device)

    def __enter__(self) -> None:
        if self.idx >= 0:
            set_device(self.idx)

    def __exit__(self, *_: object) -> None:
        return None


def get_device_name(device: DeviceLike = None) -> str:
    """Return the name of a device."""
    return str(_C.cuda_device_name(_index(device)))


def synchronize(device: DeviceLike = None) -> None:
    """Wait until everything issued to the device is done."""
    _index(device)
    _C.cuda_synchronize()


def memory_stats(device: DeviceLike = None) -> dict[str, int]:
    """Return the allocator's figures: ``allocated``, ``max_allocated``, ``reserved`` and others."""
    if not is_available():
        return {}
    return dict(_C.memory_stats(f"cuda:{_index(device)}"))


def memory_allocated(device: DeviceLike = None) -> int:
    """Return the bytes held by tensors."""
    return memory_stats(device).get("allocated", 0)


def max_memory_allocated(device: DeviceLike = None) -> int:
    """Return the most bytes that tensors have held at one time."""
    return memory_stats(device).get("max_allocated", 0)


def memory_reserved(device: DeviceLike = None) -> int:
    """Return the bytes taken from the device, free ones in the cache included."""
    return memory_stats(device).get("reserved", 0)


def max_memory_reserved(device: DeviceLike = None) -> int:
    """Return the most bytes taken from the device at one time."""
    return memory_stats(device).get("max_reserved", 0)


def reset_peak_memory_stats(device: DeviceLike = None) -> None:
    """Start the maxima anew from the present figures."""
    if is_available():
        _C.reset_peak_memory_stats(f"cuda:{_index(device)}")


def mem_get_info(device: DeviceLike = None) -> tuple[int, int]:
    """Return the bytes that are free on the device, and all that it has."""
    _index(device)
    free, total = _C.cuda_memory_info()
    return int(free), int(total)


def empty_cache() -> None:
    """Give the cache's free memory back to the device."""
    if is_available():
        _C.empty_cache()


def manual_seed(seed: int) -> None:
    """Seed the global generator, which the processor and all devices share."""
    from pygrad.random import manual_seed as seed_all

    seed_all(seed)


manual_seed_all = manual_seed


def seed() -> None:
    """Seed the global generator with a number from the operating system."""
    from pygrad.random import seed as seed_all

    seed_all()


seed_all = seed


def initial_seed() -> int:
    """Return the number that the global generator was last seeded with."""
    from pygrad.random import initial_seed as seed_of_all

    return seed_of_all()


def get_rng_state(device: DeviceLike = "cuda") -> Tensor:
    """Return the state of the global generator, which all devices share."""
    from pygrad import random

    return random.get_rng_state()


def set_rng_state(new_state: Tensor, device: DeviceLike = "cuda") -> None:
    """Set the state of the global generator, which all devices share."""
    from pygrad import random

    random.set_rng_state(new_state)


def get_rng_state_all() -> list[Tensor]:
    """Return the generator's state once for each device."""
    return [get_rng_state() for _ in range(device_count())]


def set_rng_state_all(new_states: Iterable[Tensor]) -> None:
    """Set the generator's state from what `get_rng_state_all` returned."""
    for state in new_states:
        set_rng_state(state)


class Stream:
    """The stream that everything runs on: any two objects of this type name the same stream.

    Args:
        device: its device.
        priority: has no effect.
    """

    def __init__(self, device: DeviceLike = None, priority: int = 0) -> None:
        self.device_index = _index(device)

    def synchronize(self) -> None:
        """Wait until everything issued is done."""
        synchronize(self.device_index)

    def wait_stream(self, stream: Stream) -> None:
        """Work is in order already."""

    def wait_event(self, event: Event) -> None:
        """Work is in order already."""

    def record_event(self, event: Event | None = None) -> Event:
        """Mark this point in the order of work."""
        event = Event() if event is None else event
        event.record(self)
        return event

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_: object) -> None:
        return None


def current_stream(device: DeviceLike = None) -> Stream:
    """Return the stream that everything runs on."""
    return Stream(device)


default_stream = current_stream


def stream(stream: Stream | None) -> Any:
    """Context manager for a block on `stream`: there is one stream, so nothing changes."""
    import contextlib

    return contextlib.nullcontext(stream)


class Event:
    """A point in time on the device, taken by waiting for the work before it.

    Args:
        enable_timing: whether `elapsed_time` may be asked.
        blocking: has no effect.
    """

    def __init__(self, enable_timing: bool = False, blocking: bool = False) -> None:
        self._timing = enable_timing
        self._time: float | None = None

    def record(self, stream: Stream | None = None) -> None:
        """Wait for the work issued so far and take the time."""
        import time

        synchronize()
        self._time = time.perf_counter()

    def query(self) -> bool:
        """Return True: a recorded event has happened."""
        return True

    def wait(self, stream: Stream | None = None) -> None:
        """Work is in order already."""

    def synchronize(self) -> None:
        """Wait until everything issued is done."""
        synchronize()

    def elapsed_time(self, end_event: Event) -> float:
        """Return the milliseconds from this event to `end_event`.

        Raises:
            RuntimeError: when timing is off or one of them was not recorded.
        """
        if not (self._timing and end_event._timing):
            raise RuntimeError("Event.elapsed_time(): Both events must have enable_timing=True")
        if self._time is None or end_event._time is None:
            raise RuntimeError("Event.elapsed_time(): Both events must be recorded first")
        return (end_event._time - self._time) * 1000


def __getattr__(name: str) -> Any:
    if name == "amp":
        import importlib

        return importlib.import_module("pygrad.amp")
    if name == "OutOfMemoryError":
        return _C.OutOfMemoryError
    raise AttributeError(f"module 'pygrad.cuda' has no attribute {name!r}")
