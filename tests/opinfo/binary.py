# ruff: noqa: E501 -- tables of samples read better unwrapped
"""Functions of two or three tensors: arithmetic, comparison, logic, bits, choice."""

from __future__ import annotations

import numpy as np

from tests.opinfo.constructors import binary_op
from tests.opinfo.record import ALL, BOOL, COMPLEX, FLOATS, INTS, F, I, S, alias, bad, op

REAL = FLOATS + INTS
NUMBERS = REAL + COMPLEX
HALF = {"float16": (4e-3, 2e-3), "bfloat16": (3e-2, 2e-2)}


def on_kind(f, g):
    """f for numbers, g for bools."""
    return lambda a, b, **k: (
        g(a, b) if np.asarray(a).dtype == bool and np.asarray(b).dtype == bool else f(a, b, **k)
    )


# --- arithmetic
binary_op("add", lambda a, b, alpha=1: a + alpha * b if alpha != 1 else np.add(a, b),
          scalars=[2, -1], extra=[{"alpha": 2}], dtypes=NUMBERS)  # fmt: skip
binary_op("sub", lambda a, b, alpha=1: a - (alpha * b if alpha != 1 else b), scalars=[2], extra=[{"alpha": 2}], dtypes=NUMBERS, errors=[
    bad(F(2, dtype="bool"), F(2, dtype="bool"), raises=RuntimeError, text="bool"),
])  # fmt: skip
alias("subtract", "sub")
binary_op(
    "rsub",
    lambda a, b, alpha=1: b - (alpha * a if alpha != 1 else a),
    scalars=[2],
    extra=[{"alpha": 2}],
    dtypes=NUMBERS,
)
binary_op("mul", np.multiply, scalars=[2, -1], dtypes=ALL, result=None)
alias("multiply", "mul")


def _div(a, b, rounding_mode=None):
    if rounding_mode is None:
        return np.true_divide(a, b)
    if np.asarray(a).dtype.kind in "ib":
        q = np.floor_divide(a, b)
        return q if rounding_mode == "floor" else q + ((a % b != 0) & (q < 0))
    return np.trunc(a / b) if rounding_mode == "trunc" else _floor_divide(a, b)


def _floor_divide(a, b):
    a, b = np.broadcast_arrays(np.asarray(a), np.asarray(b))
    if a.dtype.kind in "ib":
        return np.floor_divide(a, b)
    return np.where(b == 0, a / b, np.floor_divide(a, b))


binary_op("div", _div, low2=0.3, high2=3, scalars=[2, 0.5], nonzero=True, dtypes=NUMBERS, result="float", errors=[
    bad(F(2), F(2), rounding_mode="up", raises=RuntimeError, text="rounding_mode|up"),
])  # fmt: skip
alias("divide", "div")
alias("true_divide", "div")
binary_op("floor_divide", _floor_divide, low2=0.3, high2=3, nonzero=True, scalars=[2], dtypes=REAL, result="same", grad=False, special=False,
          errors=[bad(I(1, 2), I(0, 1), raises=RuntimeError, text="[Zz]ero")])  # fmt: skip


def _fmod(a, b):
    return np.fmod(a, b)


def _remainder(a, b):
    a, b = np.broadcast_arrays(np.asarray(a), np.asarray(b))
    if a.dtype.kind in "ib":
        return np.remainder(a, b)
    m = np.fmod(a, b)
    return np.where((m != 0) & ((b < 0) != (m < 0)), m + b, m)


for name, ref in (("remainder", _remainder), ("fmod", _fmod)):
    binary_op(name, ref, low=0.2, high=0.9, low2=1.1, high2=2.3, nonzero=True, scalars=[2], dtypes=REAL, result="same", gradgrad=False, special=False,
              tol=HALF, errors=[bad(I(1, 2), I(0, 1), raises=RuntimeError, text="[Zz]ero")])  # fmt: skip


def _pow(a, b):
    a = np.asarray(a)
    return (
        np.power(a.astype(np.complex128), b)
        if np.iscomplexobj(a) or np.iscomplexobj(b)
        else np.power(a, b)
    )


binary_op("pow", _pow, low=0.2, high=3, low2=0, high2=2.5, scalars=[2, 3, 1, 0], dtypes=NUMBERS, special=False,
          tol={"float16": (6e-3, 1e-3)}, errors=[
    bad(I(2), -1, raises=RuntimeError, text="negative"),
])  # fmt: skip
binary_op("float_power", lambda a, b: _pow(a.astype(complex if np.iscomplexobj(a) else float), b), low=0.2, high=3, low2=0, high2=2.5, scalars=[2],
          result=None, special=False, dtypes=NUMBERS, tol={"complex64": (1e-9, 1e-9)})  # fmt: skip

# --- extremes
for name, ref in (
    ("maximum", np.maximum),
    ("minimum", np.minimum),
    ("fmax", np.fmax),
    ("fmin", np.fmin),
):
    binary_op(name, ref, avoid_equal=True, dtypes=REAL + BOOL, errors=[
        bad(F(2, dtype="complex64"), F(2, dtype="complex64"), raises=RuntimeError, text="complex"),
    ])  # fmt: skip


def clamp(x, min=None, max=None):
    y = np.asarray(x)
    if min is not None:
        y = np.where(np.isnan(y), y, np.maximum(y, min))
    if max is not None:
        y = np.where(np.isnan(y), y, np.minimum(y, max))
    return y


def clamp_samples(m):
    x = lambda *s: m(*s, avoid=[-1, 1, 0])  # noqa: E731
    bound = lambda v, *s: m.of(np.full(s, v), grad=False)  # noqa: E731
    yield S(x(33) if not m.grad else x(5), 0, 1)
    yield S(x(), min=0)
    yield S(x(2, 3), max=1)
    yield S(x(2, 3), bound(0, 3), bound(1, 3))
    yield S(x(2, 3), min=bound(0, 2, 1))
    yield S(x(2, 3), max=bound(1))
    yield S(x(0), 0, 1)
    yield S(x(4), 1, 0)  # min above max: all become max
    if not m.grad and not m.integral:
        yield S(m.of([np.nan, np.inf, -np.inf, 0.0]), 0, 1)


for name in ("clamp", "clip"):
    op(name, clamp_samples, clamp, dtypes=REAL, errors=[
        bad(F(2), raises=RuntimeError, text="min|max"),
        bad(F(2, dtype="complex64"), 0, 1, raises=RuntimeError, text="complex"),
        bad(F(2), "a", raises=TypeError, text="str|argument"),
    ])  # fmt: skip
op("clamp_min", lambda m: [S(m(33 if not m.grad else 4, avoid=[1]), 1), S(m(2, 3, avoid=[0]), m.of(np.zeros(3), grad=False))],
   lambda x, min: clamp(x, min), dtypes=REAL)  # fmt: skip
op("clamp_max", lambda m: [S(m(33 if not m.grad else 4, avoid=[1]), 1), S(m(2, 3, avoid=[0]), m.of(np.zeros(3), grad=False))],
   lambda x, max: clamp(x, None, max), dtypes=REAL)  # fmt: skip

# --- other mathematics
binary_op("atan2", np.arctan2, low=0.3, high=3, dtypes=REAL + BOOL, result="float")
alias("arctan2", "atan2")
binary_op("hypot", np.hypot, low=0.3, high=3, dtypes=FLOATS)
binary_op(
    "copysign",
    lambda a, b: np.copysign(a, b),
    avoid=[0],
    scalars=[-2.0],
    dtypes=REAL + BOOL,
    result="float",
    special=False,
)
binary_op(
    "nextafter", None, dtypes=("float32", "float64"), without=("float16", "bfloat16"), grad=False
)
binary_op(
    "logaddexp",
    np.logaddexp,
    dtypes=FLOATS,
    without=COMPLEX,
    tol={"float16": (4e-3, 2e-3)},
    special=False,
)
binary_op("logaddexp2", np.logaddexp2, dtypes=FLOATS, tol={"float16": (4e-3, 2e-3)}, special=False)


def _xlogy(a, b):
    a, b = np.broadcast_arrays(np.asarray(a, dtype=float), np.asarray(b, dtype=float))
    return np.where(np.isnan(b), np.nan, np.where(a == 0, 0.0, a * np.log(b)))


binary_op(
    "xlogy",
    _xlogy,
    low=0.2,
    high=3,
    scalars=[2.0],
    dtypes=REAL + BOOL,
    result="float",
    special=False,
    tol=HALF,
)
binary_op("xlog1py", lambda a, b: np.where(np.asarray(a) == 0, 0.0, a * np.log1p(b)), low=0.2, high=3, scalars=[2.0], dtypes=REAL, result="float",
          special=False, tol=HALF)  # fmt: skip
op("ldexp", lambda m: [S(m(5), Operand_i(m, 5)), S(m(2, 3), Operand_i(m, 3))],
   lambda a, b: a * np.exp2(b), dtypes=FLOATS)  # fmt: skip


def Operand_i(m, n):  # noqa: N802
    return m(n, low=0, high=3, dtype="int64")  # PyTorch's gradient has 2^-n as an integer


binary_op("heaviside", lambda a, b: np.heaviside(a, b), dtypes=REAL, grad=False, special=False)
for name, ref in (("gcd", np.gcd), ("lcm", np.lcm)):
    binary_op(name, ref, low=-12, high=12, dtypes=INTS, grad=False, special=False, errors=[
        bad(F(2), F(2), raises=RuntimeError, text="float|not implemented"),
    ])  # fmt: skip

# --- bits
for name, ref in (
    ("bitwise_and", np.bitwise_and),
    ("bitwise_or", np.bitwise_or),
    ("bitwise_xor", np.bitwise_xor),
):
    binary_op(name, ref, low=-100, high=100, scalars=[3], dtypes=INTS + BOOL, result=None, grad=False, special=False, errors=[
        bad(F(2), F(2), raises=RuntimeError, text="float|not implemented"),
    ])  # fmt: skip
for name, ref in (("bitwise_left_shift", np.left_shift), ("bitwise_right_shift", np.right_shift)):
    binary_op(
        name,
        ref,
        low=1,
        high=20,
        low2=0,
        high2=2,
        scalars=[1],
        dtypes=INTS,
        grad=False,
        special=False,
    )

# --- comparison and logic
for name, ref in (
    ("eq", np.equal), ("ne", np.not_equal), ("lt", np.less), ("le", np.less_equal), ("gt", np.greater), ("ge", np.greater_equal),
):  # fmt: skip
    ordered = name not in ("eq", "ne")
    binary_op(name, ref, scalars=[1, 0.5], dtypes=REAL + BOOL if ordered else ALL, result="bool", grad=False, errors=[
        bad(F(2, dtype="complex64"), F(2, dtype="complex64"), raises=RuntimeError, text="complex"),
    ] if ordered else [])  # fmt: skip
for name, of in (
    ("not_equal", "ne"),
    ("less", "lt"),
    ("less_equal", "le"),
    ("greater", "gt"),
    ("greater_equal", "ge"),
):
    alias(name, of)
for name, ref in (
    ("logical_and", np.logical_and),
    ("logical_or", np.logical_or),
    ("logical_xor", np.logical_xor),
):
    binary_op(name, ref, dtypes=ALL, result="bool", grad=False)


def close_samples(m):
    a = m(7)
    yield S(a, a)
    yield S(a, m(7))
    yield S(m(2, 3), m(3))
    if not m.integral and not m.complex:
        yield S(m.of([1.0, np.nan, np.inf]), m.of([1.0 + 1e-6, np.nan, np.inf]))
        yield S(m.of([1.0, np.nan, np.inf]), m.of([1.0, np.nan, np.inf]), equal_nan=True)
        yield S(m.of([1.0, 2.0]), m.of([1.1, 2.3]), rtol=0.1, atol=0.01)


op("isclose", close_samples, np.isclose, dtypes=NUMBERS, result="bool", grad=False, errors=[
    bad(F(2), F(2, dtype="float64"), raises=RuntimeError, text="dtype|float"),
])  # fmt: skip
op(
    "allclose",
    close_samples,
    lambda *a, **k: bool(np.allclose(*a, **k)),
    dtypes=NUMBERS,
    result=None,
    grad=False,
)
op("equal", lambda m: (lambda a: [S(a, a), S(a, m(3, 3)), S(m(2), m(3)), S(m(0), m(0))])(m(3, 3)),
   lambda a, b: a.shape == b.shape and bool((a == b).all()), dtypes=ALL, result=None, grad=False)  # fmt: skip

# --- three operands


def where_samples(m):
    yield S(m.mask(33), m(33), m(33)) if not m.grad else S(m.mask(4), m(4), m(4))
    yield S(m.mask(2, 1), m(3), m())
    yield S(m.mask(2, 3), m(2, 3), 1)
    yield S(m.mask(2, 3), 0, m(3))
    yield S(m.mask(), m(), m())
    yield S(m.mask(0), m(0), m(1))


op("where", where_samples, np.where, dtypes=ALL, result=None, errors=[
    bad(F(2), F(2), F(2), raises=RuntimeError, text="bool|condition"),
    bad(F(2, dtype="bool"), F(3), F(2), raises=RuntimeError, text="broadcast|match|size"),
])  # fmt: skip
op("masked_fill", lambda m: [
    S(m(2, 3), m.mask(2, 3), 1), S(m(2, 3), m.mask(3), 1), S(m(4), m.mask(4), m()), S(m(), m.mask(), 0), S(m(0), m.mask(0), 0),
], lambda x, mask, value: np.where(mask, np.asarray(value).astype(x.dtype), x), dtypes=ALL, errors=[
    bad(F(2), F(2), 1.0, raises=RuntimeError, text="bool|mask"),
    bad(F(2), F(3, dtype="bool"), 1.0, raises=RuntimeError, text="broadcast|match|size"),
    bad(F(2), F(2, dtype="bool"), F(2), raises=RuntimeError, text="0-d|value"),
])  # fmt: skip


def three(m, low=0.3):
    yield S(m(5), m(5), m(5, low=low))
    yield S(m(2, 3), m(3), m(2, 1, low=low))
    yield S(m(), m(), m(low=low))
    yield S(m(5), m(5), m(5, low=low), value=2)
    if not m.grad:
        yield S(m(129), m(129), m(129, low=low))
        yield S(m(0), m(1), m(1, low=low), value=2)


op("addcmul", three, lambda a, b, c, value=1: a + value * b * c, dtypes=NUMBERS, tol=HALF, errors=[
    bad(F(2), F(3), F(2), raises=RuntimeError, text="broadcast|match"),
])  # fmt: skip
op("addcdiv", three, lambda a, b, c, value=1: a + value * b / c, dtypes=FLOATS + COMPLEX, tol=HALF, errors=[
    bad(I(1), I(1), I(1), raises=RuntimeError, text="[Ii]nteger|int64|float"),
])  # fmt: skip
op("lerp", lambda m: [
    S(m(5), m(5), 0.3), S(m(5), m(5), 0.8), S(m(2, 3), m(3), m(2, 1, low=0, high=1)), S(m(), m(), 0.5),
    *([] if m.grad else [S(m(129), m(129), m(129, low=0, high=1)), S(m(0), m(0), 0.1)]),
], lambda a, b, w: a + w * (b - a), dtypes=FLOATS + COMPLEX, tol=HALF, errors=[
    bad(F(2), F(2, dtype="float64"), 0.5, raises=RuntimeError, text="dtype|float"),
])  # fmt: skip
