"""Composed functions that compute: distances, differences, integrals, covariances."""

from __future__ import annotations

from pygrad import _C
from pygrad._shaping import broadcast_tensors, wrap_dim

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pygrad._C import Tensor

ops = _C.ops


def cdist(x1: Tensor, x2: Tensor, p: float = 2.0, compute_mode: str | None = None) -> Tensor:
    """p-norm distances between all rows: (..., n, d) and (..., m, d) give (..., n, m).

    Args:
        x1: left rows.
        x2: right rows.
        p: order of the norm, not negative.
        compute_mode: accepted; differences are always formed, which loses no digits.

    Raises:
        RuntimeError: when the rows differ in length.
    """
    if x1.dim() < 2 or x2.dim() < 2 or x1.shape[-1] != x2.shape[-1]:
        raise RuntimeError(
            f"cdist(): got {tuple(x1.shape)} and {tuple(x2.shape)}; expected at least two "
            "dimensions each, the last of equal size"
        )
    if p < 0:
        raise RuntimeError(f"cdist(): only supports non-negative p values, got {p}")
    return ops.vector_norm(x1.unsqueeze(-2) - x2.unsqueeze(-3), p, -1)


def diff(
    input: Tensor, n: int = 1, dim: int = -1, prepend: Any = None, append: Any = None
) -> Tensor:
    """The n-th differences of neighbours along `dim`."""
    parts = [t for t in (prepend, input, append) if t is not None]
    result = ops.cat(parts, dim) if len(parts) > 1 else input
    axis = wrap_dim("diff", dim, result.dim())
    for _ in range(n):
        length = result.shape[axis]
        if length == 0:
            break
        high, low = result.narrow(axis, 1, length - 1), result.narrow(axis, 0, length - 1)
        result = ops.logical_xor(high, low) if result.dtype == _C.bool else high - low
    return result


def _steps(y: Tensor, x: Any, dx: Any, dim: int) -> tuple[int, Any, Tensor]:
    """Dimension, widths and doubled heights of the trapezoids under `y`."""
    axis = wrap_dim("trapezoid", dim, y.dim())
    length = y.shape[axis]
    heights = y.narrow(axis, 1, max(length - 1, 0)) if length else y
    if length:
        heights = heights + y.narrow(axis, 0, length - 1)
    if x is None:
        return axis, 1 if dx is None else dx, heights
    widths = diff(x, 1, axis if x.dim() > 1 else -1)
    if x.dim() == 1:
        widths = widths.reshape([-1] + [1] * (y.dim() - axis - 1))
    return axis, widths, heights


def trapezoid(y: Tensor, x: Any = None, *, dx: Any = None, dim: int = -1) -> Tensor:
    """Integrate `y` along `dim` by the trapezoidal rule, at points `x` or `dx` apart."""
    axis, widths, heights = _steps(y, x, dx, dim)
    return ops.sum(heights * widths, axis) / 2


def cumulative_trapezoid(y: Tensor, x: Any = None, *, dx: Any = None, dim: int = -1) -> Tensor:
    """Running integral of `y` along `dim` by the trapezoidal rule."""
    axis, widths, heights = _steps(y, x, dx, dim)
    return ops.cumsum(heights * widths, axis) / 2


def cross(input: Tensor, other: Tensor, dim: int | None = None) -> Tensor:
    """Cross product of vectors of three elements along `dim` (default: the first such one)."""
    if dim is None:
        dim = next((i for i, n in enumerate(input.shape) if n == 3), None)
    axis = None if dim is None else wrap_dim("cross", dim, input.dim())
    if axis is None or input.shape[axis] != 3 or other.shape[axis] != 3:
        raise RuntimeError(
            f"cross(): got {tuple(input.shape)} and {tuple(other.shape)}; expected a dimension of "
            "3 elements in both"
        )
    a, b = (ops.unbind(t, axis) for t in broadcast_tensors(input, other))
    parts = [a[i - 2] * b[i - 1] - a[i - 1] * b[i - 2] for i in range(3)]
    return ops.stack(parts, axis)


def vander(x: Tensor, N: int | None = None, increasing: bool = False) -> Tensor:
    """Vandermonde matrix: the powers of `x` as columns, from the highest unless `increasing`."""
    count = x.shape[0] if N is None else N
    if x.dim() != 1 or count < 0:
        raise RuntimeError(
            f"vander(): got a {x.dim()}-D tensor and N={N}; expected a 1-D tensor, N >= 0"
        )
    if count == 0:
        return x.new_empty((x.shape[0], 0))
    columns = [ops.ones_like(x)]
    for _ in range(count - 1):
        columns.append(columns[-1] * x)
    return ops.stack(columns if increasing else columns[::-1], 1)


def cov(
    input: Tensor, *, correction: int = 1, fweights: Any = None, aweights: Any = None
) -> Tensor:
    """Covariance matrix; rows are variables, columns observations.

    Args:
        input: (variables, observations) or (observations,).
        correction: subtracted from the number of observations.
        fweights: how often each observation counts, integers.
        aweights: weight of each observation.
    """
    if input.dim() > 2:
        raise RuntimeError(
            f"cov(): expected input to have two or fewer dimensions but got {input.dim()}"
        )
    x = input.reshape(1, -1) if input.dim() < 2 else input
    weights = fweights
    if aweights is not None:
        weights = aweights if fweights is None else aweights * fweights
    if weights is None:
        mean = ops.mean(x, 1, True)
        norm_factor: Any = x.shape[1] - correction
        centered = x - mean
        scaled = centered
    else:
        total = ops.sum(weights)
        mean = ops.sum(x * weights, 1, keepdim=True) / total
        if aweights is None or correction == 0:
            norm_factor = total - correction
        else:
            norm_factor = total - correction * ops.sum(weights * aweights) / total
        centered = x - mean
        scaled = centered * weights
    if not isinstance(norm_factor, _C.Tensor):
        norm_factor = max(norm_factor, 0)
    result: Tensor = ops.matmul(centered, scaled.transpose(0, 1).conj()) / norm_factor
    return result.reshape(()) if input.dim() < 2 else result


def corrcoef(input: Tensor) -> Tensor:
    """Matrix of Pearson's correlation coefficients; rows are variables."""
    c = cov(input)
    if c.dim() == 0:
        return c / c
    deviation = ops.sqrt(c.diagonal().real if c.is_complex() else c.diagonal())
    return c / deviation.unsqueeze(1) / deviation.unsqueeze(0)


def isin(
    elements: Any, test_elements: Any, *, assume_unique: bool = False, invert: bool = False
) -> Tensor:
    """Whether each element is among `test_elements`."""
    elements, test_elements = (_C.as_tensor(t) for t in (elements, test_elements))
    found = (elements.unsqueeze(-1) == test_elements.reshape(-1)).any(-1)
    return ops.logical_not(found) if invert else found
