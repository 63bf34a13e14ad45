# ruff: noqa: E501 -- tables of samples read better unwrapped
"""Selecting and writing by index, sorting, running sums, searching, counting."""

from __future__ import annotations

import numpy as np

from tests.opinfo.record import ALL, BOOL, COMPLEX, FLOATS, INTS, F, I, Operand, S, bad, op

SOME = ("float32", "float64", "bfloat16", "int64", "uint8", "bool", "complex64", "complex128")
REAL = FLOATS + INTS
SUMS = {"float16": (5e-3, 1e-2), "bfloat16": (3e-2, 5e-2), "float32": (2e-5, 1e-5)}


def i(*shape, values):
    return Operand(np.array(values, dtype=np.int64).reshape(shape), "int64", False)


# --- reading
op("index_select", lambda m: [
    S(m(4, 3), 0, I(2, 0, 2)), S(m(2, 5), 1, m.index(3, below=5)), S(m(5), -1, I(4)), S(m(2, 3), 0, m.index(0, below=2)), S(m(), 0, I(0)),
], lambda x, d, j: np.take(x, j, d) if x.ndim else x, dtypes=SOME, errors=[
    bad(F(2, 3), 0, I(2), raises=IndexError, text="2|out of range"), bad(F(2, 3), 0, I(-1), raises=IndexError, text="-1|out of range"),
    bad(F(2, 3), 2, I(0), raises=IndexError, text="out of range"), bad(F(2, 3), 0, F(1), raises=RuntimeError, text="int|index"),
    bad(F(2, 3), 0, i(1, 1, values=[0]), raises=IndexError, text="1-?D|vector|dim"),
])  # fmt: skip


def gather(x, d, j, **_):
    if x.ndim == 0:
        return np.broadcast_to(x, j.shape)
    x = np.moveaxis(x, d, 0)
    j = np.moveaxis(j, d, 0)
    x = x[(slice(None), *[slice(0, n) for n in j.shape[1:]])]
    return np.moveaxis(np.take_along_axis(x, j, 0), 0, d)


op("gather", lambda m: [
    S(m(4, 3), 0, m.index(2, 3, below=4)), S(m(4, 3), 1, m.index(4, 5, below=3)), S(m(4, 3), -1, m.index(2, 1, below=3)), S(m(5), 0, m.index(7, below=5)),
    S(m(), 0, i(values=0)), S(m(2, 3), 0, m.index(0, 3, below=2)),
], gather, dtypes=SOME, errors=[
    bad(F(2, 3), 0, i(1, 1, values=[2]), raises=RuntimeError, text="2|out of bounds|range"),
    bad(F(2, 3), 0, i(1, 1, values=[-1]), raises=RuntimeError, text="-1|out of bounds|range"),
    bad(F(2, 3), 0, I(0), raises=RuntimeError, text="dimension|dim"), bad(F(2, 3), 0, i(2, 4, values=[0] * 8), raises=RuntimeError, text="size|dimension"),
    bad(F(2, 3), 0, F(1, 1), raises=RuntimeError, text="int64|index"),
])  # fmt: skip
op("take", lambda m: [S(m(2, 3), m.index(4, below=6)), S(m(2, 3), m.index(2, 2, below=6, negative=True)), S(m(3), m.index(0, below=3))],
   lambda x, j: np.take(x, j), dtypes=SOME, errors=[bad(F(2, 3), I(6), raises=IndexError, text="6|out of range")])  # fmt: skip
op("take_along_dim", lambda m: [S(m(4, 3), m.index(2, 3, below=4), 0), S(m(4, 3), m.index(4, 2, below=3), dim=1), S(m(2, 3), m.index(4, below=6))],
   lambda x, j, dim=None: np.take_along_axis(x, j, dim), dtypes=SOME)  # fmt: skip
op("masked_select", lambda m: [S(m(2, 3), m.mask(2, 3)), S(m(2, 3), m.mask(3)), S(m(3), m.mask(2, 1)), S(m(0), m.mask(0)), S(m(), m.mask())],
   lambda x, k: (lambda a, b: a[b])(*np.broadcast_arrays(x, k)), dtypes=SOME, errors=[
    bad(F(2), F(2), raises=RuntimeError, text="[Bb]ool"), bad(F(2), F(3, dtype="bool"), raises=RuntimeError, text="broadcast|match|size"),
])  # fmt: skip
op(
    "nonzero",
    lambda m: [S(m(2, 3, low=-1, high=1)), S(m(33)), S(m()), S(m(0, 2)), S(m(2, 3, 2))],
    lambda x: np.argwhere(x),
    dtypes=ALL,
    result="int64",
    grad=False,
)
op(
    "argwhere",
    lambda m: [S(m(2, 3, low=-1, high=1)), S(m(33)), S(m(0, 2))],
    lambda x: np.argwhere(x),
    dtypes=ALL,
    result="int64",
    grad=False,
)

# --- writing


def written(add):
    def f(x, d, j, src, reduce=None, *, value=None, include_self=True):
        x, reduce = x.copy(), reduce or add
        view = x.reshape(1) if x.ndim == 0 else x
        j = np.reshape(j, (1,)) if np.ndim(j) == 0 else j
        d %= view.ndim
        src = np.broadcast_to(src, j.shape) if np.ndim(src) == 0 else src
        seen = np.zeros(view.shape, int)
        for at in np.ndindex(*j.shape):
            to = (*at[:d], j[at], *at[d + 1 :])
            v = src[at]
            first = seen[to] == 0 and not include_self
            seen[to] += 1
            if reduce is None or first:
                view[to] = v
            elif reduce in ("add", "sum", "mean"):
                view[to] += v
            elif reduce in ("multiply", "prod"):
                view[to] *= v
            elif reduce == "amax":
                view[to] = max(view[to], v)
            elif reduce == "amin":
                view[to] = min(view[to], v)
        if reduce == "mean":
            n = seen + int(include_self)
            ratio = view / np.maximum(n, 1)
            view[...] = np.floor(ratio) if x.dtype.kind in "iu" else ratio
        return x

    return f


def unique_index(m, rows, cols, below):
    return i(rows, cols, values=np.stack([m.rng.permutation(below)[:rows] for _ in range(cols)], 1))


SCATTER_ERRORS = [
    bad(
        F(2, 3), 0, i(1, 1, values=[2]), F(1, 1), raises=RuntimeError, text="2|out of bounds|range"
    ),
    bad(
        F(2, 3),
        0,
        i(2, 3, values=[0] * 6),
        F(1, 3),
        raises=RuntimeError,
        text="size|shape|expected",
    ),
    bad(F(2, 3), 0, F(1, 1), F(1, 1), raises=RuntimeError, text="int64|index"),
    bad(F(2, 3), 2, i(1, 1, values=[0]), F(1, 1), raises=IndexError, text="out of range"),
]
op("scatter", lambda m: [
    S(m(4, 3), 0, unique_index(m, 2, 3, 4), m(2, 3)), S(m(4, 3), 0, unique_index(m, 2, 2, 4), m(3, 3)), S(m(3, 4), 1, unique_index(m, 2, 3, 3), 2),
    S(m(5), 0, m.permutation(5, 3), m(3)), S(m(2, 3), 0, m.index(0, 3, below=2), m(0, 3)),
], lambda x, d, j, src, reduce=None: written(None)(x, d, j, src, reduce), dtypes=SOME, errors=SCATTER_ERRORS)  # fmt: skip
op("scatter_add", lambda m: [S(m(4, 3), 0, m.index(5, 3, below=4), m(5, 3)), S(m(3, 4), 1, m.index(2, 6, below=4), m(3, 6)), S(m(4), 0, m.index(33 if not m.grad else 5, below=4), m(33 if not m.grad else 5))],
   written("add"), dtypes=FLOATS + INTS + COMPLEX, tol=SUMS, errors=SCATTER_ERRORS)  # fmt: skip
op("scatter_reduce", lambda m: [
    S(m.distinct(4, 3), 0, m.index(2, 3, below=4), m.of(m.distinct(2, 3).values * 2 + 1 if m.integral else m.distinct(2, 3).values + 0.1), how, **extra)
    for how in ("sum", "amax", "amin", "mean", "prod") for extra in ({}, {"include_self": False})
], written(None), dtypes=("float32", "float64", "bfloat16", "int64"), gradgrad=False, tol=SUMS | {"bfloat16": (3e-2, 0.1)}, errors=[
    bad(F(2, 3), 0, i(1, 1, values=[0]), F(1, 1), "median", raises=RuntimeError, text="reduce|median"),
])  # fmt: skip


def _index_add(x, d, j, s, *, alpha=1):
    x = x.copy()
    np.add.at(np.moveaxis(x, d, 0), j, np.moveaxis(s * alpha if alpha != 1 else s, d, 0))
    return x


op("index_add", lambda m: [S(m(4, 3), 0, I(1, 3, 1), m(3, 3)), S(m(2, 5), 1, I(0, 4), m(2, 2)), S(m(4), 0, I(2, 2), m(2), alpha=2)], _index_add,
   dtypes=FLOATS + INTS + COMPLEX, errors=[
    bad(F(2, 3), 0, I(2), F(1, 3), raises=RuntimeError, text="2|out of range|bounds"), bad(F(2, 3), 0, I(0), F(2, 3), raises=RuntimeError, text="number|size|match|index"),
], tol=SUMS)  # fmt: skip


def _index_copy(x, d, j, s):
    x = x.copy()
    np.moveaxis(x, d, 0)[j] = np.moveaxis(s, d, 0)
    return x


op(
    "index_copy",
    lambda m: [S(m(4, 3), 0, I(1, 3), m(2, 3)), S(m(2, 5), 1, I(0, 4), m(2, 2))],
    _index_copy,
    dtypes=SOME,
)


def _index_fill(x, d, j, v):
    x = x.copy()
    np.moveaxis(x, d, 0)[j] = v
    return x


op(
    "index_fill",
    lambda m: [S(m(4, 3), 0, I(1, 3), 1), S(m(2, 5), 1, I(0, 4), 0), S(m(4), 0, I(2), m())],
    _index_fill,
    dtypes=SOME,
)


def _index_put(x, indices, values, accumulate=False):
    x = x.copy()
    if accumulate:
        np.add.at(x, tuple(indices), values)
    else:
        x[tuple(indices)] = values
    return x


op("index_put", lambda m: [
    S(m(4, 3), (I(0, 2),), m(2, 3)), S(m(4, 3), (I(0, 2), I(1, 1)), m(2)), S(m(4, 3), (I(0, 0), I(1, 1)), m(2), accumulate=True), S(m(4, 3), (m.mask(4, 3),), m()),
], _index_put, dtypes=("float32", "float64", "int64", "complex64", "complex128"), errors=[
    bad(F(2, 3), (I(2),), F(1), raises=IndexError, text="2|out of range"),
])  # fmt: skip


def _put(x, j, v, accumulate=False):
    x = x.copy()
    if accumulate:
        np.add.at(x.reshape(-1), j, v)
    else:
        x.reshape(-1)[j] = v
    return x


op(
    "put",
    lambda m: [S(m(2, 3), I(0, 5, 2), m(3)), S(m(2, 3), I(1, 1), m(2), True)],
    _put,
    dtypes=("float32", "float64", "int64"),
)
op("masked_scatter", lambda m: [S(m(2, 3), Operand(np.array([[True, False, True], [False, True, False]]), "bool", False), m(4))],
   lambda x, k, s: (lambda y: (np.place(y, k, s.ravel()[: k.sum()]), y)[1])(x.copy()), dtypes=SOME)  # fmt: skip

# --- order


def _sort(x, dim=-1, descending=False, stable=True):
    if x.ndim == 0:
        return x, np.int64(0)
    at = (
        np.argsort(x, dim, kind="stable")
        if not descending
        else np.flip(x.shape[dim] - 1 - np.argsort(np.flip(x, dim), dim, kind="stable"), dim)
    )
    return np.take_along_axis(x, at, dim), at


def ordered(m, grad_shape=(4,)):
    yield S(m.distinct(*grad_shape))
    yield S(m.distinct(3, 4), 0)
    yield S(m.distinct(2, 3, 2), 1)
    if not m.grad:
        yield S(m.distinct(129))
        yield S(m.distinct(3, 33))
        yield S(m(0))
        yield S(m())


op("sort", lambda m: [*ordered(m), S(m.distinct(5), descending=True), S(m.distinct(2, 5), 0, True),
                      *([] if m.grad else [S(m(40), stable=True), S(m(3, 40), stable=True, dim=1, descending=True)])],
   lambda x, dim=-1, descending=False, stable=False: _sort(x, dim, descending), dtypes=REAL, result=None, errors=[
    bad(F(2, 3), 2, raises=IndexError, text="out of range"), bad(F(2, dtype="complex64"), raises=RuntimeError, text="complex"),
])  # fmt: skip
op(
    "argsort",
    lambda m: [*ordered(m), S(m(40), stable=True)],
    lambda x, dim=-1, descending=False, stable=False: _sort(x, dim, descending)[1],
    dtypes=REAL,
    result="int64",
    grad=False,
)
op("msort", lambda m: [S(m.distinct(5)), S(m.distinct(4, 2))], lambda x: np.sort(x, 0), dtypes=REAL)


def _topk(x, k, dim=-1, largest=True, sorted=True):
    values, at = _sort(x, dim, largest)
    first = np.arange(k)
    return np.take(values, first, dim), np.take(at, first, dim)


op("topk", lambda m: [S(m.distinct(6), 3), S(m.distinct(3, 5), 2, 0), S(m.distinct(3, 5), 2, largest=False), S(m.distinct(4), 4), S(m.distinct(4), 0),
                      *([] if m.grad else [S(m.distinct(3, 100), 10), S(m.distinct(129), 1)])],
   _topk, ties=False, dtypes=REAL, result=None, errors=[
    bad(F(3), 4, raises=RuntimeError, text="4|range|k"), bad(F(3), -1, raises=RuntimeError, text="-1|range|k"), bad(F(3), 1, 1, raises=IndexError, text="out of range"),
])  # fmt: skip
op("kthvalue", lambda m: [S(m.distinct(6), 3), S(m.distinct(3, 5), 2, 0), S(m.distinct(3, 5), 1, keepdim=True)],
   lambda x, k, dim=-1, keepdim=False: tuple(np.take(a, [k - 1] if keepdim else k - 1, dim) for a in _sort(x, dim)), ties=False, dtypes=REAL, result=None, errors=[
    bad(F(3), 0, raises=RuntimeError, text="k|range"), bad(F(3), 4, raises=RuntimeError, text="k|range"),
])  # fmt: skip


def _median(x, dim=None, keepdim=False):
    if dim is None:
        return np.sort(x, None)[(x.size - 1) // 2]
    k = (x.shape[dim] - 1) // 2
    return tuple(np.take(a, [k] if keepdim else k, dim) for a in _sort(x, dim))


for name in ("median", "nanmedian"):
    op(name, lambda m: [S(m.distinct(5)), S(m.distinct(2, 4)), S(m.distinct(3, 4), 0), S(m.distinct(2, 3), 1, True), S(m.distinct(1))], _median,
       ties=False, dtypes=REAL, result=None, errors=[bad(F(2, 3), 2, raises=IndexError, text="out of range")])  # fmt: skip
op(
    "mode",
    lambda m: [S(m(5)), S(m(3, 9))] if m.integral else [S(m.distinct(5)), S(m.distinct(2, 3), 0)],
    None,
    dtypes=REAL,
    result=None,
)


def quantiles(f):
    def g(x, q, dim=None, keepdim=False, *, interpolation="linear"):
        return f(x, q, axis=dim, keepdims=keepdim, method=interpolation)

    return g


for name, ref in (("quantile", np.quantile), ("nanquantile", np.nanquantile)):
    op(name, lambda m: [S(m.distinct(7), 0.3), S(m.distinct(3, 4), 0.5, dim=1), S(m.distinct(3, 4), 0.9, 0, True), S(m.distinct(5), m.of([0.0, 0.25, 1.0], grad=False)),
                        *(S(m.distinct(6), 0.37, interpolation=how) for how in ("lower", "higher", "midpoint", "nearest"))],
       quantiles(ref), dtypes=("float32", "float64"), errors=[
        bad(F(3), 1.5, raises=RuntimeError, text="range|q"), bad(F(3), 0.5, interpolation="cubic", raises=RuntimeError, text="interpolation"),
    ])  # fmt: skip

# --- running


def running(f):
    return lambda x, dim, dtype=None: f(x, axis=dim) if x.ndim else x


def scans(m):
    for shape, dim in (((5,), 0), ((3, 4), 0), ((3, 4), -1), ((2, 3, 2), 1), ((), 0)):
        yield S(m(*shape, low=0.5, high=1.5), dim)
    if not m.grad:
        yield S(m(129, low=0.5, high=1.5 if m.dtype != "float16" else 1), 0)
        yield S(m(0), 0)
        yield S(m(2, 130, low=0.2, high=1), 1)


SCAN_ERRORS = [
    bad(F(2, 3), 2, raises=IndexError, text="out of range"),
    bad(F(2), raises=TypeError, text="dim|missing"),
]
op(
    "cumsum",
    scans,
    running(np.cumsum),
    dtypes=ALL,
    result="sum",
    tol=SUMS | {"float16": (1e-2, 0.1), "bfloat16": (6e-2, 1)},
    errors=SCAN_ERRORS,
)
op(
    "cumprod",
    scans,
    running(np.cumprod),
    dtypes=FLOATS + INTS + COMPLEX,
    result="sum",
    tol=SUMS | {"float16": (2e-2, 1e-2), "bfloat16": (0.15, 0.1), "complex64": (1e-4, 1e-4)},
    errors=SCAN_ERRORS,
)


def _cumulative(better):
    def f(x, dim):
        if x.ndim == 0:
            return x, np.int64(0)
        y, at = np.moveaxis(x, dim, 0).copy(), np.zeros_like(np.moveaxis(x, dim, 0), dtype=np.int64)
        for k in range(1, len(y)):
            take = better(y[k], y[k - 1]) | np.isnan(y[k])
            at[k] = np.where(take, k, at[k - 1])
            y[k] = np.where(take, y[k], y[k - 1])
        return np.moveaxis(y, 0, dim), np.moveaxis(at, 0, dim)

    return f


for name, better in (("cummax", np.greater_equal), ("cummin", np.less_equal)):
    op(name, lambda m: [S(m.distinct(5), 0), S(m.distinct(3, 4), 1), S(m.distinct(3, 4), 0), S(m(), 0)], _cumulative(better), dtypes=REAL, result=None,
       errors=SCAN_ERRORS)  # fmt: skip
op(
    "logcumsumexp",
    scans,
    running(np.logaddexp.accumulate),
    dtypes=FLOATS,
    without=COMPLEX,
    tol=SUMS,
    errors=SCAN_ERRORS,
)

# --- searching and counting


def _searchsorted(rows, v, *, out_int32=False, right=False, side=None, sorter=None):
    how = side or ("right" if right else "left")
    if rows.ndim == 1:
        return np.searchsorted(rows, v, how)
    return np.stack([np.searchsorted(a, b, how) for a, b in zip(rows, v, strict=True)])


def _ascending(m, *shape):
    return m.of(np.sort(m.distinct(*shape).values, -1))


op("searchsorted", lambda m: [
    S(_ascending(m, 7), m(4)), S(_ascending(m, 7), m(2, 3), right=True), S(_ascending(m, 2, 5), m(2, 3)), S(_ascending(m, 7), 1), S(_ascending(m, 7), m(3), side="right"),
], _searchsorted, dtypes=("float32", "float64", "int64"), result="int64", grad=False)  # fmt: skip
op("bucketize", lambda m: [S(m(4), _ascending(m, 7)), S(m(2, 3), _ascending(m, 3), right=True)],
   lambda v, b, *, out_int32=False, right=False: np.searchsorted(b, v, "right" if right else "left"), dtypes=("float32", "float64", "int64"), result="int64",
   grad=False)  # fmt: skip
op("bincount", lambda m: [S(m.index(20, below=6)), S(m.index(5, below=3), minlength=6), S(m.index(6, below=4), m(6, dtype="float64"))],
   lambda x, weights=None, minlength=0: np.bincount(x, weights, minlength), dtypes=("int64",), result=None, grad=False, errors=[
    bad(I(-1), raises=RuntimeError, text="negative|non-neg"), bad(F(2), raises=RuntimeError, text="int|float"),
])  # fmt: skip
op(
    "histc",
    lambda m: [S(m(40), 5, -2, 2), S(m(40), bins=4), S(m(2, 9), 3, 0, 1)],
    None,
    dtypes=("float32", "float64"),
    grad=False,
)
for name in ("unique", "unique_consecutive"):
    ref = None
    if name == "unique":
        ref = lambda x, sorted=True, return_inverse=False, return_counts=False, dim=None: (  # noqa: E731
            np.unique(x, return_inverse=return_inverse, return_counts=return_counts, axis=dim)
        )
    op(name, lambda m: [S(m(20)), S(m(3, 4)), S(m(9), return_inverse=True), S(m(9), return_inverse=True, return_counts=True), S(m(0))], ref,
       dtypes=INTS + BOOL + ("float32",), result=None, grad=False)  # fmt: skip
