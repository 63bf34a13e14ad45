"""Discrete Fourier transforms by ``numpy.fft``, differentiable to any order.

One `Function` does the transform along one dimension: it is linear, so its adjoint is the opposite
transform with the opposite scaling. The real transforms are cut out of, or completed to, the
complex one.
"""

from __future__ import annotations

from pygrad import _C
from pygrad.autograd.function import Function

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from pygrad._C import Tensor

ops = _C.ops

_OPPOSITE = {"backward": "forward", "forward": "backward", "ortho": "ortho"}


class _Transform(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, dim: int, norm: str, inverse: bool) -> Tensor:
        import numpy as np

        ctx.plan = (dim, _OPPOSITE[norm], not inverse)
        array = x.detach().cpu().resolve_conj().numpy()
        transform: Any = np.fft.ifft if inverse else np.fft.fft
        found = transform(array, axis=dim, norm=norm)
        made = _C.from_numpy(np.ascontiguousarray(found, dtype=array.dtype))
        return made.reshape(tuple(x.shape)).to(x.device)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Any, ...]:
        return _Transform.apply(g, *ctx.plan), None, None, None


def _complex(op: str, x: Tensor) -> Tensor:
    if x.is_complex():
        return x
    if x.dtype in (_C.float16, _C.bfloat16):
        raise RuntimeError(f"fft.{op}(): got {x.dtype}; expected float32, float64 or complex")
    if not x.is_floating_point():
        x = x.to(_C.get_default_dtype())
    return x.to(_C.complex128 if x.dtype == _C.float64 else _C.complex64)


def _real(op: str, x: Tensor) -> Tensor:
    if x.is_complex():
        raise RuntimeError(f"fft.{op}(): expects a floating point input tensor, got {x.dtype}")
    return x


def _norm(op: str, norm: str | None) -> str:
    if norm is not None and norm not in _OPPOSITE:
        raise RuntimeError(f"fft.{op}(): Invalid normalization mode: {norm!r}")
    return norm or "backward"


def _resize(op: str, x: Tensor, n: int | None, dim: int) -> Tensor:
    """Cut or fill with zeros to `n` along `dim`."""
    length = x.shape[dim]
    n = length if n is None else n
    if n < 1:
        raise RuntimeError(f"fft.{op}(): Invalid number of data points ({n}) specified")
    if n < length:
        return x.narrow(dim, 0, n)
    if n > length:
        shape = list(x.shape)
        shape[dim] = n - length
        x = ops.cat([x, ops.zeros(shape, dtype=x.dtype, device=x.device)], dim)
    return x


def _axis(op: str, x: Tensor, dim: int) -> int:
    if not -x.dim() <= dim < x.dim():
        raise IndexError(f"fft.{op}(): Dimension out of range: got {dim} for a {x.dim()}-D tensor")
    return dim % x.dim()


def _one(op: str, x: Tensor, n: int | None, dim: int, norm: str | None, inverse: bool) -> Tensor:
    dim = _axis(op, x, dim)
    x = _resize(op, _complex(op, x), n, dim)
    result: Tensor = _Transform.apply(x, dim, _norm(op, norm), inverse)
    return result


def fft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    r"""Transform along `dim`: :math:`X_k = \sum_j x_j e^{-2 \pi i jk / n}`.

    Args:
        input: real or complex.
        n: length to cut or fill to first.
        dim: which dimension.
        norm: where the factor 1/n goes: ``"forward"``, ``"backward"`` (to the inverse; default)
            or ``"ortho"`` (half to each).
    """
    return _one("fft", input, n, dim, norm, False)


def ifft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """Inverse of `fft`."""
    return _one("ifft", input, n, dim, norm, True)


def rfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """The first ``n // 2 + 1`` terms of the transform of a real signal: the others mirror them."""
    full = _one("rfft", _real("rfft", input), n, dim, norm, False)
    axis = dim % input.dim()
    return full.narrow(axis, 0, full.shape[axis] // 2 + 1).contiguous()


def irfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """Inverse of `rfft`: a real signal of length `n` (default: ``2 * (terms - 1)``)."""
    axis = _axis("irfft", input, dim)
    n = 2 * (input.shape[axis] - 1) if n is None else n
    if n < 1:
        raise RuntimeError(f"fft.irfft(): Invalid number of data points ({n}) specified")
    half = _resize("irfft", _complex("irfft", input), n // 2 + 1, axis)
    # A real signal's spectrum is its own conjugate mirror; the first term (and, for even n, the
    # middle one) is real, so only their real parts count.
    mirror = half.narrow(axis, 1, (n - 1) // 2)
    parts = [half, ops.flip(mirror, [axis]).conj()]
    full = ops.cat(parts, axis)
    result: Tensor = _Transform.apply(full, axis, _norm("irfft", norm), True)
    return ops.real(result).contiguous()


def _many(op: str, x: Tensor, s: Any, dim: Any, norm: str | None, inverse: bool) -> Tensor:
    if dim is None:
        dim = range(x.dim()) if s is None else range(x.dim() - len(s), x.dim())
    axes = [dim] if isinstance(dim, int) else list(dim)
    sizes = [None] * len(axes) if s is None else [None if n == -1 else n for n in s]
    if len(sizes) != len(axes):
        raise RuntimeError(f"fft.{op}(): got sizes {list(s)} for dimensions {axes}")
    for n, axis in zip(sizes, axes, strict=True):
        x = _one(op, x, n, axis, norm, inverse)
    return x


def fftn(input: Tensor, s: Any = None, dim: Any = None, norm: str | None = None) -> Tensor:
    """`fft` along several dimensions (default: all), with lengths `s`."""
    return _many("fftn", input, s, dim, norm, False)


def ifftn(input: Tensor, s: Any = None, dim: Any = None, norm: str | None = None) -> Tensor:
    """Inverse of `fftn`."""
    return _many("ifftn", input, s, dim, norm, True)


def fft2(input: Tensor, s: Any = None, dim: Any = (-2, -1), norm: str | None = None) -> Tensor:
    """`fft` along the last two dimensions."""
    return _many("fft2", input, s, dim, norm, False)


def ifft2(input: Tensor, s: Any = None, dim: Any = (-2, -1), norm: str | None = None) -> Tensor:
    """Inverse of `fft2`."""
    return _many("ifft2", input, s, dim, norm, True)


def rfftn(input: Tensor, s: Any = None, dim: Any = None, norm: str | None = None) -> Tensor:
    """`rfft` along the last of the dimensions, then `fft` along the others."""
    if dim is None:
        dim = range(input.dim()) if s is None else range(input.dim() - len(s), input.dim())
    axes = list(dim)
    sizes = [None] * len(axes) if s is None else list(s)
    half = rfft(input, sizes[-1], axes[-1], norm)
    return _many("rfftn", half, sizes[:-1], axes[:-1], norm, False) if axes[:-1] else half


def irfftn(input: Tensor, s: Any = None, dim: Any = None, norm: str | None = None) -> Tensor:
    """Inverse of `rfftn`."""
    if dim is None:
        dim = range(input.dim()) if s is None else range(input.dim() - len(s), input.dim())
    axes = list(dim)
    sizes = [None] * len(axes) if s is None else list(s)
    x = input
    if axes[:-1]:
        x = _many("irfftn", x, sizes[:-1], axes[:-1], norm, True)
    return irfft(x, sizes[-1], axes[-1], norm)


def rfft2(input: Tensor, s: Any = None, dim: Any = (-2, -1), norm: str | None = None) -> Tensor:
    """`rfftn` along the last two dimensions."""
    return rfftn(input, s, dim, norm)


def irfft2(input: Tensor, s: Any = None, dim: Any = (-2, -1), norm: str | None = None) -> Tensor:
    """Inverse of `rfft2`."""
    return irfftn(input, s, dim, norm)


def fftfreq(n: int, d: float = 1.0, *, dtype: Any = None, device: Any = None) -> Tensor:
    """Frequencies of the terms of `fft`, for samples `d` apart."""
    order = [*range((n + 1) // 2), *range(-(n // 2), 0)]
    return _C.tensor([k / (n * d) for k in order], dtype=_kind(dtype), device=device)


def rfftfreq(n: int, d: float = 1.0, *, dtype: Any = None, device: Any = None) -> Tensor:
    """Frequencies of the terms of `rfft`, for samples `d` apart."""
    values = [k / (n * d) for k in range(n // 2 + 1)]
    return _C.tensor(values, dtype=_kind(dtype), device=device)


def _kind(dtype: Any) -> Any:
    return _C.get_default_dtype() if dtype is None else dtype


def _shift(input: Tensor, dim: Any, sign: int) -> Tensor:
    axes: Sequence[int]
    axes = range(input.dim()) if dim is None else [dim] if isinstance(dim, int) else list(dim)
    sizes = [input.shape[a] for a in axes]
    moves = [n // 2 if sign > 0 else (n + 1) // 2 for n in sizes]
    return ops.roll(input, moves, list(axes))


def fftshift(input: Tensor, dim: Any = None) -> Tensor:
    """Move the zero frequency to the middle."""
    return _shift(input, dim, 1)


def ifftshift(input: Tensor, dim: Any = None) -> Tensor:
    """Inverse of `fftshift`."""
    return _shift(input, dim, -1)
