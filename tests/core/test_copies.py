"""Copies between layouts and dtypes, against NumPy: the routes of kernels/cpu/copy.cpp."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest

import pygrad
from pygrad import _C

DTYPES = ("bool", "uint8", "int16", "float32", "float64", "complex128")


def filled(shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """Values that differ from their neighbours in every dtype."""
    flat = np.arange(int(np.prod(shape))) * 2654435761 % 251
    return (flat % 2 == 0 if dtype == "bool" else flat).astype(dtype).reshape(shape)


@pytest.mark.parametrize("name", _C.available_isas())
@pytest.mark.parametrize("dtype", DTYPES)
def test_permutations(name, dtype, isa):
    isa(name)
    shapes = [(3, 5), (4, 16), (17, 33), (65, 130), (2, 67, 3), (5, 3, 70), (2, 9, 4, 35)]
    shapes += [(64, 512), (512, 70), (130, 2048)]  # rows that conflict in the cache
    for shape in shapes:
        array = filled(shape, dtype)
        x = pygrad.from_numpy(array)
        for order in itertools.permutations(range(len(shape))):
            got = x.permute(*order).contiguous()
            assert got.is_contiguous()
            np.testing.assert_array_equal(got.numpy(), array.transpose(order))


@pytest.mark.parametrize("name", _C.available_isas())
@pytest.mark.parametrize("dtype", DTYPES)
def test_views_of_any_kind(name, dtype, isa):
    """Random permutations of slices, flipped and broadcast, into a slice of another layout."""
    isa(name)
    draw = random.Random(7)
    for _ in range(60):
        ndim = draw.randint(1, 4)
        sizes = [draw.choice((1, 2, 3, 7, 19, 40)) for _ in range(ndim)]
        array = filled(tuple(2 * s + 1 for s in sizes), dtype)
        x = pygrad.from_numpy(array)
        step = [draw.choice((1, 1, 2)) for _ in sizes]
        cut = tuple(slice(1, 1 + s * n, s) for s, n in zip(step, sizes, strict=True))
        order = draw.sample(range(ndim), ndim)
        flipped = [d for d in range(ndim) if draw.random() < 0.3]
        view, expected = x[cut].permute(*order), array[cut].transpose(order)
        np.testing.assert_array_equal(view.flip(flipped).numpy(), np.flip(expected, flipped))
        out_order = draw.sample(range(ndim), ndim)
        there = np.argsort(out_order)
        out = pygrad.zeros(*(expected.shape[d] + 1 for d in out_order), dtype=x.dtype)
        target = out.permute(*(int(d) for d in there))[tuple(slice(0, n) for n in expected.shape)]
        target.copy_(view)
        np.testing.assert_array_equal(target.numpy(), expected)
        assert int((out != 0).sum()) == np.count_nonzero(expected)
        wide = view.unsqueeze(-1).expand(*expected.shape, 5).contiguous().numpy()
        np.testing.assert_array_equal(wide, np.repeat(expected[..., None], 5, -1))


@pytest.mark.parametrize("name", _C.available_isas())
def test_large_results(name, isa):
    """Above the size from which results are stored past the caches."""
    isa(name)
    array = filled((1531, 1423), "float32")
    x = pygrad.from_numpy(array)
    np.testing.assert_array_equal(x.t().contiguous().numpy(), array.T)
    np.testing.assert_array_equal(x[:, 1:].clone().numpy(), array[:, 1:])
    np.testing.assert_array_equal(x.double().numpy(), array.astype("float64"))
    np.testing.assert_array_equal(pygrad.cat([x, x[:, :7]], 1).numpy()[:, -7:], array[:, :7])
    images = filled((3, 1024, 515, 3), "int16")
    moved = pygrad.from_numpy(images).permute(0, 3, 1, 2).contiguous()
    np.testing.assert_array_equal(moved.numpy(), images.transpose(0, 3, 1, 2))
    power = filled((4096, 1024), "float32")
    moved = pygrad.from_numpy(power)[1:, :1023].t().contiguous()
    np.testing.assert_array_equal(moved.numpy(), power[1:, :1023].T)


@pytest.mark.parametrize("to", ["float32", "float16", "bfloat16", "complex64"])
def test_small_integers_become_floats(to):
    for dtype in ("bool", "uint8", "int8", "int16"):
        array = filled((7, 600), dtype)
        array = array if dtype in ("bool", "uint8") else -array
        for x, a in ((pygrad.from_numpy(array), array), (pygrad.from_numpy(array).t(), array.T)):
            got = x.to(getattr(pygrad, to))
            np.testing.assert_array_equal(got.to(pygrad.complex128).numpy(), a.astype("complex128"))
