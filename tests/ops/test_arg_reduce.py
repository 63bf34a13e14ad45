"""argmax, argmin and max along a dimension against NumPy.

Sizes around the vectors' and the search's limits; ties, NaN and zeros of both signs.
"""

from __future__ import annotations

import numpy as np
import pytest

import pygrad
from pygrad import _C

SIZES = (1, 4, 5, 16, 37, 64, 65, 129, 2500)


def lines(rng, dtype, size, kind):
    x = rng.standard_normal((20, size)).astype("float64") * 100
    if kind == "ties":
        x = np.round(x / 100)
    if kind == "zeros":
        x = np.copysign(0.0, x)
    x = x.astype(dtype)
    if kind == "nan":
        at = rng.integers(0, size, (2, 19))  # the last line stays without
        x[np.arange(19), at[0]] = np.nan
        x[np.arange(19), at[1]] = -np.nan
    return x


@pytest.mark.parametrize("kind", ["plain", "ties", "zeros", "nan"])
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int64", "int8"])
@pytest.mark.parametrize("name", _C.available_isas())
def test_against_numpy(name, dtype, kind, isa, seed):
    if kind == "nan" and dtype.startswith("int"):
        pytest.skip("integers have no NaN")
    isa(name)
    rng = np.random.default_rng(seed)
    for size in SIZES:
        x = lines(rng, dtype, size, kind)
        for values in (x, np.ascontiguousarray(x.T)):
            t = pygrad.tensor(values)
            for dim in (0, 1):
                at = values.argmax(dim), values.argmin(dim)
                assert np.array_equal(t.argmax(dim).numpy(), at[0]), (size, dim)
                assert np.array_equal(t.argmin(dim).numpy(), at[1]), (size, dim)
                largest = t.max(dim)
                picked = np.take_along_axis(values, np.expand_dims(at[0], dim), dim).squeeze(dim)
                assert np.array_equal(largest.indices.numpy(), at[0])
                assert largest.values.numpy().tobytes() == picked.tobytes()
