"""cat and stack of many layouts and dtypes against NumPy: row by row, and part by part."""

from __future__ import annotations

import random

import numpy as np
import pytest

import pygrad
from pygrad import _C


@pytest.mark.parametrize("name", _C.available_isas())
def test_joined_parts_of_any_kind(name, isa):
    isa(name)
    draw, rng = random.Random(0), np.random.default_rng(0)
    for _ in range(150):
        ndim = draw.randint(1, 4)
        dim = draw.randrange(ndim)
        sizes = [draw.choice((1, 2, 3, 7, 20, 70)) for _ in range(ndim)]
        one_kind = draw.random() < 0.6
        arrays, parts = [], []
        for _ in range(draw.randint(1, 4)):
            sizes[dim] = draw.choice((0, 1, 2, 5, 33, 600))
            dtype = "float32" if one_kind else draw.choice(("float32", "float64", "int16"))
            arrays.append(rng.integers(0, 100, sizes).astype(dtype))
            part = pygrad.from_numpy(arrays[-1])
            turned = draw.random() < 0.2
            parts.append(part.transpose(0, -1).contiguous().transpose(0, -1) if turned else part)
        got = pygrad.cat(parts, dim).numpy()
        np.testing.assert_array_equal(got, np.concatenate(arrays, dim))
        at = draw.randint(0, ndim)
        a, t = arrays[-1], parts[-1]
        np.testing.assert_array_equal(
            pygrad.stack([t, t + 1], at).numpy(), np.stack([a, a + 1], at)
        )


def test_joined_parts_that_are_streamed():
    arrays = [np.full((3000, n), n, np.float32) for n in (1500, 7, 900)]
    got = pygrad.cat([pygrad.from_numpy(a) for a in arrays], 1).numpy()
    np.testing.assert_array_equal(got, np.concatenate(arrays, 1))


@pytest.mark.parametrize("name", _C.available_isas())
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_arithmetic_of_16_bit_floats_is_that_of_floats(name, dtype, isa):
    isa(name)
    kind = getattr(pygrad, dtype)
    for shape in ((1,), (15,), (16,), (301, 37), (600, 3)):
        a, b = pygrad.randn(*shape).to(kind), pygrad.randn(shape[-1]).to(kind)
        for function in (pygrad.add, pygrad.sub, pygrad.mul, pygrad.div):
            want = function(a.float(), b.float()).to(kind)
            assert pygrad.equal(function(a, b), want)
            turned = function(a.transpose(0, -1), b.unsqueeze(-1) if a.dim() == 2 else b)
            assert pygrad.equal(turned, want.transpose(0, -1))
            in_place = a.clone()
            function(in_place, b, out=in_place)
            assert pygrad.equal(in_place, want)


def test_powers_of_a_half_are_roots():
    x = pygrad.tensor([0.0, -0.0, 4.0, -1.0, float("inf"), -float("inf"), float("nan"), 2.0] * 3)
    for values in (x, x.double()):
        for power, root in ((0.5, values.sqrt()), (-0.5, values.rsqrt())):
            got = (values**power).numpy()
            np.testing.assert_array_equal(got, root.numpy())
            np.testing.assert_array_equal(np.signbit(got), np.signbit(root.numpy()))
