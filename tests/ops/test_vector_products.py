"""Products of a few vectors with a matrix: every border of the route's rows, depths and vectors."""

from __future__ import annotations

import pytest

import pygrad
import pygrad.nn.functional as F

np = pytest.importorskip("numpy")

ROWS = [1, 3, 4, 7, 8, 9, 31, 32, 33, 100]
DEPTHS = [1, 2, 7, 8, 15, 16, 17, 33, 64, 127, 128, 129, 255, 256, 257, 400]
LEVELS = [n for n in ("baseline", "avx2", "avx512") if n in pygrad._C.available_isas()]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_lines_against_a_few_vectors(count, dtype, level, isa):
    isa(level)
    # Sums of up to 400 products of numbers below one; bfloat16 keeps 8 bits of a result.
    tolerance = {"float32": 1e-4, "float64": 1e-12, "bfloat16": 0.3}[dtype]
    for rows in ROWS:
        for depth in DEPTHS:
            x = pygrad.rand(count, depth).to(getattr(pygrad, dtype))
            w = (pygrad.rand(rows, depth) - 0.5).to(x.dtype)
            bias = pygrad.rand(rows).to(x.dtype)
            want = x.double().numpy() @ w.double().numpy().T
            got = x @ w.T
            assert np.abs(got.double().numpy() - want).max() < tolerance, (rows, depth)
            got = w @ x.T
            assert np.abs(got.double().numpy() - want.T).max() < tolerance, (rows, depth)
            got = F.linear(x, w, bias)
            want = want + bias.double().numpy()
            assert np.abs(got.double().numpy() - want).max() < tolerance, (rows, depth)


def test_lines_keep_nan_and_infinity():
    w = pygrad.rand(19, 21)
    w[3, 20], w[17, 0] = float("nan"), float("inf")
    y = pygrad.ones(1, 21) @ w.T
    assert y.isnan().nonzero().tolist() == [[0, 3]]
    assert y.isinf().nonzero().tolist() == [[0, 17]]
