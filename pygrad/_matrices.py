"""Matrix functions of the main namespace: older names of `pygrad.linalg`, and what it composes.

Example:
    >>> import pygrad
    >>> pygrad.trace(pygrad.eye(3))
    tensor(3.)
"""

from __future__ import annotations

from pygrad import _C, linalg
from pygrad._linalg_functions import _numpy
from pygrad.autograd.function import Function

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pygrad._C import Tensor

ops = _C.ops


def trace(input: Tensor) -> Tensor:
    """Sum of the main diagonal of a matrix, ``sum_i input[i, i]``.

    Args:
        input: (m, n).

    Raises:
        RuntimeError: unless the input has two dimensions.
    """
    if input.dim() != 2:
        raise RuntimeError(f"trace(): expected a matrix, but got tensor with dim {input.dim()}")
    return ops.sum(ops.diagonal(input))


def det(input: Tensor) -> Tensor:
    """Determinant of (..., n, n); see `pygrad.linalg.det`."""
    return linalg.det(input)


def slogdet(input: Tensor) -> Any:
    """Sign and logarithm of the absolute determinant; see `pygrad.linalg.slogdet`."""
    return linalg.slogdet(input)


def logdet(input: Tensor) -> Tensor:
    """Logarithm of the determinant of (..., n, n): NaN where the determinant is negative."""
    sign, log = linalg.slogdet(input)
    return ops.where(sign < 0, ops.full_like(log, float("nan")), log)


def inverse(input: Tensor) -> Tensor:
    """Inverse of (..., n, n); see `pygrad.linalg.inv`."""
    return linalg.inv(input)


def pinverse(input: Tensor, rcond: float = 1e-15) -> Tensor:
    """Moore-Penrose inverse of (..., m, n); see `pygrad.linalg.pinv`."""
    return linalg.pinv(input, rcond=rcond)


def matrix_power(input: Tensor, n: int) -> Tensor:
    """The n-th power of (..., m, m); see `pygrad.linalg.matrix_power`."""
    return linalg.matrix_power(input, n)


def _adjoint(a: Tensor) -> Tensor:
    turned = a.transpose(-2, -1)
    return turned.conj() if a.is_complex() else turned


def cholesky(input: Tensor, upper: bool = False) -> Tensor:
    """Cholesky factor of (..., n, n); see `pygrad.linalg.cholesky`."""
    return linalg.cholesky(input, upper=upper)


def cholesky_solve(B: Tensor, L: Tensor, upper: bool = False) -> Tensor:
    """Solve ``A X = B`` by the Cholesky factor of A.

    Args:
        B: (..., n, k).
        L: (..., n, n), the factor; only the triangle that `upper` names is read.
        upper: whether the factor is the upper one, ``A = L^H L``.
    """
    first = _adjoint(L) if upper else L
    half = linalg.solve_triangular(first, B, upper=False)
    return linalg.solve_triangular(_adjoint(first), half, upper=True)


def cholesky_inverse(L: Tensor, upper: bool = False) -> Tensor:
    """Inverse of the matrix whose Cholesky factor is `L` (..., n, n)."""
    return cholesky_solve(ops.eye(L.shape[-1], dtype=L.dtype, device=L.device), L, upper)


def triangular_solve(
    b: Tensor, A: Tensor, upper: bool = True, transpose: bool = False, unitriangular: bool = False
) -> Any:
    """Solve ``A X = b`` with a triangular A; returns ``(solution, cloned_coefficient)``."""
    turned = A.transpose(-2, -1) if transpose else A
    solution = linalg.solve_triangular(
        turned, b, upper=upper != transpose, unitriangular=unitriangular
    )
    return linalg._named("triangular_solve", "solution cloned_coefficient", (solution, A.clone()))


def qr(input: Tensor, some: bool = True) -> Any:
    """``(Q, R)``, complete unless `some`; see `pygrad.linalg.qr`."""
    return linalg.qr(input, "reduced" if some else "complete")


def svd(input: Tensor, some: bool = True, compute_uv: bool = True) -> Any:
    """``(U, S, V)`` with ``input = U diag(S) V^H``; see `pygrad.linalg.svd`.

    Args:
        input: (..., m, n).
        some: cut U and V to min(m, n) columns.
        compute_uv: without it, U and V are zeros.
    """
    u, s, vh = linalg.svd(input, not some)
    v = _adjoint(vh)
    if not compute_uv:
        u, v = ops.zeros_like(u), ops.zeros_like(v)
    return linalg._named("svd", "U S V", (u, s, v))


def matrix_exp(input: Tensor) -> Tensor:
    """Matrix exponential, ``sum_k input^k / k!``, by scaling and squaring a Taylor polynomial.

    Args:
        input: (..., n, n).

    Raises:
        RuntimeError: unless the matrices are square.
    """
    a = linalg._check("matrix_exp", input, True)
    if a.numel() == 0:
        return a.clone()
    norm = float(ops.amax(ops.sum(ops.abs(a.detach()), -2)).item())
    squarings = 0
    while norm > 1 and norm < float("inf"):
        norm, squarings = norm / 2, squarings + 1
    scaled = a / 2.0**squarings
    # At norm 1 the terms beyond the 18th are below 1e-17.
    one = ops.eye(a.shape[-1], dtype=a.dtype, device=a.device)
    total = one + scaled / 18
    for k in range(17, 0, -1):
        total = one + ops.matmul(scaled, total) / k
    for _ in range(squarings):
        total = ops.matmul(total, total)
    return total.expand(a.shape) if total.shape != a.shape else total


class _Eig(Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor) -> tuple[Tensor, Tensor]:
        kind = _C.complex128 if a.dtype in (_C.float64, _C.complex128) else _C.complex64
        values, vectors = (t.to(kind) for t in _numpy("eig", a))
        ctx.save_for_backward(values, vectors)
        ctx.real = not a.is_complex()
        return values, vectors

    @staticmethod
    def backward(ctx: Any, g_values: Tensor, g_vectors: Tensor) -> Tensor:
        values, v = ctx.saved_tensors
        vh = _adjoint(v)
        turned = ops.matmul(vh, g_vectors)
        # The vectors have unit length, which takes the part along themselves away.
        along = ops.diagonal(turned, 0, -2, -1).real.unsqueeze(-2)
        gaps = (values.unsqueeze(-2) - values.unsqueeze(-1)).conj()
        same = ops.eye(values.shape[-1], dtype=_C.bool, device=values.device)
        inner = (turned - ops.matmul(vh, v) * along) / ops.where(same, 1.0, gaps)
        inner = ops.where(same, g_values.unsqueeze(-1), inner)
        g = linalg.solve(vh, ops.matmul(inner, vh))
        return g.real if ctx.real else g


def eig(A: Tensor) -> Any:
    """Eigenvalues and right eigenvectors of square matrices, complex and in no order.

    Args:
        A: (..., n, n).

    Returns:
        ``(eigenvalues, eigenvectors)``: (..., n) and (..., n, n), unit vectors in columns.
    """
    pair = _Eig.apply(linalg._check("eig", A, True))
    return linalg._named("eig", "eigenvalues eigenvectors", pair)


def eigvals(A: Tensor) -> Tensor:
    """Eigenvalues of square matrices, complex and in no order."""
    values: Tensor = eig(A)[0]
    return values
