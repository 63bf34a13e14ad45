"""Accuracy of the vector functions over the whole range of arguments, at each instruction set.

The error is counted in units of the last place (ulp) of the exact result.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pygrad
from pygrad import _C
from tests.opinfo import reference

ISAS = list(_C.available_isas())
Function = Callable[[Any], Any]


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def softplus(x: Any) -> Any:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


erf = np.vectorize(math.erf, otypes=[np.float64])
erfc = np.vectorize(math.erfc, otypes=[np.float64])

# Name: (reference, ulp allowed). NumPy computes the references in a wider type.
FUNCTIONS: dict[str, tuple[Function, float]] = {
    "exp": (np.exp, 1.5), "exp2": (np.exp2, 1.5), "expm1": (np.expm1, 1.5),
    "log": (np.log, 1.0), "log2": (np.log2, 2.1), "log10": (np.log10, 2.0),
    "log1p": (np.log1p, 1.1),
    "sinh": (np.sinh, 1.7), "cosh": (np.cosh, 1.7), "tanh": (np.tanh, 2.5),
    "asinh": (np.arcsinh, 2.0), "acosh": (np.arccosh, 2.0), "atanh": (np.arctanh, 2.0),
    "sigmoid": (sigmoid, 2.5), "sin": (np.sin, 1.6), "cos": (np.cos, 1.6), "tan": (np.tan, 3.1),
    "asin": (np.arcsin, 2.5), "acos": (np.arccos, 1.3), "atan": (np.arctan, 2.0),
    "erf": (erf, 2.5), "erfc": (erfc, 6.0),
}  # fmt: skip

SPECIAL = [0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan]


def all_floats(count: int) -> np.ndarray:
    """Floats of every sign, exponent and class: patterns an odd stride apart."""
    stride = (2**32 // count) | 1
    bits = (np.arange(count, dtype=np.uint64) * stride).astype(np.uint32)
    ends = np.array([1e-45, 1.1754944e-38, 3.4028235e38, 88.72, -87.33, -103.97], dtype=np.float32)
    floats = np.concatenate([bits.view(np.float32), ends, -ends, np.array(SPECIAL, np.float32)])
    return floats.astype(np.float32)


def some_doubles(count: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    tiny = np.finfo(np.float64)
    ends = np.array([5e-324, tiny.tiny, tiny.max, 709.7, -708.3, -745.1])
    return np.concatenate([
        rng.uniform(-1, 1, count), rng.uniform(-30, 30, count),
        rng.integers(0, 2**64, count, dtype=np.uint64).view(np.float64), ends, -ends, SPECIAL,
    ])  # fmt: skip


def worst_ulp(got: np.ndarray, exact: np.ndarray, x: np.ndarray) -> tuple[float, float]:
    """The largest error and its argument; infinite where the class of number differs."""
    dtype = got.dtype
    with np.errstate(all="ignore"):
        rounded = exact.astype(dtype)
        unit = np.spacing(np.minimum(np.abs(rounded), np.finfo(dtype).max)).astype(exact.dtype)
        error = np.abs(got.astype(exact.dtype) - exact) / np.abs(unit)
    error = np.where(np.isnan(exact), np.where(np.isnan(got), 0.0, np.inf), error)
    same = (got == rounded) | (np.isnan(got) & np.isnan(rounded))
    error = np.where(same, 0.0, np.where(np.isnan(error), np.inf, error))
    at = int(error.argmax())
    return float(error[at]), float(x[at])


def check(name: str, x: np.ndarray, wide: Any) -> None:
    reference, allowed = FUNCTIONS[name]
    with np.errstate(all="ignore"):
        exact = reference(x.astype(wide))
    got = getattr(pygrad, name)(pygrad.tensor(x)).numpy()
    worst, at = worst_ulp(got, exact, x)
    assert worst <= allowed, f"{name}({at!r}) is {worst:.3g} ulp off"


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("name_of_isa", ISAS)
def test_float32(name: str, name_of_isa: str, isa: Any) -> None:
    isa(name_of_isa)
    check(name, all_floats(20_000), np.float64)


@pytest.mark.skipif(np.finfo(np.longdouble).nmant < 63, reason="needs an 80-bit long double")
@pytest.mark.parametrize("name", [n for n in FUNCTIONS if n not in ("erf", "erfc")])
@pytest.mark.parametrize("name_of_isa", ISAS)
def test_float64(name: str, name_of_isa: str, isa: Any) -> None:
    isa(name_of_isa)
    check(name, some_doubles(3_000), np.longdouble)


@pytest.mark.parametrize("name", ["erf", "erfc"])
@pytest.mark.parametrize("name_of_isa", ISAS)
def test_error_function_in_float64(name: str, name_of_isa: str, isa: Any) -> None:
    isa(name_of_isa)
    check(name, some_doubles(3_000), np.float64)


GAMMA = np.concatenate([
    all_floats(4_000), np.linspace(-40, 40, 8_001, dtype=np.float32),
    *(np.float32(c) * (1 + np.arange(-40, 40, dtype=np.float32) * np.float32(2.0**-k))
      for c in (1, 2, 0.5, 10) for k in (23, 18, 12, 9)),
])  # fmt: skip


@pytest.mark.parametrize("name_of_isa", ISAS)
def test_log_of_gamma(name_of_isa: str, isa: Any) -> None:
    isa(name_of_isa)
    got = pygrad.lgamma(pygrad.tensor(GAMMA)).numpy()
    with np.errstate(all="ignore"):
        exact = reference.lgamma(GAMMA.astype(np.float64))
    worst, at = worst_ulp(got, exact, GAMMA)
    assert worst <= 1.5, f"lgamma({at!r}) is {worst:.3g} ulp off"


@pytest.mark.parametrize("name_of_isa", ISAS)
def test_digamma(name_of_isa: str, isa: Any) -> None:
    isa(name_of_isa)
    with np.errstate(all="ignore"):
        x = GAMMA[np.abs(GAMMA) < 1e6]
        exact = reference.digamma(x.astype(np.float64))
    got = pygrad.digamma(pygrad.tensor(x)).numpy()
    near_zero = np.abs(exact) < 1e-5
    worst, at = worst_ulp(got[~near_zero], exact[~near_zero], x[~near_zero])
    assert worst <= 1.0, f"digamma({at!r}) is {worst:.3g} ulp off"
    assert (np.abs(got[near_zero] - exact[near_zero]) <= 1e-12).all()


@pytest.mark.parametrize("name_of_isa", ISAS)
def test_hypotenuse(name_of_isa: str, isa: Any) -> None:
    isa(name_of_isa)
    x, y = all_floats(20_000), np.random.default_rng(3).permutation(all_floats(20_000))
    with np.errstate(all="ignore"):
        exact = np.hypot(x.astype(np.float64), y.astype(np.float64))
    got = pygrad.hypot(pygrad.tensor(x), pygrad.tensor(y)).numpy()
    worst, at = worst_ulp(got, exact, x)
    assert worst <= 0.51, f"hypot({at!r}, ...) is {worst:.3g} ulp off"


@pytest.mark.parametrize("name_of_isa", ISAS)
@pytest.mark.parametrize("approximate", ["none", "tanh"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gelu_is_within_a_unit_of_its_argument(
    name_of_isa: str, approximate: str, dtype: Any, isa: Any
) -> None:
    isa(name_of_isa)
    x = np.linspace(-12, 12, 20_001).astype(dtype)
    wide = x.astype(np.longdouble)
    if approximate == "none":
        exact = 0.5 * wide * erfc(-x.astype(np.float64) / math.sqrt(2))
    else:
        slope = 2 * np.sqrt(2 / np.longdouble(math.pi))
        exact = wide * sigmoid(slope * (wide + np.longdouble("0.044715") * wide**3))
    got = pygrad.nn.functional.gelu(pygrad.tensor(x), approximate=approximate).numpy()
    allowed = 2 * np.finfo(dtype).eps * np.maximum(np.abs(wide), 1e-3)
    assert (np.abs(got - exact) <= allowed).all()


@pytest.mark.parametrize("name_of_isa", ISAS)
def test_power_of_floats(name_of_isa: str, isa: Any) -> None:
    isa(name_of_isa)
    rng = np.random.default_rng(1)
    base = np.concatenate(
        [np.exp(rng.uniform(-40, 40, 20_000)), np.tile(SPECIAL + [-2.5, 1e-42], 9)]
    )
    exponent = np.concatenate([rng.uniform(-3, 3, 20_000), np.repeat(SPECIAL + [3.0, 0.5], 9)])
    base, exponent = base.astype(np.float32), exponent.astype(np.float32)
    with np.errstate(all="ignore"):
        exact = np.power(base.astype(np.float64), exponent.astype(np.float64))
    got = pygrad.pow(pygrad.tensor(base), pygrad.tensor(exponent)).numpy()
    worst, at = worst_ulp(got, exact, base)
    assert worst <= 1.0, f"pow of {at!r} is {worst:.3g} ulp off"


@pytest.mark.parametrize("name_of_isa", ISAS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_angle_of_every_quadrant(name_of_isa: str, dtype: Any, isa: Any) -> None:
    isa(name_of_isa)
    rng = np.random.default_rng(2)
    special = [*SPECIAL, 3.0, -1e-30]
    y = np.concatenate([rng.normal(size=5000), np.tile(special, 9)]).astype(dtype)
    x = np.concatenate([rng.normal(size=5000), np.repeat(special, 9)]).astype(dtype)
    exact = np.arctan2(y.astype(np.longdouble), x.astype(np.longdouble))
    got = pygrad.atan2(pygrad.tensor(y), pygrad.tensor(x)).numpy()
    worst, at = worst_ulp(got, exact, y)
    assert worst <= 2.5, f"atan2 of {at!r} is {worst:.3g} ulp off"
    assert (np.signbit(got) == np.signbit(exact))[~np.isnan(exact)].all()


@pytest.mark.parametrize("name_of_isa", ISAS)
def test_remainders_are_exact(name_of_isa: str, isa: Any) -> None:
    isa(name_of_isa)
    rng = np.random.default_rng(3)
    special = [*SPECIAL, 3.0, -7.5, 1e-42, 3e38]
    a = np.concatenate([
        rng.normal(size=4000) * 50, rng.integers(-60, 60, 3000) * 0.5,
        np.exp(rng.uniform(-20, 40, 3000)), np.tile(special, len(special)),
    ]).astype(np.float32)  # fmt: skip
    b = np.concatenate([
        rng.normal(size=4000), rng.integers(-9, 9, 3000) * 0.5,
        np.exp(rng.uniform(-20, 5, 3000)), np.repeat(special, len(special)),
    ]).astype(np.float32)  # fmt: skip
    ta, tb = pygrad.tensor(a), pygrad.tensor(b)
    with np.errstate(all="ignore"):
        expected = np.fmod(a, b)
        moved = (expected != 0) & ((expected < 0) != (b < 0))
        np.testing.assert_array_equal(pygrad.fmod(ta, tb).numpy(), expected)
        np.testing.assert_array_equal(
            pygrad.remainder(ta, tb).numpy(), np.where(moved, expected + b, expected)
        )
        finite = np.isfinite(a) & np.isfinite(b) & (b != 0)
        np.testing.assert_array_equal(
            pygrad.floor_divide(ta, tb).numpy()[finite], np.floor_divide(a, b)[finite]
        )
    zero = expected == 0
    assert (np.signbit(pygrad.fmod(ta, tb).numpy()) == np.signbit(a))[zero].all()
