"""Two tensors of one shape."""

from __future__ import annotations

from pygrad._C import Tensor


def broadcast_pair(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Return both tensors expanded to the shape they broadcast to; equal shapes pass as they are.

    Raises:
        RuntimeError: if two sizes differ and neither is 1.
    """
    if a.shape == b.shape:
        return a, b
    first, second = tuple(a.shape), tuple(b.shape)
    rank = max(len(first), len(second))
    first = (1,) * (rank - len(first)) + first
    second = (1,) * (rank - len(second)) + second
    shape = []
    for m, n in zip(first, second, strict=True):
        if m != n and 1 not in (m, n):
            raise RuntimeError(
                f"shapes {tuple(a.shape)} and {tuple(b.shape)} do not broadcast: {m} against {n}"
            )
        shape.append(n if m == 1 else m)
    return a.expand(shape), b.expand(shape)
