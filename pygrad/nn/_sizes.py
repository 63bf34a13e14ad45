"""Turn "an int or one int per dimension" arguments into tuples."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def as_tuple(value: int | Sequence[int], n: int, name: str = "argument") -> tuple[int, ...]:
    """Return ``value`` as a tuple of ``n`` entries, repeating a single number.

    Raises:
        ValueError: if a sequence of another length than ``n`` is given.

    Example:
        >>> from pygrad.nn._sizes import as_tuple
        >>> as_tuple(3, 2)
        (3, 3)
    """
    if isinstance(value, (tuple, list)):
        if len(value) == 1 and n > 1:
            return (value[0],) * n
        if len(value) != n:
            raise ValueError(f"{name} has {len(value)} entries, {tuple(value)}; expected {n}")
        return tuple(value)
    return (value,) * n  # type: ignore[return-value]


def reversed_twice(values: Sequence[int]) -> list[int]:
    """Repeat each entry and reverse: the order in which :func:`functional.pad` reads a padding."""
    return [v for value in reversed(values) for v in (value, value)]
