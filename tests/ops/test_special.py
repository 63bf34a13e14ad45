"""Special functions where general samples do not look: close to zero and far out."""

from __future__ import annotations

import math

import pytest

import pygrad
from pygrad import special


@pytest.mark.parametrize("x", [0.0, 1e-300, -1e-12, 1e-6])
def test_bessel_of_order_one_near_zero(x):
    value = special.i1(pygrad.tensor(x, dtype=pygrad.float64)).item()
    assert math.isclose(value, x / 2, rel_tol=1e-10)
    scaled = special.i1e(pygrad.tensor(x, dtype=pygrad.float64)).item()
    assert math.isclose(scaled, x / 2 * math.exp(-abs(x)), rel_tol=1e-10)


def test_bessel_of_order_one_is_odd():
    x = pygrad.linspace(0, 40, 81, dtype=pygrad.float64)
    assert pygrad.equal(special.i1e(-x), -special.i1e(x))


def test_bessel_recurrence():
    # I0' = I1, and I1' = I0 - I1 / x.
    x = pygrad.linspace(0.5, 28, 56, dtype=pygrad.float64).requires_grad_()
    (slope,) = pygrad.autograd.grad(special.i1e(x).sum(), x)
    expected = special.i0e(x) - special.i1e(x) / x - special.i1e(x)
    assert pygrad.allclose(slope, expected, rtol=1e-11, atol=1e-13)
