"""Composed functions that compute: norms, differences, integrals, statistics, products."""

from __future__ import annotations

import math

from pygrad import _C
from pygrad._shaping import broadcast_shapes, broadcast_tensors, wrap_dim

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pygrad._C import Tensor

ops = _C.ops


def norm(
    input: Tensor,
    p: Any = "fro",
    dim: Any = None,
    keepdim: bool = False,
    out: None = None,
    dtype: Any = None,
) -> Tensor:
    """Vector norm of all elements or along `dim` (``"nuc"``: of a matrix's singular values).

    Args:
        input: floating-point or complex.
        p: a number, ``"fro"`` (2) or ``"nuc"``.
        dim: a dimension or several.
        keepdim: keep the reduced dimensions with size 1.
        out: must be None.
        dtype: compute in this dtype.
    """
    from pygrad.linalg import matrix_norm, vector_norm

    if p == "nuc":
        return matrix_norm(input, "nuc", (-2, -1) if dim is None else dim, keepdim, dtype=dtype)
    order = 2 if p in ("fro", None) else p
    return vector_norm(input, order, dim, keepdim, dtype=dtype)


def dist(input: Tensor, other: Tensor, p: float = 2) -> Tensor:
    """The p-norm of ``input - other``."""
    return norm(input - other, p)


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
    from pygrad.linalg import vector_norm

    if x1.dim() < 2 or x2.dim() < 2 or x1.shape[-1] != x2.shape[-1]:
        raise RuntimeError(
            f"cdist(): got {tuple(x1.shape)} and {tuple(x2.shape)}; expected at least two "
            "dimensions each, the last of equal size"
        )
    if p < 0:
        raise RuntimeError(f"cdist(): only supports non-negative p values, got {p}")
    return vector_norm(x1.unsqueeze(-2) - x2.unsqueeze(-3), p, -1)


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


def kron(input: Tensor, other: Tensor) -> Tensor:
    """Kronecker product; the smaller number of dimensions is filled with ones in front."""
    n = max(input.dim(), other.dim())
    a = [1] * (n - input.dim()) + list(input.shape)
    b = [1] * (n - other.dim()) + list(other.shape)
    left = input.reshape([s for size in a for s in (size, 1)])
    right = other.reshape([s for size in b for s in (1, size)])
    return (left * right).reshape([p * q for p, q in zip(a, b, strict=True)])


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
    result = ops.matmul(centered, scaled.transpose(0, 1).conj()) / norm_factor
    return result.reshape(()) if input.dim() < 2 else result


def corrcoef(input: Tensor) -> Tensor:
    """Matrix of Pearson's correlation coefficients; rows are variables."""
    c = cov(input)
    if c.dim() == 0:
        return c / c
    deviation = ops.sqrt(c.diagonal().real if c.is_complex() else c.diagonal())
    return c / deviation.unsqueeze(1) / deviation.unsqueeze(0)


def quantile(
    input: Tensor,
    q: Any,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
) -> Tensor:
    """The q-quantiles along `dim`; NaN where there is one.

    Args:
        input: float32 or float64.
        q: a number or a 1-D tensor of numbers in [0, 1]; a tensor adds a first dimension.
        dim: the dimension to reduce; default: all.
        keepdim: keep it with size 1.
        interpolation: ``"linear"``, ``"lower"``, ``"higher"``, ``"midpoint"`` or ``"nearest"``.
    """
    if interpolation not in ("linear", "lower", "higher", "midpoint", "nearest"):
        raise RuntimeError(
            "quantile(): interpolation must be one of linear, lower, higher, midpoint or nearest, "
            f"but got {interpolation}"
        )
    many = isinstance(q, _C.Tensor) and q.dim() == 1
    points = [float(v) for v in (q.tolist() if many else [q])]
    if any(not 0 <= v <= 1 for v in points):
        raise RuntimeError(f"quantile(): q must be in the range [0, 1] but got {points}")
    if input.numel() == 0:
        raise RuntimeError("quantile(): input tensor must be non-empty")
    axis = -1 if dim is None else wrap_dim("quantile", dim, input.dim())
    data = input.reshape(-1) if dim is None else input.transpose(axis, -1)
    ordered = ops.sort(data, -1)[0]
    last = data.shape[-1] - 1
    has_nan = ops.isnan(data).any(-1)
    results = []
    for v in points:
        at = v * last
        low, high = math.floor(at), math.ceil(at)
        if interpolation == "nearest":
            low = high = round(at)
        high = low if interpolation == "lower" else high
        low = high if interpolation == "higher" else low
        weight = 0.5 if interpolation == "midpoint" else at - low
        below, above = ordered.select(-1, low), ordered.select(-1, high)
        value = below if low == high else below + (above - below) * weight
        value = ops.where(has_nan, ordered.select(-1, last) * float("nan"), value)
        value = value.unsqueeze(-1)
        if dim is not None:
            value = value.transpose(axis, -1)
            value = value if keepdim else value.squeeze(axis)
        else:
            value = value.reshape([1] * input.dim() if keepdim else [])
        results.append(value)
    return ops.stack(results, 0) if many else results[0]


def std_mean(
    input: Tensor, dim: Any = None, *, correction: float = 1, keepdim: bool = False
) -> tuple[Tensor, Tensor]:
    """Standard deviation and mean along `dim`."""
    options = {"correction": correction, "keepdim": keepdim}
    if dim is None:
        return ops.std(input, correction=correction), ops.mean(input)
    return ops.std(input, dim, **options), ops.mean(input, dim, keepdim)


def var_mean(
    input: Tensor, dim: Any = None, *, correction: float = 1, keepdim: bool = False
) -> tuple[Tensor, Tensor]:
    """Variance and mean along `dim`."""
    options = {"correction": correction, "keepdim": keepdim}
    if dim is None:
        return ops.var(input, correction=correction), ops.mean(input)
    return ops.var(input, dim, **options), ops.mean(input, dim, keepdim)


def take_along_dim(input: Tensor, indices: Tensor, dim: int | None = None) -> Tensor:
    """Gather along `dim` with broadcasting of the other dimensions; flattened without `dim`."""
    if dim is None:
        return ops.gather(input.reshape(-1), 0, indices.reshape(-1))
    axis = wrap_dim("take_along_dim", dim, input.dim())
    a, b = list(input.shape), list(indices.shape)
    a[axis] = b[axis] = 1
    shape = list(broadcast_shapes(a, b))
    a, b = list(shape), list(shape)
    a[axis], b[axis] = input.shape[axis], indices.shape[axis]
    return ops.gather(input.expand(a), axis, indices.expand(b))


def isin(
    elements: Any, test_elements: Any, *, assume_unique: bool = False, invert: bool = False
) -> Tensor:
    """Whether each element is among `test_elements`."""
    elements, test_elements = (_C.as_tensor(t) for t in (elements, test_elements))
    found = (elements.unsqueeze(-1) == test_elements.reshape(-1)).any(-1)
    return ops.logical_not(found) if invert else found
