# ruff: noqa: E501 -- tables of samples read better unwrapped
"""Views and shapes: the same elements, looked at differently, joined, cut, repeated."""

from __future__ import annotations

import numpy as np

from tests.opinfo.record import COMPLEX, F, I, S, alias, bad, op

SOME = ("float32", "float64", "bfloat16", "int64", "uint8", "bool", "complex64", "complex128")
RANGE = bad(F(2, 3), 2, raises=IndexError, text="out of range")


def moved(name, samples, ref, **fields):
    """An op that only moves elements: any dtype, exact."""
    fields.setdefault("dtypes", SOME)
    return op(name, samples, ref, **fields)


# --- the shape alone
moved("view", lambda m: [S(m(2, 6), 3, 4), S(m(2, 6), (12,)), S(m(2, 6), -1, 2), S(m(1), ()), S(m(0, 3), 3, 0), S(m(6), [2, 3])],
      lambda x, *s: x.reshape(s[0] if isinstance(s[0], (tuple, list)) else s), layouts=False, errors=[
    bad(F(2, 3), 4, 2, raises=RuntimeError, text=r"\[?4, 2\]?|size 6|invalid"),
    bad(F(2, 3), -1, -1, raises=RuntimeError, text="-1"),
    bad(F(2, 3), -1, 5, raises=RuntimeError, text="5|size"),
    bad(F(0, 3), -1, 0, raises=RuntimeError, text="-1|ambiguous|unspecified"),
    bad(F(2, 3), -2, 3, raises=RuntimeError, text="-2|negative"),
    bad(F(2, 3), "a", raises=TypeError, text="argument|str"),
    bad(F(2, 3), 2.0, 3.0, raises=TypeError, text="float|argument"),
])  # fmt: skip
moved("reshape", lambda m: [S(m(2, 6), (3, 4)), S(m(2, 6), (-1,)), S(m(2, 2, 3), (4, -1)), S(m(), (1, 1)), S(m(0, 3), (3, 0, 2))],
      np.reshape, errors=[
    bad(F(2, 3), (4, 2), raises=RuntimeError, text="shape|invalid"), bad(F(2, 3), (-1, -1), raises=RuntimeError, text="-1"),
])  # fmt: skip
moved("view_as", lambda m: [S(m(2, 6), m(3, 4)), S(m(4), m(2, 2))], lambda x, o: x.reshape(o.shape), layouts=False, torch="Tensor.view_as",
      grad=True)  # fmt: skip
moved(
    "reshape_as",
    lambda m: [S(m(2, 6), m(3, 4)), S(m(4), m(2, 2))],
    lambda x, o: x.reshape(o.shape),
    torch="Tensor.reshape_as",
)


def _flatten(x, start_dim=0, end_dim=-1):
    if x.ndim == 0:
        return x.reshape(1)
    a, b = start_dim % x.ndim, end_dim % x.ndim
    return x.reshape(*x.shape[:a], int(np.prod(x.shape[a : b + 1])), *x.shape[b + 1 :])


moved("flatten", lambda m: [S(m(2, 3, 2)), S(m(2, 3, 2), 1), S(m(2, 3, 2), 0, 1), S(m(2, 3, 2), start_dim=-2), S(m()), S(m(0, 3))], _flatten, errors=[
    bad(F(2, 3), 1, 0, raises=RuntimeError, text="start_dim"), bad(F(2, 3), 2, raises=IndexError, text="out of range"),
])  # fmt: skip
moved("ravel", lambda m: [S(m(2, 3)), S(m()), S(m(0, 2))], np.ravel)
moved("unflatten", lambda m: [S(m(2, 6), 1, (2, 3)), S(m(2, 6), -1, (2, -1)), S(m(6), 0, (3, 2))],
      lambda x, d, s: (lambda d: x.reshape(*x.shape[:d], *s, *x.shape[d + 1 :]))(d % x.ndim), errors=[
    bad(F(2, 6), 1, (4, 2), raises=RuntimeError, text="6|size|multiply"),
])  # fmt: skip
moved("squeeze", lambda m: [S(m(2, 1, 3, 1)), S(m(2, 1, 3, 1), 1), S(m(2, 1, 3), 0), S(m(1, 1, 3), (0, 1)), S(m()), S(m(1, 0), -2)],
      lambda x, dim=None: x.squeeze(tuple(d for d in (range(x.ndim) if dim is None else np.atleast_1d(dim)) if x.shape[d] == 1)),
      errors=[RANGE])  # fmt: skip
moved("unsqueeze", lambda m: [S(m(2, 3), 0), S(m(2, 3), -1), S(m(2, 3), 1), S(m(), 0), S(m(0), 1)], np.expand_dims, errors=[
    bad(F(2, 3), 3, raises=IndexError, text="out of range"), bad(F(2, 3), -4, raises=IndexError, text="out of range"),
])  # fmt: skip


def _expand(x, *s, implicit=False):
    sizes = list(s[0] if isinstance(s[0], (tuple, list)) else s)
    lead = len(sizes) - x.ndim
    return np.broadcast_to(x, [x.shape[i - lead] if n == -1 else n for i, n in enumerate(sizes)])


moved("expand", lambda m: [S(m(3, 1), 3, 4), S(m(3, 1), (2, -1, 4)), S(m(3), 2, 3), S(m(), 2, 2), S(m(1, 3), 0, 3)], _expand, torch="Tensor.expand",
      errors=[bad(F(2, 3), 2, 4, raises=RuntimeError, text="size|match"), bad(F(2, 3), 3, raises=RuntimeError, text="dimension|number"),
              bad(F(3), -1, 3, raises=RuntimeError, text="-1")])  # fmt: skip
moved(
    "expand_as",
    lambda m: [S(m(3, 1), m(2, 3, 4)), S(m(), m(2))],
    lambda x, o: np.broadcast_to(x, o.shape),
    torch="Tensor.expand_as",
)
moved("broadcast_to", lambda m: [S(m(3, 1), (3, 4)), S(m(3), (2, 3))], _expand, errors=[
    bad(F(2, 3), (2, 4), raises=RuntimeError, text="size|match"),
])  # fmt: skip
# The strides count elements of the contiguous sample.
moved("as_strided", lambda m: [S(m(12), (2, 3), (1, 2)), S(m(12), (3, 3), (1, 1)), S(m(12), (2, 2), (4, 1), 3), S(m(12), (3,), (0,)), S(m(2, 3), (), ())],
      lambda x, size, stride, offset=0: np.lib.stride_tricks.as_strided(x.ravel()[offset:], size, [s * x.itemsize for s in stride]).copy(),
      layouts=False, errors=[
    bad(F(4), (3,), (2,), raises=RuntimeError, text="out of bounds|storage|bytes"),
    bad(F(4), (2,), (-1,), raises=RuntimeError, text="negative|-1"),
    bad(F(4), (2, 2), (1,), raises=RuntimeError, text="mismatch|length|size"),
    bad(F(4), (2,), (1,), -1, raises=RuntimeError, text="offset|-1"),
])  # fmt: skip

# --- complex numbers and their parts
op("view_as_real", lambda m: [S(m(2, 3)), S(m())], lambda x: np.stack([x.real, x.imag], -1), dtypes=COMPLEX, result="real", errors=[
    bad(F(2), raises=RuntimeError, text="complex"),
])  # fmt: skip
op("view_as_complex", lambda m: [S(m(3, 2)), S(m(2))], lambda x: x[..., 0] + 1j * x[..., 1], dtypes=("float32", "float64"), result=None, layouts=False,
   errors=[bad(F(2, 3), raises=RuntimeError, text="size 2|last dim")])  # fmt: skip
op("real", lambda m: [S(m(2, 3)), S(m())], np.real, dtypes=SOME, result="real")
op(
    "imag",
    lambda m: [S(m(2, 3)), S(m())],
    np.imag,
    dtypes=COMPLEX,
    result="real",
    errors=[bad(F(2), raises=RuntimeError, text="complex")],
)
op("complex", lambda m: [S(m(2, 3), m(3)), S(m(), m(2))], lambda a, b: a + 1j * b, dtypes=("float32", "float64"), result=None, errors=[
    bad(F(2), F(2, dtype="float64"), raises=RuntimeError, text="float|dtype"),
])  # fmt: skip
op(
    "polar",
    lambda m: [S(m(2, 3, low=0.2), m(3)), S(m(low=0.2), m(2))],
    lambda a, b: a * np.exp(1j * b),
    dtypes=("float32", "float64"),
    result=None,
)

# --- the order of dimensions
moved("permute", lambda m: [S(m(2, 3, 4), (2, 0, 1)), S(m(2, 3, 2), (-1, 0, 1)), S(m(2, 3), (0, 1)), S(m(), ()), S(m(0, 2), (1, 0))], np.transpose, errors=[
    bad(F(2, 3), (0, 0), raises=RuntimeError, text="repeat|more than once|duplicate"), bad(F(2, 3), (0,), raises=RuntimeError, text="number|match|length|dims"),
    bad(F(2, 3), (0, 2), raises=IndexError, text="out of range"),
])  # fmt: skip
moved("transpose", lambda m: [S(m(2, 3, 4), 0, 2), S(m(2, 3, 2), -1, 1), S(m(2, 3), 0, 0), S(m(), 0, -1), S(m(0, 2), 0, 1)],
      lambda x, a, b: np.swapaxes(x, a, b) if x.ndim else x, errors=[bad(F(2, 3), 0, 2, raises=IndexError, text="out of range")])  # fmt: skip
for name in ("swapaxes", "swapdims"):
    moved(name, lambda m: [S(m(2, 3, 4), 0, 2), S(m(2, 3), -1, 0)], np.swapaxes)
moved(
    "t",
    lambda m: [S(m(2, 3)), S(m(3)), S(m())],
    np.transpose,
    errors=[bad(F(2, 2, 2), raises=RuntimeError, text="2|3")],
)
moved(
    "adjoint",
    lambda m: [S(m(2, 3)), S(m(2, 3, 2))],
    lambda x: np.conj(np.swapaxes(x, -1, -2)),
    torch="adjoint",
)
for name in ("movedim", "moveaxis"):
    moved(name, lambda m: [S(m(2, 3, 4), 0, 2), S(m(2, 3, 2), (0, 1), (2, 0)), S(m(2, 3), -1, 0)], np.moveaxis, errors=[
        bad(F(2, 3), (0, 1), (0,), raises=RuntimeError, text="number|length|size|same"),
        bad(F(2, 3), 2, 0, raises=IndexError, text="out of range"),
    ])  # fmt: skip

# --- parts
moved("select", lambda m: [S(m(2, 3, 4), 1, 2), S(m(2, 3), -1, -1), S(m(4), 0, 0)], lambda x, d, i: np.take(x, i, d), errors=[
    bad(F(2, 3), 0, 2, raises=IndexError, text="2|out of range"), bad(F(2, 3), 0, -3, raises=IndexError, text="-3|out of range"),
    bad(F(), 0, 0, raises=IndexError, text="0-d|select"),
])  # fmt: skip
moved("narrow", lambda m: [S(m(5, 3), 0, 1, 3), S(m(5, 3), -1, -2, 2), S(m(5), 0, 5, 0)],
      lambda x, d, s, n: np.take(x, np.arange(s % x.shape[d] if s < 0 else s, (s % x.shape[d] if s < 0 else s) + n), d), errors=[
    bad(F(5), 0, 3, 3, raises=RuntimeError, text="3|exceed|size"), bad(F(5), 0, 0, -1, raises=RuntimeError, text="-1|negative"),
    bad(F(5), 0, 6, 0, raises=IndexError, text="6|out of range"), bad(F(), 0, 0, 0, raises=RuntimeError, text="0-d"),
])  # fmt: skip
moved("diagonal", lambda m: [S(m(3, 4)), S(m(3, 4), 1), S(m(3, 4), -2), S(m(2, 3, 3), 0, 1, 2), S(m(2, 3, 4), offset=1, dim1=0, dim2=-1), S(m(2, 2), 5)],
      lambda x, offset=0, dim1=0, dim2=1: np.diagonal(x, offset, dim1, dim2), errors=[
    bad(F(3, 3), 0, 0, 0, raises=RuntimeError, text="identical|differ|same"), bad(F(3), raises=IndexError, text="out of range"),
])  # fmt: skip
moved("diag", lambda m: [S(m(3)), S(m(3), 1), S(m(3, 4)), S(m(3, 4), -1)], lambda x, diagonal=0: np.diag(x, diagonal), errors=[
    bad(F(2, 2, 2), raises=RuntimeError, text="1-?D|2-?D|dim"),
])  # fmt: skip
moved("diag_embed", lambda m: [S(m(3)), S(m(2, 3), 1), S(m(2, 3), 0, 0, 2)], None)
moved("diagflat", lambda m: [S(m(3)), S(m(2, 2), 1)], lambda x, offset=0: np.diagflat(x, offset))
moved("unfold", lambda m: [S(m(7), 0, 3, 2), S(m(3, 5), 1, 2, 1), S(m(4, 2), 0, 4, 1)],
      lambda x, d, n, step: np.moveaxis(np.stack([np.take(x, np.arange(i, i + n), d) for i in range(0, x.shape[d] - n + 1, step)], d), d + 1, -1),
      torch="Tensor.unfold", errors=[
    bad(F(3), 0, 4, 1, raises=RuntimeError, text="4|size"), bad(F(3), 0, 2, 0, raises=RuntimeError, text="step"),
])  # fmt: skip
moved("flip", lambda m: [S(m(2, 3), (0,)), S(m(2, 3), (0, 1)), S(m(2, 3, 2), (-1,)), S(m(33), (0,)), S(m(0), (0,)), S(m(2, 3), ())],
      lambda x, dims: np.flip(x, tuple(dims)), errors=[
    bad(F(2, 3), (2,), raises=IndexError, text="out of range"), bad(F(2, 3), (0, 0), raises=RuntimeError, text="more than once|multiple"),
])  # fmt: skip
moved("split", lambda m: [S(m(5, 2), 2), S(m(5, 2), [1, 4]), S(m(2, 6), 4, dim=1), S(m(2, 6), [2, 2, 2], -1), S(m(0, 2), 3)],
      lambda x, n, dim=0: np.split(x, np.arange(n, max(x.shape[dim], 1), n) if isinstance(n, int) else np.cumsum(n)[:-1], dim), errors=[
    bad(F(5), [1, 2], raises=RuntimeError, text="sum|5|exactly"), bad(F(5), -1, raises=RuntimeError, text="non-negative|-1"),
    bad(F(5), 2, 1, raises=IndexError, text="out of range"),
])  # fmt: skip
moved(
    "split_with_sizes",
    lambda m: [S(m(5, 2), [1, 4]), S(m(2, 6), [2, 0, 4], 1)],
    lambda x, n, dim=0: np.split(x, np.cumsum(n)[:-1], dim),
)


def _chunk(x, n, dim=0):
    size = -(-x.shape[dim] // n)
    return np.split(x, np.arange(size, x.shape[dim], size), dim)


moved("chunk", lambda m: [S(m(5, 2), 2), S(m(5, 2), 4), S(m(2, 7), 3, 1), S(m(2), 5)], _chunk, errors=[
    bad(F(5), 0, raises=RuntimeError, text="chunks|greater"),
])  # fmt: skip
moved("unbind", lambda m: [S(m(3, 2)), S(m(2, 3), 1), S(m(2, 3, 2), dim=-1)], lambda x, dim=0: list(np.moveaxis(x, dim, 0)), errors=[
    bad(F(), raises=IndexError, text="0-d|dim|at least", torch=False),
])  # fmt: skip
moved(
    "tensor_split",
    lambda m: [S(m(7, 2), 3), S(m(7, 2), (1, 5)), S(m(2, 5), 2, dim=1)],
    lambda x, n, dim=0: np.array_split(x, n, dim),
)

# --- joining and repeating
moved("cat", lambda m: [
    S([m(2, 3), m(4, 3)]), S([m(2, 3), m(2, 1), m(2, 2)], 1), S([m(2, 3), m(2, 3)], dim=-1), S([m(33), m(31), m(0)]), S([m(3, 2)]),
], lambda xs, dim=0: np.concatenate(xs, dim), errors=[
    bad([], raises=ValueError, text="empty|non-empty"), bad([F(2, 3), F(3, 2)], raises=RuntimeError, text="size|match"),
    bad([F(2), F()], raises=RuntimeError, text="0-d|zero-dim"), bad([F(2), F(2)], 1, raises=IndexError, text="out of range"),
    bad([F(2), 3], raises=TypeError, text="int|argument|Tensor"), bad(F(2), raises=TypeError, text="tuple|list|argument"),
])  # fmt: skip
for name in ("concat", "concatenate"):
    alias(name, "cat")
moved("stack", lambda m: [S([m(2, 3), m(2, 3)]), S([m(2, 3), m(2, 3)], 1), S([m(3), m(3)], dim=-1), S([m(), m()])], lambda xs, dim=0: np.stack(xs, dim), errors=[
    bad([], raises=RuntimeError, text="empty|non-empty"), bad([F(2), F(3)], raises=RuntimeError, text="equal|size|shape"),
])  # fmt: skip
moved("hstack", lambda m: [S([m(2), m(3)]), S([m(2, 1), m(2, 2)])], np.hstack)
moved("vstack", lambda m: [S([m(3), m(3)]), S([m(2, 2), m(1, 2)])], np.vstack)
moved("dstack", lambda m: [S([m(3), m(3)]), S([m(2, 2), m(2, 2)])], np.dstack)
moved("column_stack", lambda m: [S([m(3), m(3)]), S([m(3, 2), m(3)])], np.column_stack)
moved("repeat", lambda m: [S(m(2, 3), 2, 1), S(m(3), (2, 2)), S(m(), 3), S(m(2), 0)],
      lambda x, *r: np.tile(x, r[0] if isinstance(r[0], tuple) else r), torch="Tensor.repeat", errors=[
    bad(F(2, 3), 2, raises=RuntimeError, text="dimension|number"), bad(F(2), -1, raises=RuntimeError, text="negative|-1"),
])  # fmt: skip
moved(
    "tile", lambda m: [S(m(2, 3), (2, 1)), S(m(3), (2, 2)), S(m(2, 3), (2,)), S(m(), (3,))], np.tile
)
moved("repeat_interleave", lambda m: [S(m(3), 2), S(m(2, 3), 2, dim=1), S(m(3), I(1, 0, 2)), S(m(2, 3), I(2, 1), 0)],
      lambda x, r, dim=None: np.repeat(x, r, dim), errors=[
    bad(F(3), I(1, 2), raises=RuntimeError, text="size|repeats|match"), bad(F(3), -1, raises=RuntimeError, text="negative|non-negative"),
])  # fmt: skip
moved("roll", lambda m: [S(m(5), 2), S(m(2, 3), 1), S(m(2, 3), -1, 1), S(m(2, 3), (1, 2), (0, 1)), S(m(2, 3), shifts=4, dims=0)],
      lambda x, shifts, dims=None: np.roll(x, shifts, dims), errors=[
    bad(F(2, 3), (1, 2), 0, raises=RuntimeError, text="shifts|dims|align"), bad(F(2, 3), 1, 2, raises=IndexError, text="out of range"),
])  # fmt: skip
moved(
    "rot90",
    lambda m: [S(m(2, 3)), S(m(2, 3), 2), S(m(2, 3), -1, (0, 1)), S(m(2, 3, 2), 1, (1, 2))],
    lambda x, k=1, dims=(0, 1): np.rot90(x, k, dims),
)
moved("fliplr", lambda m: [S(m(2, 3))], np.fliplr)
moved("flipud", lambda m: [S(m(2, 3)), S(m(3))], np.flipud)
moved("tril", lambda m: [S(m(3, 4)), S(m(3, 4), 1), S(m(4, 3), -1), S(m(2, 3, 3)), S(m(0, 3))], lambda x, k=0: np.tril(x, k), errors=[
    bad(F(3), raises=RuntimeError, text="2|dim"),
])  # fmt: skip
moved("triu", lambda m: [S(m(3, 4)), S(m(3, 4), 1), S(m(4, 3), -1), S(m(2, 3, 3)), S(m(0, 3))], lambda x, k=0: np.triu(x, k), errors=[
    bad(F(3), raises=RuntimeError, text="2|dim"),
])  # fmt: skip
for name, axis in (("hsplit", 1), ("vsplit", 0), ("dsplit", 2)):
    moved(name, lambda m: [S(m(2, 2, 2), 2), S(m(3, 3, 3), (1, 2))], lambda x, n, axis=axis: np.array_split(x, n, axis), errors=[
        bad(F(3, 3, 3), 2, raises=RuntimeError, text="divisible|divide|equal"), bad(F(), 2, raises=RuntimeError, text="dim|0"),
    ])  # fmt: skip
alias("row_stack", "vstack")
moved(
    "narrow_copy",
    lambda m: [S(m(5, 3), 0, 1, 3), S(m(5, 3), -1, 1, 2)],
    lambda x, d, s, n: np.take(x, np.arange(s, s + n), d),
)
op("sum_to_size", lambda m: [S(m(2, 3), 1, 3), S(m(2, 3), (2, 1)), S(m(2, 3), 3), S(m(2, 3), ())],
   lambda x, *s: _sum_to_size(x, s[0] if isinstance(s[0], tuple) else s), dtypes=("float32", "float64", "int64"), torch="Tensor.sum_to_size", errors=[
    bad(F(2, 3), 2, 2, raises=RuntimeError, text="size|expand|shape"),
])  # fmt: skip


def _sum_to_size(x, size):
    x = x.sum(tuple(range(x.ndim - len(size))))
    return x.sum(tuple(i for i, n in enumerate(size) if n == 1), keepdims=True)


# --- the tensor itself takes another shape
for name, ref, calls in (
    ("t_", np.transpose, [()]), ("transpose_", np.swapaxes, [(0, 1)]), ("swapaxes_", np.swapaxes, [(0, 1)]), ("swapdims_", np.swapaxes, [(0, -1)]),
    ("unsqueeze_", np.expand_dims, [(0,), (-1,)]), ("squeeze_", lambda x, d=None: x if d is None or x.shape[d] > 1 else x.squeeze(d), [(), (0,)]),
    ("as_strided_", lambda x, size, stride: np.lib.stride_tricks.as_strided(x, size, [n * x.itemsize for n in stride]).copy(), [((3, 2), (1, 3))]),
):  # fmt: skip
    moved(
        name,
        lambda m, calls=calls: [S(m(2, 3), *c) for c in calls],
        ref,
        layouts=False,
        torch=f"Tensor.{name}",
    )
moved(
    "resize_",
    lambda m: [S(m(2, 3), 3, 2), S(m(2, 3), (4,))],
    lambda x, *s: np.resize(x, s[0] if isinstance(s[0], tuple) else s),
    layouts=False,
    grad=False,
    torch="Tensor.resize_",
)
moved(
    "resize_as_",
    lambda m: [S(m(2, 3), m(3, 2))],
    lambda x, o: np.resize(x, o.shape),
    layouts=False,
    grad=False,
    torch="Tensor.resize_as_",
)
