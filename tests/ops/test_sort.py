"""Sorting and selecting against NumPy's stable sort, bit for bit.

Sizes around the vectors', blocks' and methods' limits; ties, zeros of both signs, NaN, and keys
that share their high bits.
"""

from __future__ import annotations

import numpy as np
import pytest

import pygrad
from pygrad import _C

SIZES = (1, 2, 7, 16, 17, 33, 100, 128, 129, 257, 512, 1000, 1024, 1025, 2049, 5000, 9000)
DTYPES = ("bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64")


def uniform(rng, dtype, shape):
    if dtype == "bool":
        return rng.integers(0, 2, shape).astype(bool)
    if dtype.startswith("float"):
        return rng.standard_normal(shape).astype(dtype)
    limits = np.iinfo(dtype)
    return rng.integers(limits.min, limits.max, shape, dtype, endpoint=True)


def ties(rng, dtype, shape):
    return np.round(uniform(rng, "float64", shape)).astype(dtype)  # -0.0 and 0.0 among them


def clustered(rng, dtype, shape):
    """Near one value but for a few far away: a wide range of keys that share their high bits."""
    if not dtype.startswith("float"):
        x = np.full(shape, 3, dtype)
        flat = x.reshape(-1)
        flat[::7] = 0
        flat[3::11] = 1
        if dtype != "bool":
            flat[::5], flat[1::9] = np.iinfo(dtype).max, np.iinfo(dtype).min
        return x
    x = (1 + uniform(rng, "float64", shape) * 1e-7).astype(dtype)
    x.reshape(-1)[::50] = np.finfo(dtype).max
    return x


def special(rng, dtype, shape):
    x = clustered(rng, dtype, shape)
    if dtype.startswith("float"):
        flat = x.reshape(-1)
        for i, value in enumerate((np.nan, -np.nan, np.inf, -np.inf, 0.0, -0.0)):
            flat[i :: 13 + i] = value
    return x


def stable(x, descending):
    """Values and positions; NaN is the largest either way."""
    last = x.shape[-1] - 1
    if descending:
        at = last - np.flip(np.argsort(np.flip(x, -1), -1, kind="stable"), -1)
    else:
        at = np.argsort(x, -1, kind="stable")
    return np.ascontiguousarray(np.take_along_axis(x, at, -1)), np.ascontiguousarray(at)


def same(result, expected):
    return all(a.numpy().tobytes() == b.tobytes() for a, b in zip(result, expected, strict=True))


@pytest.mark.parametrize("fill", [uniform, ties, clustered, special], ids=lambda f: f.__name__)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", _C.available_isas())
def test_against_stable_sort(name, dtype, fill, isa, seed):
    isa(name)
    rng = np.random.default_rng(seed)
    for size in SIZES:
        x = fill(rng, dtype, (19 if size < 600 else 6 if size < 1100 else 2, size))
        t = pygrad.tensor(x)
        for descending in (False, True):
            values, at = stable(x, descending)
            assert same(t.sort(-1, descending), (values, at)), f"sort of {size}"
            for k in {1, min(8, size), size // 20, size // 2, size}:
                first = np.ascontiguousarray(values[:, :k]), np.ascontiguousarray(at[:, :k])
                assert same(t.topk(k, -1, descending), first), f"topk({k}) of {size}"


@pytest.mark.parametrize("name", _C.available_isas())
def test_keys_alike_in_their_high_bits(name, isa, seed):
    """Short lines whose 32-bit entries say little: from some neighbours to move up to all."""
    isa(name)
    rng = np.random.default_rng(seed)
    for size in (20, 100, 700):
        x = rng.integers(0, 1 << np.arange(1, 25)[:, None], (24, size)).astype("int32")
        x[:, ::9] += 1 << 30
        for lines in (x, x.astype("int64") << 20, x.view("float32")):
            assert same(pygrad.tensor(lines).sort(-1), stable(lines, False)), (size, lines.dtype)


@pytest.mark.parametrize("name", _C.available_isas())
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "uint8"])
def test_long_lines_on_any_number_of_threads(name, dtype, isa, seed):
    isa(name)
    rng = np.random.default_rng(seed)
    threads = pygrad.get_num_threads()
    try:
        for fill in (uniform, ties, special):
            x = fill(rng, dtype, (1, 100_000))
            t, expected = pygrad.tensor(x), stable(x, True)
            for n in (1, 3):
                pygrad.set_num_threads(n)
                assert same(t.sort(-1, True), expected), (fill.__name__, n)
                k = 40_000
                first = tuple(np.ascontiguousarray(e[:, :k]) for e in expected)
                assert same(t.topk(k, -1), first), (fill.__name__, n)
    finally:
        pygrad.set_num_threads(threads)


@pytest.mark.parametrize("name", _C.available_isas())
def test_strided_and_long_lines(name, isa, seed):
    isa(name)
    rng = np.random.default_rng(seed)
    for shape in ((1500, 6), (1100, 67)):
        x = rng.standard_normal(shape).astype("float32")
        x[::3] = np.round(x[::3])
        values, at = (a.T for a in stable(x.T, False))
        result = pygrad.tensor(x).sort(0)
        assert np.array_equal(result[0].numpy(), values)
        assert np.array_equal(result[1].numpy(), at)
    t = pygrad.tensor(x, requires_grad=True)
    t.sort(0).values[0].sum().backward()
    assert np.array_equal(t.grad.numpy(), np.arange(1100)[:, None] == at[0])
    for long in (rng.integers(0, 1000, 200_000), np.arange(100_000)[::-1] % 4096):
        assert same(pygrad.tensor(long).sort(), stable(long, False))
