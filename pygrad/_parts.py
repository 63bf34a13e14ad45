"""Copies with a part replaced, parts of numbers, and counts: composed functions and methods.

Example:
    >>> import pygrad
    >>> pygrad.select_scatter(pygrad.zeros(2, 2), pygrad.ones(2), 0, 1)
    tensor([[0., 0.],
            [1., 1.]])
"""

from __future__ import annotations

from pygrad import _C
from pygrad._shaping import wrap_dim

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from pygrad._C import Tensor

ops = _C.ops


def _placed(op: str, copy: Tensor, part: Tensor, src: Tensor) -> Tensor:
    if tuple(part.shape) != tuple(src.shape):
        raise RuntimeError(
            f"{op}(): expected src to have a size equal to the slice of self: src size = "
            f"{tuple(src.shape)}, slice size = {tuple(part.shape)}"
        )
    part.copy_(src)
    return copy


def select_scatter(input: Tensor, src: Tensor, dim: int, index: int) -> Tensor:
    """A copy of the input in which ``select(dim, index)`` is `src`."""
    copy = input.clone()
    return _placed("select_scatter", copy, ops.select(copy, dim, index), src)


def slice_scatter(
    input: Tensor,
    src: Tensor,
    dim: int = 0,
    start: int | None = None,
    end: int | None = None,
    step: int = 1,
) -> Tensor:
    """A copy of the input in which the slice ``start:end:step`` of `dim` is `src`."""
    copy = input.clone()
    axis = wrap_dim("slice_scatter", dim, input.dim())
    part = copy[(slice(None),) * axis + (slice(start, end, step),)]
    return _placed("slice_scatter", copy, part, src)


def diagonal_scatter(
    input: Tensor, src: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1
) -> Tensor:
    """A copy of the input in which ``diagonal(offset, dim1, dim2)`` is `src`."""
    copy = input.clone()
    return _placed("diagonal_scatter", copy, ops.diagonal(copy, offset, dim1, dim2), src)


def as_strided_scatter(
    input: Tensor, src: Tensor, size: Any, stride: Any, storage_offset: int | None = None
) -> Tensor:
    """A copy of the input in which ``as_strided(size, stride, storage_offset)`` is `src`."""
    copy = input.clone()
    part = ops.as_strided(copy, size, stride, storage_offset)
    return _placed("as_strided_scatter", copy, part, src)


def fill_diagonal_(self: Tensor, fill_value: float, wrap: bool = False) -> Tensor:
    """Write a number on the main diagonal, in place.

    Args:
        self: a matrix, or a tensor whose dimensions all have one length.
        fill_value: the number.
        wrap: in a tall matrix, begin a new diagonal below the end of each.
    """
    sizes, strides = list(self.shape), list(self.stride())
    if len(sizes) < 2:
        raise RuntimeError("fill_diagonal_(): dimensions must larger than 1")
    if len(sizes) > 2 and len(set(sizes)) > 1:
        raise RuntimeError(
            f"fill_diagonal_(): all dimensions of input must be of equal length, got {sizes}"
        )
    length, step, first = min(sizes), sum(strides), self.storage_offset()
    ops.as_strided(self, [length], [step], first).fill_(fill_value)
    if wrap and len(sizes) == 2:
        row = sizes[1] + 1
        while row < sizes[0]:
            count = min(sizes[0] - row, sizes[1])
            ops.as_strided(self, [count], [step], first + row * strides[0]).fill_(fill_value)
            row += sizes[1] + 1
    return self


def renorm(input: Tensor, p: float, dim: int, maxnorm: float) -> Tensor:
    """Scale each part along `dim` whose p-norm is above `maxnorm` down to it."""
    axis = wrap_dim("renorm", dim, input.dim())
    others = [d for d in range(input.dim()) if d != axis]
    norm = ops.vector_norm(input, p, others, True)
    scale = ops.where(norm > maxnorm, maxnorm / (norm + 1e-7), ops.ones_like(norm))
    return input * scale


def frexp(input: Tensor) -> Any:
    """Mantissa and exponent: ``input = mantissa * 2 ** exponent``, ``0.5 <= |mantissa| < 1``.

    Args:
        input: floating point, any shape.

    Returns:
        ``(mantissa, exponent)``, the exponent as int32.
    """
    if not input.is_floating_point():
        raise RuntimeError(f"frexp(): only supports floating-point dtypes, got {input.dtype}")
    from pygrad.linalg import _named

    wide = input.detach().to(_C.float64)
    regular = ops.isfinite(wide) & (wide != 0)
    safe = ops.where(regular, ops.abs(wide), 1.0)
    exponent = ops.floor(ops.log2(safe)) + 1
    # The logarithm is rounded: next to a power of two it may be one off.
    mantissa = safe / ops.pow(2.0, exponent)
    exponent = exponent + (mantissa >= 1).to(_C.float64) - (mantissa < 0.5).to(_C.float64)
    exponent = ops.where(regular, exponent, 0.0)
    half = exponent / 2
    first = ops.floor(half)
    # In two steps, since 2 ** -exponent alone may overflow.
    scale = ops.pow(2.0, -first).to(input.dtype), ops.pow(2.0, first - exponent).to(input.dtype)
    return _named("frexp", "mantissa exponent", (input * scale[0] * scale[1], exponent.int()))


def histogram(
    input: Tensor,
    bins: Any,
    *,
    range: Sequence[float] | None = None,
    weight: Tensor | None = None,
    density: bool = False,
) -> Any:
    """Counts of the elements between the edges of bins; the last bin includes its upper edge.

    Args:
        input: any shape.
        bins: how many bins of equal width, or a tensor of edges, increasing.
        range: the lowest and the highest edge; default: those of the elements.
        weight: of each element, of the input's shape; default: one.
        density: divide by the total and by the widths.

    Returns:
        ``(hist, bin_edges)``: (bins,) and (bins + 1,).
    """
    from pygrad.linalg import _named

    if not input.is_floating_point():
        raise RuntimeError(f"histogram(): not implemented for {input.dtype}; expected floating")
    flat = input.detach().reshape(-1)
    if isinstance(bins, _C.Tensor):
        edges = bins
    else:
        if bins < 1:
            raise RuntimeError(f"histogram(): bins must be > 0, but got {bins}")
        if range is not None:
            low, high = float(range[0]), float(range[1])
        elif flat.numel():
            low, high = float(flat.min()), float(flat.max())
        else:
            low, high = 0.0, 1.0
        if not low <= high:
            raise RuntimeError(f"histogram(): max must be larger than min, got {low} and {high}")
        if low == high:
            low, high = low - 0.5, high + 0.5
        edges = ops.linspace(low, high, bins + 1, dtype=input.dtype, device=input.device)
    count = edges.shape[0] - 1
    place = ops.bucketize(flat, edges, right=True) - 1
    place = ops.where(flat == edges[-1], count - 1, place)
    inside = (place >= 0) & (place < count)
    weights = ops.ones_like(flat) if weight is None else weight.detach().reshape(-1)
    hist = ops.zeros((count,), dtype=input.dtype, device=input.device)
    hist = ops.scatter_add(hist, 0, place[inside], weights[inside])
    if density:
        hist = hist / (ops.sum(hist) * (edges[1:] - edges[:-1]))
    return _named("histogram", "hist bin_edges", (hist, edges))


def gradient(
    input: Tensor, *, spacing: Any = None, dim: Any = None, edge_order: int = 1
) -> tuple[Tensor, ...]:
    """Derivatives along dimensions by central differences, second-order exact inside.

    Args:
        input: samples of a function.
        spacing: the step, one step per dimension, or one tensor of coordinates per dimension.
        dim: the dimensions; default: all.
        edge_order: 1 or 2, the order of the one-sided differences at both ends.
    """
    if edge_order not in (1, 2):
        raise RuntimeError(f"gradient(): expected edge_order to be 1 or 2, got {edge_order}")
    wanted = range(input.dim()) if dim is None else [dim] if isinstance(dim, int) else dim
    dims = [wrap_dim("gradient", d, input.dim()) for d in wanted]
    if spacing is None or isinstance(spacing, (int, float)):
        steps: list[Any] = [1.0 if spacing is None else spacing] * len(dims)
    else:
        steps = list(spacing)
    if len(steps) != len(dims):
        raise RuntimeError(
            f"gradient(): expected spacing to have {len(dims)} entries, got {len(steps)}"
        )
    value = input if input.is_floating_point() or input.is_complex() else input.float()
    return tuple(
        _derivative(value, axis, h, edge_order) for axis, h in zip(dims, steps, strict=True)
    )


def _derivative(value: Tensor, axis: int, spacing: Any, edge_order: int) -> Tensor:
    n = value.shape[axis]
    if n < edge_order + 1:
        raise RuntimeError(
            f"gradient(): expected each dimension size to be at least {edge_order + 1}, got {n}"
        )
    f = value.movedim(axis, -1)
    if isinstance(spacing, _C.Tensor) and spacing.dim() == 1:
        h = (spacing[1:] - spacing[:-1]).to(f.dtype)
    else:
        h = f.new_full((n - 1,), float(spacing))
    slope = (f[..., 1:] - f[..., :-1]) / h
    a, b = h[:-1], h[1:]
    inside = (slope[..., :-1] * b + slope[..., 1:] * a) / (a + b)
    first, last = slope[..., :1], slope[..., -1:]
    if edge_order == 2:
        first = first + (first - slope[..., 1:2]) * h[0] / (h[0] + h[1])
        last = last + (last - slope[..., -2:-1]) * h[-1] / (h[-1] + h[-2])
    return ops.cat([first, inside, last], -1).movedim(-1, axis).contiguous()


# --- methods' function forms ---------------------------------------------------------------------


def detach(input: Tensor) -> Tensor:
    """The same values without a history; shares memory."""
    return input.detach()


def detach_(input: Tensor) -> Tensor:
    """Cut the tensor from its history, in place."""
    return input.detach_()


def fill(input: Tensor, value: Any) -> Tensor:
    """A tensor like the input, filled with `value`."""
    return input.clone().fill_(value)


def get_device(input: Tensor) -> int:
    """The index of the CUDA device that holds the tensor, -1 for the CPU."""
    index: int = input.get_device()
    return index


def is_conj(input: Tensor) -> bool:
    """Return False: conjugates are computed, not marked."""
    answer: bool = input.is_conj()
    return answer


def is_neg(input: Tensor) -> bool:
    """Return False: negatives are computed, not marked."""
    answer: bool = input.is_neg()
    return answer


def is_distributed(input: Tensor) -> bool:
    """Return False: a tensor lives in one process."""
    return False


def unsafe_chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """Copies of the parts that `chunk` gives."""
    return tuple(part.clone() for part in ops.chunk(input, chunks, dim))


def unsafe_split(tensor: Tensor, split_size: int, dim: int = 0) -> tuple[Tensor, ...]:
    """Copies of the parts that `split` gives."""
    return tuple(part.clone() for part in tensor.split(split_size, dim))
