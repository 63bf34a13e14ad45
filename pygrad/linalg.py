"""Linear algebra: norms and products of registry operations; factorizations by NumPy's LAPACK.

A factorization is a `Function`: its forward runs ``numpy.linalg`` on the CPU (tensors of other
devices are copied there and back), its backward is the known formula written with differentiable
operations, so that second derivatives exist too.
"""

from __future__ import annotations

from pygrad import _C
from pygrad._composed_math import cross, vander
from pygrad._linalg_functions import (
    LinAlgError,
    _Cholesky,
    _Det,
    _Eigh,
    _Inv,
    _Pinv,
    _Qr,
    _Slogdet,
    _Solve,
    _Svd,
)
from pygrad._shaping import broadcast_shapes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from pygrad._C import Tensor

__all__ = [
    "LinAlgError",
    "cholesky",
    "cond",
    "cross",
    "det",
    "diagonal",
    "eigh",
    "eigvalsh",
    "inv",
    "lstsq",
    "matmul",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "multi_dot",
    "norm",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "solve_triangular",
    "svd",
    "svdvals",
    "vander",
    "vecdot",
    "vector_norm",
]

ops = _C.ops
if TYPE_CHECKING:
    matmul = ops.matmul
    vector_norm = ops.vector_norm
_C.export_ops(globals(), "linalg")


def _check(op: str, a: Any, square: bool = False) -> Tensor:
    if not isinstance(a, _C.Tensor):
        raise TypeError(f"linalg.{op}(): expected a tensor, got {type(a).__name__}")
    if a.dim() < 2 or (square and a.shape[-1] != a.shape[-2]):
        kind = "batches of square matrices" if square else "at least two dimensions"
        raise RuntimeError(f"linalg.{op}(): got shape {tuple(a.shape)}; expected {kind}")
    if a.dtype not in (_C.float32, _C.float64, _C.complex64, _C.complex128):
        raise RuntimeError(
            f"linalg.{op}(): got {a.dtype}; expected float32, float64, complex64 or complex128"
        )
    return a


def _dims(dim: Any) -> Any:
    return [dim] if isinstance(dim, int) else None if dim is None else list(dim)


def matrix_norm(
    A: Tensor, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False, *, dtype: Any = None
) -> Tensor:
    """Norm of matrices.

    Args:
        A: (..., m, n).
        ord: ``"fro"``, ``"nuc"``, 1, -1, 2, -2, infinity or minus infinity.
        dim: the two dimensions that make the matrices.
        keepdim: keep them with size 1.
        dtype: compute in this dtype.

    Raises:
        ValueError: for another `ord`.
    """
    if dtype is not None:
        A = A.to(dtype)
    row, column = (d % A.dim() for d in dim)
    if ord == "fro":
        return ops.vector_norm(A, 2, (row, column), keepdim)
    if ord in ("nuc", 2, -2):
        s = svdvals(ops.movedim(A, [row, column], [-2, -1]))
        if ord == "nuc":
            result = ops.sum(s, -1)
        else:
            result = ops.amax(s, -1) if ord == 2 else ops.amin(s, -1)
        if keepdim:
            for d in sorted((row, column)):
                result = result.unsqueeze(d)
        return result
    if ord not in (1, -1, float("inf"), float("-inf")):
        raise ValueError(
            f"linalg.matrix_norm(): order {ord!r} is not supported; expected 'fro', 'nuc', "
            "1, -1, 2, -2, inf or -inf"
        )
    summed, kept = (row, column) if abs(ord) == 1 else (column, row)
    sums = ops.sum(ops.abs(A), [summed], True)
    result = (ops.amax if ord > 0 else ops.amin)(sums, [kept], True)
    if not keepdim:
        for d in sorted((row, column), reverse=True):
            result = result.squeeze(d)
    return result


def norm(
    A: Tensor, ord: Any = None, dim: Any = None, keepdim: bool = False, *, dtype: Any = None
) -> Tensor:
    """Vector or matrix norm, as `dim` and `ord` say.

    Args:
        A: any shape.
        ord: as for `vector_norm` or `matrix_norm`; None: 2-norm of all elements.
        dim: one dimension for vectors, two for matrices.
        keepdim: keep the reduced dimensions with size 1.
        dtype: compute in this dtype.
    """
    if ord is None:
        return ops.vector_norm(A, 2, dim, keepdim, dtype=dtype)
    axes = _dims(dim)
    if axes is None:
        if A.dim() not in (1, 2):
            raise RuntimeError(
                f"linalg.norm(): If dim is not specified but ord is, the input must be 1D or 2D. "
                f"Got {A.dim()}D"
            )
        axes = list(range(A.dim()))
    if len(axes) == 2:
        return matrix_norm(A, ord, axes, keepdim, dtype=dtype)
    return ops.vector_norm(A, ord, axes, keepdim, dtype=dtype)


def vecdot(x: Tensor, y: Tensor, *, dim: int = -1) -> Tensor:
    """Dot products of vectors along `dim`, the first conjugated."""
    return ops.sum((x.conj() if x.is_complex() else x) * y, dim)


def diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Diagonals of matrices; a view."""
    return A.diagonal(offset, dim1, dim2)


def multi_dot(tensors: Sequence[Tensor]) -> Tensor:
    """Multiply matrices in the order that takes the fewest multiplications.

    Args:
        tensors: at least two; the first and the last may be vectors.

    Raises:
        RuntimeError: for fewer, or shapes that do not chain.
    """
    mats = list(tensors)
    if len(mats) < 2:
        raise RuntimeError(f"linalg.multi_dot(): expected at least 2 tensors but got {len(mats)}")
    first, last = mats[0].dim() == 1, mats[-1].dim() == 1
    if first:
        mats[0] = mats[0].unsqueeze(0)
    if last:
        mats[-1] = mats[-1].unsqueeze(-1)
    for i, t in enumerate(mats):
        if t.dim() != 2 or (i and mats[i - 1].shape[1] != t.shape[0]):
            raise RuntimeError(
                "linalg.multi_dot(): shapes do not chain: "
                f"{[tuple(m.shape) for m in tensors]}; expected 2-D tensors, of which each has as "
                "many rows as the one before has columns"
            )
    sizes = [m.shape[0] for m in mats] + [mats[-1].shape[1]]
    n = len(mats)
    # Matrix chain order: cost[i][j] of the product of matrices i..j and where it is cut.
    cost = [[0] * n for _ in range(n)]
    cut = [[0] * n for _ in range(n)]
    for length in range(1, n):
        for i in range(n - length):
            j = i + length
            cost[i][j], cut[i][j] = min(
                (cost[i][k] + cost[k + 1][j] + sizes[i] * sizes[k + 1] * sizes[j + 1], k)
                for k in range(i, j)
            )

    def product(i: int, j: int) -> Tensor:
        if i == j:
            return mats[i]
        k = cut[i][j]
        return ops.matmul(product(i, k), product(k + 1, j))

    result = product(0, n - 1)
    if last:
        result = result.squeeze(-1)
    return result.squeeze(0) if first else result


def matrix_power(A: Tensor, n: int) -> Tensor:
    """The n-th power of square matrices; negative powers invert first."""
    if A.dim() < 2 or A.shape[-1] != A.shape[-2]:
        raise RuntimeError(
            f"linalg.matrix_power(): got shape {tuple(A.shape)}; expected batches of square "
            "matrices"
        )
    if n < 0:
        A, n = inv(A), -n
    result = None
    while n:
        if n & 1:
            result = A if result is None else ops.matmul(result, A)
        n >>= 1
        if n:
            A = ops.matmul(A, A)
    if result is None:
        eye = ops.eye(A.shape[-1], dtype=A.dtype, device=A.device)
        return eye.expand(tuple(A.shape)).clone()
    return result


def inv(A: Tensor) -> Tensor:
    """Inverse of square matrices; LinAlgError (a RuntimeError) when one is singular."""
    inverse: Tensor = _call(_Inv, _check("inv", A, True))
    return inverse


def det(A: Tensor) -> Tensor:
    """Determinant of square matrices."""
    determinant: Tensor = _call(_Det, _check("det", A, True))
    return determinant


def slogdet(A: Tensor) -> Any:
    """Sign and logarithm of the determinant's magnitude: ``(sign, logabsdet)``."""
    return _named("slogdet", "sign logabsdet", _call(_Slogdet, _check("slogdet", A, True)))


def solve(A: Tensor, B: Tensor, *, left: bool = True) -> Tensor:
    """Solve ``A X = B`` (``X A = B`` with ``left=False``).

    Args:
        A: (..., n, n).
        B: (..., n, k) or a batch of vectors (..., n).
    """
    _check("solve", A, True)
    if not left:
        return solve(A.transpose(-2, -1), B.transpose(-2, -1)).transpose(-2, -1)
    vector = B.dim() == 1 or (A.dim() - 1 == B.dim() and tuple(B.shape) == tuple(A.shape[:-1]))
    right = B.unsqueeze(-1) if vector else _check("solve", B)
    if right.shape[-2] != A.shape[-1]:
        raise RuntimeError(
            f"linalg.solve(): Incompatible shapes of A and B: {tuple(A.shape)} and {tuple(B.shape)}"
        )
    batch = tuple(broadcast_shapes(A.shape[:-2], right.shape[:-2]))
    A = A.expand(batch + tuple(A.shape[-2:]))
    right = right.expand(batch + tuple(right.shape[-2:]))
    result: Tensor = _call(_Solve, A, right)
    return result.squeeze(-1) if vector else result


def solve_triangular(
    A: Tensor, B: Tensor, *, upper: bool, left: bool = True, unitriangular: bool = False
) -> Tensor:
    """Solve with the triangle of `A` that `upper` names; the rest of `A` is not read."""
    triangle = (ops.triu if upper else ops.tril)(A, (1 if upper else -1) if unitriangular else 0)
    if unitriangular:
        triangle = triangle + ops.eye(A.shape[-1], dtype=A.dtype, device=A.device)
    return solve(triangle, B, left=left)


def cholesky(A: Tensor, *, upper: bool = False) -> Tensor:
    """Lower (or upper) triangular ``L`` with ``L L^H = A``, A Hermitian positive definite."""
    lower = _call(_Cholesky, _check("cholesky", A, True))
    return _adjoint(lower) if upper else lower


def qr(A: Tensor, mode: str = "reduced") -> Any:
    """``(Q, R)`` with ``A = Q R``; `mode` is ``"reduced"``, ``"complete"`` or ``"r"``."""
    if mode not in ("reduced", "complete", "r"):
        raise RuntimeError(
            f"linalg.qr(): qr received unrecognized mode {mode!r} but expected one of 'reduced', "
            "'r', or 'complete'"
        )
    q, r = _call(_Qr, _check("qr", A), mode)
    return _named("qr", "Q R", (q.new_empty((0,)) if mode == "r" else q, r))


def eigh(A: Tensor, UPLO: str = "L") -> Any:
    """Eigenvalues (ascending) and eigenvectors of Hermitian matrices."""
    return _named("eigh", "eigenvalues eigenvectors", _call(_Eigh, _check("eigh", A, True), UPLO))


def eigvalsh(A: Tensor, UPLO: str = "L") -> Tensor:
    """Eigenvalues (ascending) of Hermitian matrices."""
    values: Tensor = eigh(A, UPLO)[0]
    return values


def svd(A: Tensor, full_matrices: bool = True, *, driver: None = None) -> Any:
    """``(U, S, Vh)`` with ``A = U diag(S) Vh``, singular values descending."""
    return _named("svd", "U S Vh", _call(_Svd, _check("svd", A), full_matrices))


def __getattr__(name: str) -> Any:
    # These are composed of the functions here.
    if name in ("eig", "eigvals", "matrix_exp"):
        from pygrad import _matrices

        return getattr(_matrices, name)
    raise AttributeError(f"module 'pygrad.linalg' has no attribute {name!r}")


def svdvals(A: Tensor, *, driver: None = None) -> Tensor:
    """Singular values, descending."""
    values: Tensor = svd(A, False)[1]
    return values


def pinv(A: Tensor, *, rcond: float | None = None, hermitian: bool = False) -> Tensor:
    """Moore-Penrose inverse.

    Args:
        A: (..., m, n).
        rcond: singular values below this share of the largest count as zero; default: eps times
            the larger of m and n.
        hermitian: accepted; the general routine is used either way.
    """
    inverse: Tensor = _call(_Pinv, _check("pinv", A), rcond)
    return inverse


def lstsq(A: Tensor, B: Tensor, rcond: float | None = None, *, driver: str | None = None) -> Any:
    """Least squares: the X of smallest norm that minimizes the norm of ``A X - B``.

    Returns:
        ``(solution, residuals, rank, singular_values)``; residuals are those of full-rank
        systems with more rows than columns.
    """
    _check("lstsq", A)
    vector = B.dim() == A.dim() - 1
    right = B.unsqueeze(-1) if vector else B
    solution = ops.matmul(pinv(A, rcond=rcond), right)
    s = svdvals(A.detach())
    rank = matrix_rank(A.detach())
    m, n = A.shape[-2:]
    residuals = right.new_empty((0,))
    if m > n and bool((rank == n).all().item()):
        error = ops.abs(ops.matmul(A, solution) - right)
        residuals = ops.sum(error * error, -2)
    if vector:
        solution = solution.squeeze(-1)
    return _named(
        "lstsq", "solution residuals rank singular_values", (solution, residuals, rank, s)
    )


def matrix_rank(
    A: Tensor, *, atol: float | None = None, rtol: float | None = None, hermitian: bool = False
) -> Tensor:
    """Number of singular values above ``max(atol, rtol * largest)``."""
    from pygrad._numeric_limits import finfo

    s = svdvals(A.detach())
    if rtol is None:
        rtol = 0.0 if atol else max(A.shape[-2:]) * finfo(A.dtype).eps
    if s.shape[-1] == 0:
        return ops.sum(s > 0, -1)
    bound = ops.amax(s, [-1], True) * rtol
    bound = ops.clamp(bound, min=atol or 0.0)
    return ops.sum(s > bound, -1)


def cond(A: Tensor, p: Any = None) -> Tensor:
    """Condition number: the norm of A times that of its inverse (p=None: of singular values)."""
    if p in (None, 2, -2):
        s = svdvals(A)
        high, low = s[..., 0], s[..., -1]
        return low / high if p == -2 else high / low
    return matrix_norm(A, p) * matrix_norm(inv(A), p)


def _adjoint(a: Tensor) -> Tensor:
    a = a.transpose(-2, -1)
    return a.conj() if a.is_complex() else a


def _call(function: Any, *args: Any) -> Any:
    return function.apply(*args)


_RESULT_TYPES: dict[str, Callable[..., Any]] = {}


def _named(name: str, fields: str, values: tuple[Tensor, ...]) -> Any:
    """A named tuple; its type is made at first use."""
    if name not in _RESULT_TYPES:
        from collections import namedtuple

        _RESULT_TYPES[name] = namedtuple(name, fields)
    return _RESULT_TYPES[name](*values)
