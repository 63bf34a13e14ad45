"""Pointwise loops where general samples do not reach: large outputs, one-number operands, narrow
integers, and operands that lie crosswise."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

import pygrad
from pygrad import _C

ISAS = list(_C.available_isas())


@pytest.fixture(params=ISAS)
def each_isa(request: pytest.FixtureRequest, isa: Any) -> None:
    isa(request.param)


def test_output_larger_than_the_caches(each_isa: None) -> None:
    # 2 x 36 MB: beyond every streaming threshold. Odd sizes, so that rows and blocks end anywhere.
    x = np.arange(9_000 * 1_001, dtype=np.float32).reshape(9_000, 1_001) - 4e6
    row = np.arange(1_001, dtype=np.float32)
    t = pygrad.tensor(x)
    assert (pygrad.relu(t).numpy() == np.maximum(x, 0)).all()
    assert ((t + pygrad.tensor(row)).numpy() == x + row).all()
    assert ((t * 2.0).numpy() == x * 2).all()
    assert ((t[:, 1:] - t[:, :-1]).numpy() == x[:, 1:] - x[:, :-1]).all()
    t.mul_(2.0)
    assert (t.numpy() == x * 2).all()
    assert (pygrad.full((17_000_001,), 2.5).numpy() == 2.5).all()


@pytest.mark.parametrize("shape", [(1,), (7,), (64,), (513,), (3, 100), (100, 3), (5, 1, 130)])
@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16", "int32"])
def test_operand_that_is_one_number(each_isa: None, shape: tuple[int, ...], dtype: str) -> None:
    kind = getattr(pygrad, dtype)
    x = pygrad.arange(1, int(np.prod(shape)) + 1).reshape(shape).to(kind)
    for number in (pygrad.tensor(3).to(kind), pygrad.tensor([3]).to(kind)):
        full = pygrad.full(shape, 3, dtype=kind)
        for function in (pygrad.add, pygrad.sub, pygrad.mul, pygrad.div, pygrad.maximum):
            assert pygrad.equal(function(x, number), function(x, full))
            assert pygrad.equal(function(number, x), function(full, x))
        assert pygrad.equal(x - 3, x - full)
        assert pygrad.equal(3 - x, full - x)
    column = x[..., :1]
    wide = column.expand(shape).contiguous()
    assert pygrad.equal(x - column, x - wide)
    assert pygrad.equal(column - x, wide - x)
    turned = x.transpose(0, -1)
    assert pygrad.equal(turned * 3, (x * 3).transpose(0, -1))


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "int32", "int64"])
def test_narrow_integers_wrap(each_isa: None, dtype: str) -> None:
    rng = np.random.default_rng(0)
    limits = np.iinfo(dtype)
    a, b = rng.integers(limits.min, limits.max, (2, 333), dtype=dtype, endpoint=True)
    ta, tb = pygrad.tensor(a), pygrad.tensor(b)
    number = a[0].item()
    with np.errstate(over="ignore"):
        for got, expected in (
            (ta + tb, a + b), (ta - tb, a - b), (ta * tb, a * b),
            (ta & tb, a & b), (ta | tb, a | b), (ta ^ tb, a ^ b),
            (ta + number, a + a[0]), (number - ta, a[0] - a), (ta & number, a & a[0]),
            (ta < tb, a < b), (ta >= tb, a >= b), (ta == tb, a == b), (ta != tb, a != b),
            (ta < number, a < a[0]), (ta > number, a > a[0]),
        ):  # fmt: skip
            assert got.numpy().dtype == expected.dtype
            assert (got.numpy() == expected).all()


def test_bools(each_isa: None) -> None:
    a, b = np.random.default_rng(0).integers(0, 2, (2, 300)).astype(bool)
    ta, tb = pygrad.tensor(a), pygrad.tensor(b)
    for got, expected in (
        (ta & tb, a & b), (ta | tb, a | b), (ta ^ tb, a ^ b), (ta + tb, a | b), (ta * tb, a & b),
        (ta == tb, a == b), (ta < tb, a < b), (ta & True, a), (ta ^ True, ~a),
    ):  # fmt: skip
        assert (got.numpy() == expected).all()


@pytest.mark.parametrize("shape", [(64, 64), (257, 130), (31, 700), (700, 9), (1, 70), (3, 65, 90)])
@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16", "uint8"])
def test_operands_that_lie_crosswise(each_isa: None, shape: tuple[int, ...], dtype: str) -> None:
    kind = getattr(pygrad, dtype)
    x = (pygrad.arange(int(np.prod(shape))) % 97).reshape(shape).to(kind)
    crosswise = x.transpose(-1, -2).contiguous().transpose(-1, -2)
    assert not crosswise.is_contiguous() or 1 in shape
    assert pygrad.equal(x + crosswise, x + x)
    assert pygrad.equal(crosswise - x, x - x)
    assert pygrad.equal((x * crosswise).transpose(-1, -2), (x * x).transpose(-1, -2))
    assert pygrad.equal(pygrad.where(x > 40, crosswise, x), x)
    assert pygrad.equal(crosswise < x + x, x < x + x)


def test_draws_larger_than_the_caches() -> None:
    # Straight to memory, and by way of a strided output or input.
    n = 17_000_001
    pygrad.manual_seed(3)
    straight = pygrad.rand(n)
    pygrad.manual_seed(3)
    assert pygrad.equal(pygrad.empty(n, 2)[:, 0].uniform_(), straight)
    m = 9_000_001
    pygrad.manual_seed(3)
    kept = pygrad.nn.functional.dropout(pygrad.ones(m), 0.5)
    pygrad.manual_seed(3)
    assert pygrad.equal(pygrad.nn.functional.dropout(pygrad.ones(m, 2)[:, 0], 0.5), kept)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "bfloat16", "complex128"])
def test_operands_of_any_layout(each_isa: None, dtype: str) -> None:
    """Short rows, broadcast along any dimensions, steps, flips, permutations, on both sides."""
    draw = random.Random(3)
    kind = getattr(pygrad, dtype)
    for _ in range(80):
        ndim = draw.randint(1, 5)
        sizes = [draw.choice((1, 2, 3, 5, 17, 30, 70)) for _ in range(ndim)]
        if np.prod(sizes) > 200_000:
            continue
        order = draw.sample(range(ndim), ndim)

        def operand(
            sizes: list[int] = sizes, order: list[int] = order
        ) -> tuple[pygrad.Tensor, np.ndarray]:
            steps = [draw.choice((1, 1, 1, 2, 3)) for _ in sizes]
            kept = [draw.choice((1, n, n)) for n in sizes]
            stored = tuple(n * s for n, s in zip(kept, steps, strict=True))
            values = np.arange(int(np.prod(stored))) * 37 % 101 - 50
            array = values.reshape(stored).astype(np.complex128 if "complex" in dtype else float)
            cut = tuple(slice(None, None, s) for s in steps)
            mine = order if draw.random() < 0.5 else list(range(ndim))
            back = [int(d) for d in np.argsort(mine)]
            view = pygrad.tensor(array.transpose(mine).copy()).to(kind).permute(*back)[cut]
            return view.expand(*sizes), np.broadcast_to(array[cut], sizes)

        (a, x), (b, y) = operand(), operand()
        np.testing.assert_array_equal((a + b).to(pygrad.complex128).numpy(), x + y)
        out = pygrad.zeros(*(2 * n for n in sizes), dtype=kind)[
            tuple(slice(1, None, 2) for _ in x.shape)
        ]
        pygrad.sub(a, b, out=out)
        np.testing.assert_array_equal(out.to(pygrad.complex128).numpy(), x - y)
        np.testing.assert_array_equal((a == b).numpy(), x == y)


@pytest.mark.parametrize("shape", [(300, 500), (7, 20_011), (3, 2, 7_001), (400, 3, 100)])
def test_rows_and_columns_in_one_deferred_op(each_isa: None, shape: tuple[int, ...]) -> None:
    x = np.arange(int(np.prod(shape)), dtype=np.float32).reshape(shape)
    for d in range(len(shape)):
        first = x[tuple(slice(None) if i <= d else slice(0, 1) for i in range(len(shape)))]
        last = x[tuple(slice(None) if i >= d else slice(0, 1) for i in range(len(shape)))]
        expected = first * last + first
        got = pygrad.tensor(first) * pygrad.tensor(last)
        assert (got.numpy() == first * last).all()
        got = pygrad.tensor(first) * pygrad.tensor(last) + pygrad.tensor(first)
        assert (got.numpy() == expected).all()
    if len(shape) == 2:
        a, b = pygrad.tensor(x[:, 0].copy()), pygrad.tensor(x[0].copy())
        assert (pygrad.outer(a, b).numpy() == np.outer(x[:, 0], x[0])).all()
