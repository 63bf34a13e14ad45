"""The factorizations behind `pygrad.linalg`: NumPy forward, differentiable backward.

Formulas: M. Giles, "Collected matrix derivative results for forward and reverse mode algorithmic
differentiation" (2008); for QR: Walter and Lehmann (2018); for complex SVD: Wan and Zhang (2019);
for the pseudo-inverse: Golub and Pereyra (1973).
"""

from __future__ import annotations

from pygrad import _C
from pygrad.autograd.function import Function

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pygrad._C import Tensor

ops = _C.ops


class LinAlgError(RuntimeError):
    """A matrix is singular, not positive definite, or an iteration did not converge."""


def _adjoint(a: Tensor) -> Tensor:
    a = a.transpose(-2, -1)
    return a.conj() if a.is_complex() else a


def _mm(*factors: Tensor) -> Tensor:
    result = factors[0]
    for f in factors[1:]:
        result = ops.matmul(result, f)
    return result


def _numpy(name: str, *args: Any, **options: Any) -> Any:
    """Run ``numpy.linalg.<name>`` on tensors and give its results back as tensors."""
    import numpy as np

    like = args[0]
    arrays = [
        a.detach().cpu().resolve_conj().numpy() if isinstance(a, _C.Tensor) else a for a in args
    ]
    try:
        with np.errstate(all="ignore"):
            found = getattr(np.linalg, name)(*arrays, **options)
    except np.linalg.LinAlgError as error:
        raise LinAlgError(f"linalg.{name}(): {error}; input of shape {tuple(like.shape)}") from None

    def back(array: Any) -> Tensor:
        made = _C.from_numpy(np.array(array, order="C", copy=True))
        return made.to(like.device)

    return tuple(map(back, found)) if isinstance(found, tuple) else back(found)


class _Inv(Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor) -> Tensor:
        inverse: Tensor = _numpy("inv", a)
        ctx.save_for_backward(inverse)
        return inverse

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:
        h = _adjoint(ctx.saved_tensors[0])
        return -_mm(h, g, h)


class _Det(Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor) -> Tensor:
        result: Tensor = _numpy("det", a).to(a.dtype)
        ctx.save_for_backward(a, result)
        return result

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:
        a, d = ctx.saved_tensors
        d = d.conj() if d.is_complex() else d
        if bool((d != 0).all().item()):
            inverse: Tensor = _Inv.apply(a)
            scale: Tensor = (g * d).unsqueeze(-1).unsqueeze(-1)
            return scale * _adjoint(inverse)
        # A singular matrix has cofactors all the same: U diag(products of the others) Vh.
        u, s, vh = _Svd.apply(a, False)
        n = s.shape[-1]
        others = [ops.prod(ops.cat([s[..., :i], s[..., i + 1 :]], -1), -1) for i in range(n)]
        unit: Tensor = _Det.apply(ops.matmul(u, vh)).unsqueeze(-1).unsqueeze(-1)
        cofactors = unit * _mm(u * ops.stack(others, -1).unsqueeze(-2).to(u.dtype), vh)
        return g.unsqueeze(-1).unsqueeze(-1) * cofactors


class _Slogdet(Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor) -> tuple[Tensor, Tensor]:
        sign, logabs = _numpy("slogdet", a)
        ctx.save_for_backward(a, sign)
        if not a.is_complex():
            ctx.mark_non_differentiable(sign)
        return sign, logabs

    @staticmethod
    def backward(ctx: Any, g_sign: Tensor, g_log: Tensor) -> Tensor:
        a, sign = ctx.saved_tensors
        h = _adjoint(_Inv.apply(a))
        g = g_log
        if a.is_complex():
            # The sign turns with the imaginary part of tr(A^-1 dA).
            turn = (sign.conj() * g_sign).imag
            g = ops.complex(g_log, turn)
        return g.unsqueeze(-1).unsqueeze(-1) * h


class _Solve(Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor) -> Tensor:
        x: Tensor = _numpy("solve", a, b)
        ctx.save_for_backward(a, x)
        return x

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, Tensor]:
        a, x = ctx.saved_tensors
        gb = _Solve.apply(_adjoint(a), g)
        return -_mm(gb, _adjoint(x)), gb


def _half_diagonal(a: Tensor) -> Tensor:
    """Lower triangle with the diagonal halved."""
    return (ops.tril(a) + ops.tril(a, -1)) * 0.5


class _Cholesky(Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor) -> Tensor:
        lower: Tensor = _numpy("cholesky", a)
        ctx.save_for_backward(lower)
        return lower

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:
        (lower,) = ctx.saved_tensors
        inverse = _Inv.apply(lower)
        s = _mm(_adjoint(inverse), _half_diagonal(_mm(_adjoint(lower), g)), inverse)
        return (s + _adjoint(s)) * 0.5


class _Qr(Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor, mode: str) -> tuple[Tensor, Tensor]:
        q, r = _numpy("qr", a, mode="complete" if mode == "complete" else "reduced")
        ctx.mode, ctx.shape = mode, tuple(a.shape)
        ctx.save_for_backward(q, r)
        return q, r

    @staticmethod
    def backward(ctx: Any, gq: Tensor, gr: Tensor) -> tuple[Tensor, None]:
        m, n = ctx.shape[-2:]
        if m < n or (ctx.mode == "complete" and m != n):
            raise NotImplementedError(
                f"linalg.qr(): the derivative is not implemented for mode {ctx.mode!r} and "
                f"shape {ctx.shape}; expected at least as many rows as columns and mode 'reduced'"
            )
        q, r = ctx.saved_tensors
        middle = _mm(r, _adjoint(gr)) - _mm(_adjoint(gq), q)
        lower = _half_diagonal(middle)
        # Hermitian with the lower triangle of `middle`; the diagonal counts once, its real part.
        full = lower + _adjoint(lower)
        return _mm(gq + _mm(q, full), _adjoint(_Inv.apply(r))), None


def _gaps(values: Tensor) -> Tensor:
    """``1 / (values_j - values_i)``, zero where i == j."""
    gap = values.unsqueeze(-2) - values.unsqueeze(-1)
    eye = ops.eye(values.shape[-1], dtype=gap.dtype, device=gap.device)
    return (1 - eye) / (gap + eye)


class _Eigh(Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor, uplo: str) -> tuple[Tensor, Tensor]:
        values, vectors = _numpy("eigh", a, UPLO=uplo)
        ctx.save_for_backward(values, vectors)
        return values, vectors

    @staticmethod
    def backward(ctx: Any, g_values: Tensor, g_vectors: Tensor) -> tuple[Tensor, None]:
        values, v = ctx.saved_tensors
        inner = _mm(_adjoint(v), g_vectors) * _gaps(values)
        inner = (inner + _adjoint(inner)) * 0.5 + ops.diag_embed(g_values).to(v.dtype)
        return _mm(v, inner, _adjoint(v)), None


class _Svd(Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor, full: bool) -> tuple[Tensor, Tensor, Tensor]:
        u, s, vh = _numpy("svd", a, full_matrices=full)
        ctx.save_for_backward(u, s, vh)
        ctx.set_materialize_grads(False)
        return u, s, vh

    @staticmethod
    def backward(
        ctx: Any, gu: Tensor | None, gs: Tensor | None, gvh: Tensor | None
    ) -> tuple[Tensor, None]:
        u, s, vh = ctx.saved_tensors
        k = s.shape[-1]
        if (gu is not None and u.shape[-1] > k) or (gvh is not None and vh.shape[-2] > k):
            raise NotImplementedError(
                "linalg.svd(): the derivative of U or Vh is not implemented for "
                "full_matrices=True; expected full_matrices=False"
            )
        u, vh = u[..., :k], vh[..., :k, :]
        v = _adjoint(vh)
        inner = ops.zeros_like(_mm(_adjoint(u), u))
        if gs is not None:
            inner = inner + ops.diag_embed(gs).to(inner.dtype)
        # E_ij = s_j^2 - s_i^2; each of U and V contributes the skew part of its product.
        squares = _gaps(s * s).to(inner.dtype)
        row, column = s.unsqueeze(-1).to(inner.dtype), s.unsqueeze(-2).to(inner.dtype)
        skew_u = skew_v = None
        if gu is not None:
            product = _mm(_adjoint(u), gu)
            skew_u = product - _adjoint(product)
            inner = inner + skew_u * squares * column
        if gvh is not None:
            gv = _adjoint(gvh)
            product = _mm(_adjoint(v), gv)
            skew_v = product - _adjoint(product)
            inner = inner + row * skew_v * squares
        if u.is_complex() and skew_u is not None:
            # Free phase of each pair of vectors: the imaginary diagonal belongs to U.
            turn = ops.diagonal(skew_u, 0, -2, -1) / (2 * s.to(skew_u.dtype))
            inner = inner + ops.diag_embed(turn)
        result = _mm(u, inner, vh)
        inverse = (1 / s).unsqueeze(-2).to(u.dtype)
        if gu is not None and u.shape[-2] > k:
            rest = gu - _mm(u, _adjoint(u), gu)
            result = result + _mm(rest * inverse, vh)
        if gvh is not None and vh.shape[-1] > k:
            gv = _adjoint(gvh)
            rest = gv - _mm(v, vh, gv)
            result = result + _mm(u, _adjoint(rest * inverse))
        return result, None


class _Pinv(Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor, rcond: float | None) -> Tensor:
        from pygrad._numeric_limits import finfo

        if rcond is None:
            rcond = max(a.shape[-2:]) * finfo(a.dtype).eps
        p: Tensor = _numpy("pinv", a, rcond=rcond)
        ctx.save_for_backward(a, p)
        return p

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None]:
        a, p = ctx.saved_tensors
        ph, gh = _adjoint(p), _adjoint(g)
        # dP = -P dA P + P P^H dA^H (1 - A P) + (1 - P A) dA^H P^H P, and its adjoint.
        first = -_mm(ph, g, ph)
        second = _mm(gh - _mm(a, _mm(p, gh)), _mm(p, ph))
        third = _mm(_mm(ph, p), gh - _mm(_mm(gh, p), a))
        return first + second + third, None
