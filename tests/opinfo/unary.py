# ruff: noqa: E501 -- tables of samples read better unwrapped
"""Functions of one tensor: exponentials, roots, trigonometry, special functions, activations."""

from __future__ import annotations

import math

import numpy as np

from tests.opinfo import reference as r
from tests.opinfo.constructors import unary_op
from tests.opinfo.record import ALL, BOOL, COMPLEX, FLOATS, INTS, F, S, alias, bad, op

WITH_COMPLEX = FLOATS + INTS + BOOL + COMPLEX
REAL = FLOATS + INTS
HALF = {"float16": (4e-3, 1e-3), "bfloat16": (3e-2, 1e-2)}

# --- exponentials and roots
for name, ref, low, high in (
    ("exp", np.exp, -3, 3), ("sqrt", np.sqrt, 0.1, 5), ("rsqrt", lambda x: 1 / np.sqrt(x), 0.1, 5),
    ("log", np.log, 0.1, 5), ("log2", np.log2, 0.1, 5), ("log10", np.log10, 0.1, 5),
    ("reciprocal", lambda x: 1 / np.asarray(x, dtype=complex if np.iscomplexobj(x) else float), 0.3, 5),
    ("exp2", lambda x: np.exp2(x) if not np.iscomplexobj(x) else np.exp(x * math.log(2)), -3, 3),
    ("expm1", lambda x: np.expm1(x) if not np.iscomplexobj(x) else np.expm1(x), -3, 3),
    ("log1p", np.log1p, -0.9, 3),
    ("sigmoid", r.sigmoid, -4, 4),
    ("sin", np.sin, -3, 3), ("cos", np.cos, -3, 3), ("tan", np.tan, -1.3, 1.3),
    ("sinh", np.sinh, -3, 3), ("cosh", np.cosh, -3, 3), ("tanh", np.tanh, -3, 3),
    ("asin", np.arcsin, -0.9, 0.9), ("acos", np.arccos, -0.9, 0.9), ("atan", np.arctan, -3, 3),
    ("asinh", np.arcsinh, -3, 3), ("acosh", np.arccosh, 1.2, 5), ("atanh", np.arctanh, -0.9, 0.9),
):  # fmt: skip
    unary_op(name, ref, low=low, high=high, dtypes=WITH_COMPLEX, tol=HALF if name == "tan" else {})
for name in ("asin", "acos", "atan", "asinh", "acosh", "atanh"):
    alias("arc" + name[1:], name)
alias("expit", "sigmoid")

# --- whole and other plain numbers
unary_op("neg", np.negative, result="same", dtypes=REAL + COMPLEX, errors=[
    bad(F(2, dtype="bool"), raises=RuntimeError, text="bool"),
])  # fmt: skip
alias("negative", "neg")
unary_op("positive", lambda x: x, result="same", dtypes=REAL + COMPLEX, errors=[
    bad(F(2, dtype="bool"), raises=RuntimeError, text="bool"),
])  # fmt: skip
unary_op("square", np.square, result=None, dtypes=REAL + COMPLEX)
unary_op("abs", np.abs, avoid=[0], result="real", dtypes=REAL + COMPLEX)
alias("absolute", "abs")
unary_op("sign", lambda x: np.nan_to_num(np.sign(x * 1)), avoid=[0], result="same", dtypes=REAL + BOOL, errors=[
    bad(F(2, dtype="complex64"), raises=RuntimeError, text="complex"),
])  # fmt: skip
unary_op("sgn", lambda x: np.nan_to_num(np.sign(x * 1)) if not np.iscomplexobj(x) else np.where(x == 0, 0, x / np.where(x == 0, 1, np.abs(x))),
         avoid=[0], result="same", dtypes=REAL + BOOL + COMPLEX)  # fmt: skip
for name in ("conj", "conj_physical"):
    unary_op(name, np.conj, result="same", dtypes=ALL)
for name in ("resolve_conj", "resolve_neg"):
    unary_op(name, lambda x: x, result="same", dtypes=ALL)
unary_op(
    "angle",
    lambda x: (
        np.angle(x)
        if np.iscomplexobj(x)
        else np.where(np.isnan(x), np.nan, np.where(x * 1 < 0, np.pi, 0))
    ),
    avoid=[0],
    dtypes=WITH_COMPLEX,
    special=True,
    result=None,
)
for name, ref in (("floor", np.floor), ("ceil", np.ceil), ("trunc", np.trunc)):
    unary_op(name, ref, avoid=[-3, -2, -1, 0, 1, 2, 3], result="same", dtypes=REAL, errors=[
        bad(F(2, dtype="complex64"), raises=RuntimeError, text="complex"),
    ])  # fmt: skip
alias("fix", "trunc")
unary_op("round", lambda x, decimals=0: np.round(x, decimals), avoid=[-2.5, -1.5, -0.5, 0.5, 1.5, 2.5],
         result="same", dtypes=REAL)  # fmt: skip
unary_op(
    "frac",
    lambda x: np.where(np.isinf(x), np.nan, x - np.trunc(x)),
    avoid=[-3, -2, -1, 0, 1, 2, 3],
    result="same",
    dtypes=FLOATS,
)
unary_op("deg2rad", np.deg2rad, low=-300, high=300)
unary_op("rad2deg", np.rad2deg, tol={"float16": (4e-3, 1e-2)})
op("nan_to_num", lambda m: [
    S(m(5)), S(m.of([1.0, np.nan, np.inf, -np.inf, 0.0] if not m.integral else [1, 2, 3])),
    S(m.of([1.0, np.nan, np.inf, -np.inf] if not m.integral else [1, 2]), nan=2.0, posinf=3.0, neginf=-3.0),
], None, dtypes=FLOATS + INTS)  # fmt: skip
op("logit", lambda m: [
    S(m(33, low=0.05, high=0.95)), S(m(3, 2, low=0.1, high=0.9)), S(m(5, low=0.02, high=0.98), eps=0.1),
    *([] if m.grad else [S(m.of([0.0, 1.0, -0.5, 1.5, np.nan])), S(m(0))]),
], lambda x, eps=None: (lambda y: np.log(y / (1 - y)))(x if eps is None else np.clip(x, eps, 1 - eps)),
   dtypes=FLOATS, tol=HALF)  # fmt: skip

# --- predicates
for name, ref in (
    ("isnan", np.isnan), ("isinf", np.isinf), ("isfinite", np.isfinite),
    ("logical_not", np.logical_not),
):  # fmt: skip
    unary_op(name, ref, result="bool", grad=False, dtypes=ALL)
for name, ref in (("isposinf", np.isposinf), ("isneginf", np.isneginf), ("signbit", np.signbit)):
    unary_op(
        name,
        lambda x, f=ref: f(x if x.dtype != bool else x.astype(int)),
        result="bool",
        grad=False,
        dtypes=REAL + BOOL,
        special=name != "signbit",
    )  # a NaN's sign does not survive every conversion
unary_op("isreal", lambda x: np.imag(x) == 0, result="bool", grad=False, dtypes=ALL)
unary_op("bitwise_not", lambda x: ~x, result="same", grad=False, dtypes=INTS + BOOL, special=False, errors=[
    bad(F(2), raises=RuntimeError, text="float"),
])  # fmt: skip

# --- special functions
SINGLE = ("float32", "float64", *INTS)
TIGHT_SPECIAL = {"float32": (2e-5, 5e-6), "float64": (1e-9, 1e-11), **HALF}
unary_op("erf", r.erf)
unary_op("erfc", r.erfc, tol=TIGHT_SPECIAL)
unary_op("erfinv", r.erfinv, low=-0.9, high=0.9, tol=TIGHT_SPECIAL)
unary_op("lgamma", r.lgamma, low=0.2, high=6, tol=TIGHT_SPECIAL)
unary_op("digamma", r.digamma, low=0.2, high=6, special=False, tol=TIGHT_SPECIAL)
unary_op("i0", r.bessel_i(0, False), special=False, tol=TIGHT_SPECIAL)
unary_op("i0e", r.bessel_i(0, True), special=False, tol=TIGHT_SPECIAL)
unary_op("i1", r.bessel_i(1, False), special=False, tol=TIGHT_SPECIAL)
unary_op("i1e", r.bessel_i(1, True), special=False, tol=TIGHT_SPECIAL)
unary_op("sinc", np.sinc, avoid=[0], tol=TIGHT_SPECIAL, special=False)
unary_op("entr", lambda x: np.where(x > 0, -x * np.log(np.where(x > 0, x, 1)), np.where(x == 0, 0.0, np.where(np.isnan(x), x, -np.inf))),
         low=0.1, high=3)  # fmt: skip
unary_op("ndtr", r.ndtr, tol=TIGHT_SPECIAL)
unary_op("ndtri", r.ndtri, low=0.05, high=0.95, tol=TIGHT_SPECIAL, special=False, dtypes=SINGLE)
unary_op(
    "erfcx",
    lambda x: np.exp(np.square(x)) * r.erfc(x),
    low=-2,
    high=3,
    special=False,
    tol=TIGHT_SPECIAL,
    dtypes=SINGLE,
)
unary_op("log_ndtr", lambda x: np.log(r.ndtr(x)), special=False, tol=TIGHT_SPECIAL, dtypes=SINGLE)
alias("gammaln", "lgamma")
alias("psi", "digamma")
op("polygamma", lambda m: [S(n, m(*shape, low=0.3, high=4)) for n in (0, 1, 2) for shape in ((), (5,), (2, 3))],
   r.polygamma, dtypes=("float32", "float64"), tol={"float32": (1e-4, 1e-4), "float64": (1e-9, 1e-9)},
   errors=[bad(-1, F(2), raises=RuntimeError, text="n|negative")])  # fmt: skip
for name in ("mvlgamma", "multigammaln"):
    op(name, lambda m: [S(m(*shape, low=1.2, high=5), p) for p in (1, 2, 3) for shape in ((), (5,), (2, 3))],
       r.multigammaln, dtypes=("float32", "float64"), tol=TIGHT_SPECIAL)  # fmt: skip

# --- activations
NO_INT = {"dtypes": FLOATS, "result": "same"}
unary_op("relu", lambda x: np.where(np.isnan(x), x, np.maximum(x, 0)), avoid=[0], result="same", dtypes=REAL, errors=[
    bad(F(2, dtype="bool"), raises=RuntimeError, text="[Bb]ool"),
    bad(F(2, dtype="complex64"), raises=RuntimeError, text="complex"),
])  # fmt: skip
unary_op("leaky_relu", lambda x, negative_slope=0.01: np.where(x > 0, x, x * negative_slope), avoid=[0],
         extra=[((0.3,), {}), ((), {"negative_slope": 0.0})], special=False, **NO_INT)  # fmt: skip
unary_op(
    "elu",
    lambda x, alpha=1.0: np.where(x > 0, x, alpha * np.expm1(x)),
    avoid=[0],
    extra=[((0.5,), {}), ((), {"alpha": 2.0})],
    **NO_INT,
)
unary_op("selu", lambda x: 1.0507009873554804934193349852946 * np.where(x > 0, x, 1.6732632423543772848170429916717 * np.expm1(x)),
         avoid=[0], **NO_INT)  # fmt: skip
unary_op(
    "celu",
    lambda x, alpha=1.0: np.where(x > 0, x, alpha * np.expm1(x / alpha)),
    avoid=[0],
    extra=[((), {"alpha": 2.0})],
    **NO_INT,
)
unary_op("gelu", r.gelu, extra=[((), {"approximate": "tanh"})], special=False, tol=TIGHT_SPECIAL, **NO_INT, errors=[
    bad(F(2), approximate="other", raises=RuntimeError, text="approximate"),
])  # fmt: skip
unary_op(
    "silu", lambda x: x * r.sigmoid(x), special=False, without=COMPLEX, result="same", dtypes=FLOATS
)
unary_op("mish", lambda x: x * np.tanh(r.softplus(x)), special=False, **NO_INT)
unary_op("softplus", r.softplus, extra=[((2.0,), {}), ((1.5, 0.2), {})], special=False, **NO_INT)
unary_op("hardtanh", lambda x, min_val=-1.0, max_val=1.0: np.clip(x, min_val, max_val), avoid=[-1, 1, -0.5, 2],
         extra=[((-0.5, 2.0), {})], **NO_INT)  # fmt: skip
unary_op("relu6", lambda x: np.clip(x, 0, 6), low=-3, high=9, avoid=[0, 6], **NO_INT)
unary_op(
    "hardswish",
    lambda x: x * np.clip(x + 3, 0, 6) / 6,
    low=-5,
    high=5,
    avoid=[-3, 3],
    special=False,
    **NO_INT,
)
unary_op(
    "hardsigmoid",
    lambda x: np.clip(x + 3, 0, 6) / 6,
    low=-5,
    high=5,
    avoid=[-3, 3],
    torch_tol={"float64": (1e-7, 1e-9)},
    **NO_INT,
)
unary_op(
    "hardshrink",
    lambda x, lambd=0.5: np.where(np.abs(x) <= lambd, 0, x),
    avoid=[-0.5, 0.5, 1, -1],
    extra=[((1.0,), {})],
    **NO_INT,
)
unary_op("softshrink", lambda x, lambd=0.5: np.where(x > lambd, x - lambd, np.where(x < -lambd, x + lambd, x * 0)),
         avoid=[-0.5, 0.5, 1, -1], extra=[((1.0,), {})], special=False, **NO_INT)  # fmt: skip
op("threshold", lambda m: [S(m(*shape, avoid=[0.5]), 0.5, 2.0) for shape in ((), (33,), (2, 3))],
   lambda x, threshold, value: np.where(x <= threshold, value, x))  # fmt: skip
unary_op("logsigmoid", lambda x: -np.logaddexp(0, -x), tol=TIGHT_SPECIAL, **NO_INT)
unary_op(
    "softsign", lambda x: x / (1 + np.abs(x)), avoid=[0], special=False, result=None, dtypes=FLOATS
)
unary_op(
    "tanhshrink",
    lambda x: x - np.tanh(x),
    special=False,
    result=None,
    dtypes=FLOATS,
    tol=HALF | {"float16": (4e-3, 2e-3)},
)
op("prelu", lambda m: [
    S(m(2, 3, avoid=[0]), m(1)), S(m(2, 3, avoid=[0]), m(3)), S(m(2, 3, 4, avoid=[0]), m(3)), S(m(33, avoid=[0]), m(1)),
], lambda x, w: np.where(x > 0, x, x * w.reshape((1, -1) + (1,) * (x.ndim - 2) if w.size > 1 else (1,) * x.ndim)),
   errors=[bad(F(2, 3), F(2), raises=RuntimeError, text="weight|channel")])  # fmt: skip
op("glu", lambda m: [S(m(4)), S(m(2, 6)), S(m(4, 3), dim=0), S(m(2, 4, 3), 1)],
   lambda x, dim=-1: (lambda a, b: a * r.sigmoid(b))(*np.split(x, 2, dim)),
   errors=[bad(F(2, 3), raises=RuntimeError, text="even|halv"), bad(F(2, 4), 5, raises=IndexError, text="out of range")])  # fmt: skip
