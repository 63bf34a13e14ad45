# ruff: noqa: E501 -- tables of samples read better unwrapped
"""Reductions, positions of extremes, running sums, sorting."""

from __future__ import annotations

import math

import numpy as np

from tests.opinfo.constructors import numpy_dims, reduction_op
from tests.opinfo.record import BOOL, COMPLEX, FLOATS, INTS, F, bad

REAL = FLOATS + INTS
SUMS = {
    "float16": (5e-3, 2e-2),
    "bfloat16": (3e-2, 5e-2),
    "float32": (2e-5, 2e-5),
    "complex64": (3e-5, 3e-5),
}


def over(f):
    """A NumPy reduction with the library's argument names."""

    def reduced(x, dim=None, keepdim=False, **options):
        dim = numpy_dims(dim)
        if np.ndim(x) == 0:
            return f(np.reshape(x, (1,)), axis=0, keepdims=False, **options)
        return f(x, axis=None if dim in ((), []) else dim, keepdims=keepdim, **options)

    return reduced


def plain(f):
    return over(lambda x, axis, keepdims, dtype=None: f(x, axis=axis, keepdims=keepdims))


reduction_op("sum", plain(np.sum), result=None, tol=SUMS, flops=lambda s: s.args[0].values.size)
reduction_op("mean", plain(np.mean), dtypes=FLOATS + COMPLEX, tol=SUMS, errors=[
    bad(F(2, dtype="int64"), raises=RuntimeError, text="[Ii]nt|Long|floating"),
])  # fmt: skip
reduction_op(
    "prod",
    plain(np.prod),
    low=0.6,
    high=1.5,
    many=False,
    result="sum",
    tol=SUMS | {"float16": (1e-2, 2e-2), "bfloat16": (6e-2, 5e-2)},
)
reduction_op("nansum", plain(np.nansum), dtypes=REAL, result="sum", tol=SUMS)
reduction_op("nanmean", plain(lambda x, axis, keepdims: np.nansum(x, axis=axis, keepdims=keepdims) / np.sum(~np.isnan(x), axis=axis, keepdims=keepdims)),
             dtypes=FLOATS, tol=SUMS)  # fmt: skip


for name, ref in (("amax", np.max), ("amin", np.min)):
    reduction_op(name, plain(ref), distinct=True, empty=False, dtypes=REAL + BOOL, errors=[
        bad(F(0), raises=RuntimeError, text="empty|numel|zero|dim", torch=False),
        bad(F(2, dtype="complex64"), raises=RuntimeError, text="complex"),
    ])  # fmt: skip
reduction_op("aminmax", plain(lambda x, axis, keepdims: (np.min(x, axis=axis, keepdims=keepdims), np.max(x, axis=axis, keepdims=keepdims))),
             distinct=True, empty=False, many=False, dtypes=REAL + BOOL)  # fmt: skip
for name, ref in (("any", np.any), ("all", np.all)):
    reduction_op(name, plain(ref), low=-1, high=1, result=None, grad=False)
reduction_op(
    "count_nonzero",
    over(lambda x, axis, keepdims: np.count_nonzero(x, axis=axis)),
    low=-1,
    high=1,
    keepdim=False,
    result="int64",
    grad=False,
)


def extreme(value, position):
    def f(x, dim=None, keepdim=False):
        if dim is None:
            return value(x)
        if np.ndim(x) == 0:
            return value(x), np.int64(0)
        if np.isnan(x).any():  # the first NaN wins
            filled = np.where(np.isnan(x), np.inf if value is np.max else -np.inf, x)
            nan = np.isnan(x).any(dim, keepdims=keepdim)
            at = np.where(
                nan,
                np.argmax(np.isnan(x), dim, keepdims=keepdim),
                position(filled, dim, keepdims=keepdim),
            )
            return np.where(nan, np.nan, value(x, dim, keepdims=keepdim)), at
        return value(x, dim, keepdims=keepdim), position(x, dim, keepdims=keepdim)

    return f


for name, value, position in (("max", np.max, np.argmax), ("min", np.min, np.argmin)):
    reduction_op(name, extreme(value, position), distinct=True, many=False, empty=False, result=None, dtypes=REAL, errors=[
        bad(F(0), raises=RuntimeError, text="empty|numel|zero"),
        bad(F(0, 2), dim=0, raises=IndexError, text="empty|zero|size"),
        bad(F(2, dtype="complex64"), raises=RuntimeError, text="complex"),
    ])  # fmt: skip
    reduction_op("arg" + name, plain(lambda x, axis, keepdims, f=position: f(x, axis=axis, keepdims=keepdims)), distinct=True, many=False,
                 empty=False, nan=True, result="int64", grad=False, dtypes=REAL, errors=[
        bad(F(0), raises=IndexError, text="empty|zero|dim|size"),
        bad(F(2, dtype="complex64"), raises=RuntimeError, text="complex"),
    ])  # fmt: skip

# --- norms and spreads


def vector_norm(x, ord=2, dim=None, keepdim=False, dtype=None):
    a = np.abs(x).astype(float)
    dim = numpy_dims(dim)
    if a.ndim == 0:
        a, dim, keepdim = a.reshape(1), 0, False
    if ord == math.inf:
        return a.max(axis=dim, keepdims=keepdim)
    if ord == -math.inf:
        return a.min(axis=dim, keepdims=keepdim)
    if ord == 0:
        return (a != 0).sum(axis=dim, keepdims=keepdim)
    return (a**ord).sum(axis=dim, keepdims=keepdim) ** (1 / ord)


def _norm(x, p=2, dim=None, keepdim=False, dtype=None):
    return vector_norm(x, 2 if p == "fro" else p, dim, keepdim)


ORDERS = (1, 2, 3, math.inf, -math.inf)
reduction_op("vector_norm", vector_norm, low=0.3, high=2, dtypes=FLOATS + COMPLEX, result="real", nan=False, tol=SUMS,
             extra=[{"ord": p, "dim": 1} for p in (*ORDERS, 0, 0.5)])  # fmt: skip
reduction_op("norm", _norm, low=0.3, high=2, dtypes=FLOATS + COMPLEX, result="real", nan=False, many=False, tol=SUMS,
             extra=[{"p": p, "dim": 1} for p in (*ORDERS, 0, "fro")] + [{"p": "fro"}, {"p": 1}, {"p": 3, "dim": (0, 2)}])  # fmt: skip
reduction_op(
    "logsumexp",
    plain(lambda x, axis, keepdims: _lse(x, axis, keepdims)),
    all_dims=False,
    dtypes=FLOATS,
    tol=SUMS,
    empty=False,
    nan=True,
)


def _lse(x, axis, keepdims):
    m = (
        np.max(x, axis=axis, keepdims=True)
        if x.size
        else np.zeros(np.max(x, axis=axis, keepdims=True, initial=0).shape)
    )
    m = np.where(np.isfinite(m), m, 0)
    result = np.log(np.sum(np.exp(x - m), axis=axis, keepdims=True)) + m
    return result if keepdims else np.squeeze(result, axis=axis)


def spread(f):
    def reduced(x, dim=None, unbiased=True, keepdim=False, *, correction=None):
        if isinstance(dim, bool):
            dim, unbiased = None, dim
        ddof = int(unbiased) if correction is None else correction
        dim = numpy_dims(dim)
        if np.ndim(x) == 0:
            x, dim = np.reshape(x, (1,)), 0
        axis = None if dim in ((), []) else dim
        n = x.size if axis is None else int(np.prod([x.shape[a] for a in np.atleast_1d(axis)]))
        mean = (
            np.mean(x, axis=axis, keepdims=True)
            if x.size
            else np.full(np.sum(x, axis=axis, keepdims=True).shape, np.nan)
        )
        total = np.sum(np.abs(x - mean) ** 2, axis=axis, keepdims=keepdim)
        variance = total / max(n - ddof, 0)
        return f(
            variance,
            np.mean(x, axis=axis, keepdims=keepdim)
            if x.size
            else np.full(np.shape(variance), np.nan),
        )

    return reduced


for name, ref in (
    ("var", lambda v, m: v), ("std", lambda v, m: np.sqrt(v)), ("var_mean", lambda v, m: (v, m)), ("std_mean", lambda v, m: (np.sqrt(v), m)),
):  # fmt: skip
    reduction_op(name, spread(ref), dtypes=FLOATS + COMPLEX, result="real" if name in ("var", "std") else None, tol=SUMS, nan=False, empty=False,
                 extra=[{"unbiased": False}, {"dim": 1, "unbiased": False}, {"dim": 1, "correction": 0}, {"dim": (0, 2), "correction": 2}])  # fmt: skip
