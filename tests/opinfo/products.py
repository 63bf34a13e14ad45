# ruff: noqa: E501 -- tables of samples read better unwrapped
"""Matrix and vector products, alone and added to a tensor."""

from __future__ import annotations

import math

import numpy as np

from tests.opinfo import reference as r
from tests.opinfo.record import COMPLEX, FLOATS, F, S, bad, op

DOTS = {
    "float16": (1e-2, 2e-2),
    "bfloat16": (4e-2, 0.1),
    "float32": (3e-5, 3e-5),
    "complex64": (5e-5, 5e-5),
}
MATS = FLOATS + COMPLEX + ("int64", "int32", "uint8")


def flops_of_product(s):
    a, b = s.operands()[:2]
    return 2.0 * a.values.size * (b.shape[-1] if b.values.ndim > 1 else 1)


def matmul_samples(m):
    shapes = [
        ((3,), (3,)),
        ((2, 3), (3,)),
        ((3,), (3, 2)),
        ((2, 3), (3, 4)),
        ((2, 2, 3), (3, 2)),
        ((2, 1, 2, 3), (3, 3, 1)),
        ((2, 3), (2, 3, 2)),
    ]
    if not m.grad:
        shapes += [
            ((33, 17), (17, 65)),
            ((1, 129), (129, 1)),
            ((70, 70), (70, 70)),
            ((0, 3), (3, 2)),
            ((2, 0), (0, 3)),
            ((2, 0, 3), (3, 4)),
            ((5, 33, 7), (5, 7, 9)),
        ]
    for a, b in shapes:
        yield S(m(*a), m(*b))


MISMATCH = r"\(2, 3\)|2x3|shape|size|match"
op("matmul", matmul_samples, np.matmul, dtypes=MATS, tol=DOTS, flops=flops_of_product, errors=[
    bad(F(2, 3), F(2, 3), raises=RuntimeError, text=MISMATCH), bad(F(), F(2), raises=RuntimeError, text="1-?D|0-?D|dim"),
    bad(F(2, 2), F(2, 2, dtype="float64"), raises=RuntimeError, text="dtype|float64|double"), bad(F(2), 2, raises=TypeError, text="int|argument"),
    bad(F(2, 1, 2), F(3, 2, 2), raises=RuntimeError, text="broadcast|match|size|shape"),
])  # fmt: skip
op("mm", lambda m: [S(m(2, 3), m(3, 4)), S(m(1, 1), m(1, 1)), *([] if m.grad else [S(m(35, 19), m(19, 66)), S(m(0, 3), m(3, 2)), S(m(2, 0), m(0, 3))])],
   np.matmul, dtypes=MATS, tol=DOTS, errors=[bad(F(2, 3), F(2, 3), raises=RuntimeError, text=MISMATCH), bad(F(2), F(2, 2), raises=RuntimeError, text="2-?D|matrix|matrices")])  # fmt: skip
op("_int_mm", lambda m: [S(m(2, 3), m(3, 4)), S(m(35, 19), m(19, 66)), S(m(0, 3), m(3, 2)), S(m(2, 0), m(0, 3))], np.matmul, dtypes=("int8",), result="int32", grad=False, errors=[
    bad(F(2, 3, dtype="int8"), F(2, 3, dtype="int8"), raises=RuntimeError, text=MISMATCH), bad(F(2, 2), F(2, 2), raises=RuntimeError, text="int8|char|Char"),
])  # fmt: skip
op("bmm", lambda m: [S(m(2, 2, 3), m(2, 3, 2)), *([] if m.grad else [S(m(5, 33, 7), m(5, 7, 9)), S(m(0, 2, 3), m(0, 3, 2))])], np.matmul, dtypes=MATS, tol=DOTS,
   errors=[bad(F(2, 2, 3), F(3, 3, 2), raises=RuntimeError, text="batch|size|shape"), bad(F(2, 3), F(3, 2), raises=RuntimeError, text="3-?D|3D")])  # fmt: skip
op("mv", lambda m: [S(m(2, 3), m(3)), *([] if m.grad else [S(m(33, 129), m(129)), S(m(2, 0), m(0))])], np.matmul, dtypes=MATS, tol=DOTS,
   errors=[bad(F(2, 3), F(2), raises=RuntimeError, text="size|shape|match")])  # fmt: skip
for name in ("dot", "vdot", "inner"):
    op(name, lambda m: [S(m(3), m(3)), *([] if m.grad else [S(m(129), m(129)), S(m(0), m(0))])],
       {"dot": np.dot, "vdot": np.vdot, "inner": np.inner}[name], dtypes=MATS, tol=DOTS, errors=[
        bad(F(2), F(3), raises=RuntimeError, text="size|shape|match|same number"),
        *([] if name == "inner" else [bad(F(2, 2), F(2, 2), raises=RuntimeError, text="1-?D")]),
    ])  # fmt: skip
for name in ("outer", "ger"):
    op(
        name,
        lambda m: [S(m(2), m(3)), S(m(0), m(2))],
        np.outer,
        dtypes=MATS,
        errors=[bad(F(2, 2), F(2), raises=RuntimeError, text="1-?D|vector")],
    )
op("kron", lambda m: [S(m(2, 2), m(1, 3)), S(m(2), m(3))], np.kron, dtypes=FLOATS)


def added(f):
    return lambda c, a, b, *, beta=1, alpha=1: beta * c + alpha * f(a, b)


op("addmm", lambda m: [S(m(2, 4), m(2, 3), m(3, 4)), S(m(4), m(2, 3), m(3, 4)), S(m(), m(2, 3), m(3, 2), beta=2, alpha=3), S(m(2, 2), m(2, 3), m(3, 2), beta=0)],
   added(np.matmul), dtypes=FLOATS + COMPLEX, tol=DOTS | {"float16": (2e-2, 4e-2)}, errors=[
    bad(F(2, 2), F(2, 3), F(2, 3), raises=RuntimeError, text=MISMATCH), bad(F(3, 3), F(2, 3), F(3, 2), raises=RuntimeError, text="expand|size|broadcast|shape"),
])  # fmt: skip


def added_relu(c, a, b, *, beta=1, alpha=1, use_gelu=False):
    x = beta * c + alpha * np.matmul(a, b)
    return x * 0.5 * r.erfc(-x / math.sqrt(2)) if use_gelu else np.maximum(x, 0)


op("_addmm_activation", lambda m: [S(m(35, 19), m(35, 7), m(7, 19)) if not m.grad else S(m(2, 4), m(2, 3), m(3, 4)), S(m(4), m(2, 3), m(3, 4)), S(m(), m(2, 3), m(3, 2), beta=2, alpha=3), S(m(4), m(2, 3), m(3, 4), use_gelu=True)],
   added_relu, dtypes=FLOATS, tol=DOTS | {"float16": (2e-2, 4e-2)}, errors=[
    bad(F(2, 2), F(2, 3), F(2, 3), raises=RuntimeError, text=MISMATCH), bad(F(3, 3), F(2, 3), F(3, 2), raises=RuntimeError, text="expand|size|broadcast|shape"),
])  # fmt: skip
op(
    "addmv",
    lambda m: [S(m(2), m(2, 3), m(3)), S(m(2), m(2, 3), m(3), beta=2, alpha=3)],
    added(np.matmul),
    dtypes=FLOATS,
    tol=DOTS,
)
op(
    "addr",
    lambda m: [S(m(2, 3), m(2), m(3)), S(m(3), m(2), m(3), beta=2, alpha=3)],
    added(np.outer),
    dtypes=FLOATS,
    tol=DOTS,
)
op(
    "baddbmm",
    lambda m: [
        S(m(2, 2, 2), m(2, 2, 3), m(2, 3, 2)),
        S(m(2), m(2, 2, 3), m(2, 3, 2), beta=2, alpha=0.5),
    ],
    added(np.matmul),
    dtypes=FLOATS + COMPLEX,
    tol=DOTS,
)
op("addbmm", lambda m: [S(m(2, 2), m(2, 2, 3), m(2, 3, 2)), S(m(2, 2), m(2, 2, 3), m(2, 3, 2), beta=2, alpha=0.5)],
   added(lambda a, b: np.matmul(a, b).sum(0)), dtypes=FLOATS, tol=DOTS)  # fmt: skip
op("linear", lambda m: [
    S(m(2, 3), m(4, 3), m(4)), S(m(2, 3), m(4, 3)), S(m(3), m(2, 3), m(2)), S(m(2, 2, 3), m(2, 3), m(2)),
    *([] if m.grad else [S(m(33, 130), m(17, 130), m(17)), S(m(0, 3), m(2, 3), m(2)), S(m(2, 0), m(3, 0), m(3))]),
], lambda x, w, b=None: x @ w.T + (0 if b is None else b), tol=DOTS, errors=[
    bad(F(2, 3), F(4, 2), raises=RuntimeError, text=r"\(2, 3\)|2x3|shape|size"), bad(F(2, 3), F(4, 3), F(3), raises=RuntimeError, text="bias|expand|size|shape"),
    bad(F(2, 3), F(4, 3, dtype="float64"), raises=RuntimeError, text="dtype|float64|double"),
])  # fmt: skip
op("bilinear", lambda m: [S(m(2, 3), m(2, 2), m(4, 3, 2), m(4))], lambda a, b, w, c=None: np.einsum("ni,kij,nj->nk", a, w, b) + (0 if c is None else c),
   dtypes=("float32", "float64"), tol=DOTS)  # fmt: skip
