"""Rows moved by index against NumPy: row lengths around the copied parts, more than one outer
dimension, repeated targets, sizes above and below a task."""

from __future__ import annotations

import numpy as np
import pytest

import pygrad

WIDTHS = (1, 2, 3, 4, 5, 7, 8, 9, 15, 17, 64, 300)


@pytest.mark.parametrize("dtype", ["int8", "int32", "float64", "complex128"])
def test_read(dtype, seed):
    rng = np.random.default_rng(seed)
    for width in WIDTHS:
        x = rng.integers(-100, 100, (4, 33, width)).astype(dtype)
        t = pygrad.tensor(x)
        for dim, count in ((0, 3), (1, 50), (1, 3000)):
            at = rng.integers(0, x.shape[dim], count)
            where = pygrad.tensor(at)
            assert np.array_equal(t.index_select(dim, where).numpy(), np.take(x, at, dim))
            flipped = t.flip(1).index_select(dim, where).numpy()
            assert np.array_equal(flipped, np.take(x[:, ::-1], at, dim))
        i, j = rng.integers(0, 4, (2, 30, 1)), rng.integers(0, 33, 9)
        assert np.array_equal(t[pygrad.tensor(i), pygrad.tensor(j)].numpy(), x[i, j])


@pytest.mark.parametrize("count", [40, 5000])
def test_last_write_wins(count, seed):
    rng = np.random.default_rng(seed)
    for width in WIDTHS:
        x = np.zeros((3, 20, width), "float32")
        values = rng.standard_normal((3, count, width)).astype("float32")
        at = rng.integers(0, 20, count)
        t = pygrad.tensor(x)
        t[:, pygrad.tensor(at)] = pygrad.tensor(values)
        x[:, at] = values
        assert np.array_equal(t.numpy(), x)
