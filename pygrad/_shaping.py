"""Composed functions that arrange: broadcasting, grids, products, blocks, indices."""

from __future__ import annotations

import itertools
import math

from pygrad import _C

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from pygrad._C import Size, Tensor

ops = _C.ops


def operands(tensors: tuple[Any, ...]) -> tuple[Tensor, ...]:
    """Accept ``f(a, b)`` as well as ``f([a, b])``."""
    if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)):
        return tuple(tensors[0])
    return tensors


def wrap_dim(op: str, dim: int, ndim: int) -> int:
    if not -ndim <= dim < ndim:
        raise IndexError(
            f"{op}(): Dimension out of range: got {dim} for a {ndim}-D tensor; expected "
            f"{-ndim}..{ndim - 1}"
        )
    return dim % ndim


def broadcast_shapes(*shapes: Any) -> Size:
    """Return the shape that `shapes` broadcast to.

    Raises:
        RuntimeError: when they do not.

    Example:
        >>> import pygrad
        >>> tuple(pygrad.broadcast_shapes((2, 1), (3,)))
        (2, 3)
    """
    rows = [(s,) if isinstance(s, int) else tuple(s) for s in shapes]
    result = [1] * max((len(r) for r in rows), default=0)
    for row in rows:
        for i in range(-len(row), 0):
            if row[i] < 0:
                raise RuntimeError(f"broadcast_shapes(): negative size {row[i]} in {row}")
            if row[i] != 1 and result[i] not in (1, row[i]):
                raise RuntimeError(
                    "broadcast_shapes(): Shape mismatch: objects cannot be broadcast to a single "
                    f"shape; got {', '.join(map(str, rows))}"
                )
            if row[i] != 1:
                result[i] = row[i]
    return _C.Size(result)


def broadcast_tensors(*tensors: Any) -> tuple[Tensor, ...]:
    """Expand all tensors to their common shape; the results are views."""
    given = operands(tensors)
    shape = broadcast_shapes(*(t.shape for t in given))
    return tuple(t.expand(shape) for t in given)


def meshgrid(*tensors: Any, indexing: str | None = None) -> tuple[Tensor, ...]:
    """Coordinate grids of 1-D (or 0-D) tensors.

    Args:
        tensors: lengths :math:`n_1, ..., n_k`.
        indexing: ``"ij"`` (default) gives shape :math:`(n_1, n_2, ...)`, ``"xy"`` swaps the
            first two.

    Raises:
        RuntimeError: for another `indexing`, or a tensor of more dimensions.
    """
    given = operands(tensors)
    if indexing not in (None, "ij", "xy"):
        raise RuntimeError(
            f"meshgrid(): indexing must be one of 'xy' or 'ij', but received: {indexing!r}"
        )
    if not given:
        raise RuntimeError("meshgrid(): expects a non-empty list of tensors")
    for t in given:
        if t.dim() > 1:
            raise RuntimeError(
                f"meshgrid(): Expected scalar or 1D tensor in the tensor list but got shape "
                f"{tuple(t.shape)}"
            )
    swap = indexing == "xy" and len(given) > 1
    order = (given[1], given[0], *given[2:]) if swap else given
    shape = [t.numel() for t in order]
    grids = []
    for i, t in enumerate(order):
        view = [1] * len(shape)
        view[i] = t.numel()
        grids.append(t.reshape(view).expand(shape))
    if swap:
        grids = [g.transpose(0, 1) for g in grids]
        grids[0], grids[1] = grids[1], grids[0]
        # After the swap the first grid varies along dimension 1, the second along dimension 0.
        grids = [g.transpose(0, 1) for g in grids]
    return tuple(grids)


def cartesian_prod(*tensors: Any) -> Tensor:
    """All combinations of one element from each 1-D tensor: shape (product of lengths, count)."""
    given = operands(tensors)
    if len(given) == 1:
        return given[0]
    return ops.stack([g.reshape(-1) for g in meshgrid(*given)], 1)


def combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
    """All subsets of `r` elements of a 1-D tensor: shape (count, r).

    Raises:
        RuntimeError: for a tensor that is not 1-D or a negative `r`.
    """
    if input.dim() != 1 or r < 0:
        raise RuntimeError(
            f"combinations(): got a {input.dim()}-D tensor and r={r}; expected a 1-D tensor and a "
            "non-negative number"
        )
    pick = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    rows = list(pick(range(input.numel()), r))
    if not rows or not r:
        return input.new_empty((0,) if r == 0 else (0, r))
    index = _C.tensor(rows, dtype=_C.int64, device=input.device)
    return input[index]


def block_diag(*tensors: Any) -> Tensor:
    """Place tensors (0-D, 1-D as rows, 2-D) along the diagonal of a matrix of zeros."""
    blocks = [atleast_2d(t) for t in operands(tensors)]
    if not blocks:
        return ops.empty((1, 0))
    for i, t in enumerate(blocks):
        if t.dim() > 2:
            raise RuntimeError(
                f"block_diag(): Input tensors must have 2 or fewer dimensions. Input {i} has "
                f"{t.dim()} dimensions"
            )
    dtype = blocks[0].dtype
    for t in blocks[1:]:
        dtype = _C.promote_types(dtype, t.dtype)
    width = sum(t.shape[1] for t in blocks)
    rows, before = [], 0
    for t in blocks:
        after = width - before - t.shape[1]
        parts = [t.to(dtype)]
        if before:
            parts.insert(0, t.new_zeros((t.shape[0], before), dtype=dtype))
        if after:
            parts.append(t.new_zeros((t.shape[0], after), dtype=dtype))
        rows.append(ops.cat(parts, 1))
        before += t.shape[1]
    return ops.cat(rows, 0)


def _each(function: Callable[[Tensor], Tensor], tensors: tuple[Any, ...]) -> Any:
    if len(tensors) == 1 and not isinstance(tensors[0], (list, tuple)):
        return function(tensors[0])
    return tuple(function(t) for t in operands(tensors))


def atleast_1d(*tensors: Any) -> Any:
    """View 0-D tensors as 1-D; one tensor, or several as a tuple."""
    return _each(lambda t: t.reshape(1) if t.dim() == 0 else t, tensors)


def atleast_2d(*tensors: Any) -> Any:
    """View 0-D and 1-D tensors as 2-D rows; one tensor, or several as a tuple."""

    def widen(t: Tensor) -> Tensor:
        return t.reshape(1, 1) if t.dim() == 0 else t.unsqueeze(0) if t.dim() == 1 else t

    return _each(widen, tensors)


def atleast_3d(*tensors: Any) -> Any:
    """View smaller tensors as 3-D: (1, 1, 1), (1, n, 1) or (n, m, 1)."""

    def widen(t: Tensor) -> Tensor:
        if t.dim() == 0:
            return t.reshape(1, 1, 1)
        if t.dim() == 1:
            return t.unsqueeze(0).unsqueeze(-1)
        return t.unsqueeze(-1) if t.dim() == 2 else t

    return _each(widen, tensors)


def unravel_index(indices: Tensor, shape: Any) -> tuple[Tensor, ...]:
    """Turn positions in a flattened tensor into one index tensor for each dimension of `shape`.

    Raises:
        ValueError: for a position outside `shape`.
    """
    sizes = [shape] if isinstance(shape, int) else [int(n) for n in shape]
    total = math.prod(sizes)
    if indices.numel() and (int(indices.max()) >= total or int(indices.min()) < 0):
        raise ValueError(
            f"unravel_index(): an index is out of range for shape {tuple(sizes)}; expected "
            f"0..{total - 1}"
        )
    result = []
    for n in reversed(sizes):
        result.append(ops.remainder(indices, n))
        indices = ops.div(indices, n, rounding_mode="floor")
    return tuple(reversed(result))
