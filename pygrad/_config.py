"""How this build was made: what ``torch.__config__`` tells."""

from __future__ import annotations

from pygrad import _C


def show() -> str:
    """Return the build's version, options and instruction set, one a line.

    Example:
        >>> import pygrad
        >>> "isa" in pygrad.__config__.show()
        True
    """
    return "\n".join(f"  - {key}: {value}" for key, value in _C.build_info().items())


def parallel_info() -> str:
    """Return how work is divided among threads."""
    return f"threads: {_C.get_num_threads()}, of a pool of pygrad's own, without OpenMP"
