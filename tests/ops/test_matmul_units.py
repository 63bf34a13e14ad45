"""Products on the dot-product units: bfloat16, int8, and float32 split into bfloat16 parts.

The AMX kernels run here over a model of the tile instructions ("emulated"), so that their loops,
packing and epilogues are tested on any processor; "avx512" and "amx" join where they exist.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import pygrad as torch

ROOT = Path(__file__).resolve().parents[2]
matmul = torch.backends.cpu.matmul
SHAPES = [(1, 1, 1), (3, 5, 7), (13, 31, 17), (33, 65, 40), (100, 700, 70), (70, 1030, 33)]


def units():
    names = ["emulated", "none"]
    for name in ("avx512", "amx"):
        try:
            matmul.tile_unit = name
            names.append(name)
        except ValueError:
            pass
    matmul.tile_unit = "auto"
    return names


UNITS = units()


@pytest.fixture(params=UNITS)
def unit(request):
    matmul.tile_unit = request.param
    yield request.param
    matmul.tile_unit = "auto"


@pytest.fixture
def emulated():
    matmul.tile_unit = "emulated"
    yield
    matmul.tile_unit = "auto"


@pytest.fixture
def precision():
    yield torch.set_float32_matmul_precision
    torch.set_float32_matmul_precision("highest")


def layouts(x, dtype=None):
    """The same matrix by rows, by columns, and as every second row and third column of another."""
    big = np.zeros((2 * x.shape[0], 3 * x.shape[1]), x.dtype)
    big[::2, ::3] = x
    rows, columns, wide = (torch.tensor(v, dtype=dtype) for v in (x, x.T.copy(), big))
    return [rows, columns.t(), wide[::2, ::3]]


def whole_numbers(rng, *shape):
    """Few bits, so that every order of summing gives the same float."""
    return rng.integers(-4, 5, shape).astype(np.float32)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_bfloat16_any_layout(unit, shape):
    m, k, n = shape
    rng = np.random.default_rng(m)
    a, b = whole_numbers(rng, m, k), whole_numbers(rng, k, n)
    expected = torch.tensor(a @ b).bfloat16()
    for x in layouts(a, torch.bfloat16):
        for y in layouts(b, torch.bfloat16):
            assert torch.equal(x @ y, expected)


def test_bfloat16_epilogues(unit):
    rng = np.random.default_rng(2)
    a, b, c = whole_numbers(rng, 37, 90), whole_numbers(rng, 90, 41), whole_numbers(rng, 37, 41)
    x, y, z = (torch.tensor(v).bfloat16() for v in (a, b, c))
    r = torch.addmm(z, x, y, beta=2, alpha=0.5)
    assert torch.equal(r, torch.tensor(0.5 * (a @ b) + 2 * c).bfloat16())
    bias = whole_numbers(rng, 41)
    r = torch.nn.functional.linear(x, y.t(), torch.tensor(bias).bfloat16())
    assert torch.equal(r, torch.tensor(a @ b + bias).bfloat16())
    out = torch.empty(41, 37, dtype=torch.bfloat16).t()
    torch.addmm(z, x, y, out=out)
    assert torch.equal(out, torch.tensor(a @ b + c).bfloat16())


def test_bfloat16_batches_and_empty_depth(unit):
    rng = np.random.default_rng(3)
    a, b = whole_numbers(rng, 5, 20, 33), whole_numbers(rng, 5, 33, 18)
    r = torch.tensor(a).bfloat16() @ torch.tensor(b).bfloat16()
    assert torch.equal(r, torch.tensor(a @ b).bfloat16())
    empty = torch.zeros(3, 0, dtype=torch.bfloat16) @ torch.zeros(0, 4, dtype=torch.bfloat16)
    assert torch.equal(empty, torch.zeros(3, 4, dtype=torch.bfloat16))


def test_bfloat16_lets_nan_and_infinity_through(unit):
    a = torch.ones(20, 40, dtype=torch.bfloat16)
    b = torch.ones(40, 20, dtype=torch.bfloat16)
    a[3, 7], a[5, 0] = float("nan"), float("inf")
    r = (a @ b).float().numpy()
    assert np.isnan(r[3]).all() and np.isposinf(r[5]).all()
    assert (np.delete(r, [3, 5], axis=0) == 40).all()


@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
@pytest.mark.parametrize("shape", [*SHAPES, (5, 0, 4), (0, 3, 2)], ids=str)
def test_int_mm_is_exact(unit, shape, dtype):
    m, k, n = shape
    rng = np.random.default_rng(k)
    limits = np.iinfo(dtype)
    a = rng.integers(limits.min, limits.max + 1, (m, k)).astype(dtype)
    b = rng.integers(-128, 128, (k, n)).astype(np.int8)
    expected = a.astype(np.int64) @ b.astype(np.int64)
    for x in layouts(a):
        for y in layouts(b):
            r = torch._int_mm(x, y)
            assert r.dtype == torch.int32
            assert np.array_equal(r.numpy(), expected)


def test_int_mm_extremes_do_not_saturate(unit):
    for left in (np.full((2, 600), -128, np.int8), np.full((2, 600), 255, np.uint8)):
        for value in (-128, 127):
            right = np.full((600, 3), value, np.int8)
            expected = left.astype(np.int64) @ right.astype(np.int64)
            r = torch._int_mm(torch.tensor(left), torch.tensor(right)).numpy()
            assert np.array_equal(r, expected)


def test_int_mm_says_what_is_wrong():
    a = torch.ones(2, 3, dtype=torch.int8)
    with pytest.raises(RuntimeError, match=r"_int_mm\(\): .*2x3 and 2x3.*3 != 2"):
        torch._int_mm(a, a)
    with pytest.raises(RuntimeError, match=r"expected int8 or uint8 for input and int8 for mat2"):
        torch._int_mm(a, a.t().float())


def error(product, a, b):
    """The error of every element, relative to the sum of the terms' magnitudes."""
    exact = a.astype(np.float64) @ b.astype(np.float64)
    scale = np.abs(a).astype(np.float64) @ np.abs(b).astype(np.float64)
    return np.abs(product.astype(np.float64) - exact) / np.where(scale == 0, 1, scale)


def native_and_split(a, b):
    x, y = torch.tensor(a), torch.tensor(b)
    matmul.tile_unit = "none"
    native = (x @ y).numpy()
    matmul.tile_unit = "emulated"
    return native, (x @ y).numpy()


def cases():
    rng = np.random.default_rng(4)
    for m, k, n in [(1, 1, 1), (8, 3, 8), (48, 64, 48), (40, 513, 33), (48, 2048, 48)]:
        yield f"normal {k}", rng.standard_normal((m, k)), rng.standard_normal((k, n))
    a, b = rng.standard_normal((48, 512)), rng.standard_normal((512, 48))
    yield "positive", np.abs(a), np.abs(b)
    yield "large", a * 1e15, b * 1e15
    yield "small", a * 1e-9, b * 1e-9
    yield "unlike", a * 1e-12, b * 1e25
    yield "wide", a * 10.0 ** rng.integers(-9, 9, a.shape), b * 10.0 ** rng.integers(-9, 9, b.shape)
    yield "sparse", a * (rng.random(a.shape) < 0.02), b
    half, other = a[:, :256], b[:256]
    wobble = 1 + 1e-6 * rng.standard_normal(other.shape)
    yield "cancelling", np.hstack([half, -half]), np.vstack([other, other * wobble])
    ones = 1 + 2.0 ** -rng.integers(8, 24, (48, 512))
    yield "bits in every part", ones, ones.T


@pytest.mark.parametrize(("name", "a", "b"), [pytest.param(*c, id=c[0]) for c in cases()])
def test_highest_precision_split_is_no_less_exact_than_float32(emulated, name, a, b):
    a, b = a.astype(np.float32), b.astype(np.float32)
    native, split = native_and_split(a, b)
    if a.shape[1] > 1:
        assert not np.array_equal(native, split), "the split did not run"
    ours, theirs = error(split, a, b), error(native, a, b)
    # Half a unit of the last place is the rounding of the result itself.
    assert np.sqrt((ours**2).mean()) <= max(np.sqrt((theirs**2).mean()), 2.0**-25)
    assert ours.max() <= max(theirs.max() * 1.25, 2.0**-23)


@pytest.mark.parametrize(("level", "bound"), [("high", 2.0**-15), ("medium", 2.0**-7)])
def test_lower_precisions_keep_their_bounds(emulated, precision, level, bound):
    rng = np.random.default_rng(5)
    a, b = (rng.standard_normal((64, 64)).astype(np.float32) for _ in range(2))
    errors = {}
    for name in ("highest", level):
        precision(name)
        errors[name] = error((torch.tensor(a) @ torch.tensor(b)).numpy(), a, b).max()
    assert errors["highest"] < errors[level] <= bound


@pytest.mark.parametrize(
    "value",
    [np.inf, -np.inf, np.nan, 3.4e38, 1e38, 1e-31, 1e-38, 1e-45],
    ids=str,
)
@pytest.mark.parametrize("side", ["left", "right"])
def test_data_that_does_not_split_is_multiplied_as_float32(emulated, value, side):
    rng = np.random.default_rng(6)
    a, b = (rng.standard_normal((40, 40)).astype(np.float32) for _ in range(2))
    (a if side == "left" else b)[3, 5] = value
    native, split = native_and_split(a, b)
    assert np.array_equal(native, split, equal_nan=True)


def test_products_that_would_underflow_or_overflow_are_multiplied_as_float32(emulated):
    a = np.full((20, 20), 1e-17, np.float32)
    native, split = native_and_split(a, a)
    assert np.array_equal(native, split) and (split > 0).all()
    a = np.full((20, 20), 2e18, np.float32)
    native, split = native_and_split(a, a * 2)
    assert np.array_equal(native, split) and np.isfinite(split).all()


def test_a_refused_split_leaves_the_addend_alone(emulated):
    c, a = torch.ones(30, 30), torch.ones(30, 30)
    a[0, 0] = float("inf")
    r = torch.addmm(c, a, torch.ones(30, 30))
    assert r[0, 0] == float("inf") and (r[1:] == 31).all()


def test_the_switch_forbids_splitting(emulated):
    rng = np.random.default_rng(7)
    x, y = (torch.tensor(rng.standard_normal((64, 64)).astype(np.float32)) for _ in range(2))
    split = x @ y
    matmul.tile_unit = "none"
    native = x @ y
    matmul.tile_unit = "emulated"
    assert not torch.equal(split, native)
    matmul.allow_split_float32 = False
    try:
        assert torch.equal(x @ y, native)
    finally:
        matmul.allow_split_float32 = True
    assert torch.equal(x @ y, split)


@pytest.mark.skipif("avx512" not in UNITS or "amx" in UNITS, reason="no dot products alone")
def test_dot_products_alone_split_only_at_medium_precision(precision):
    x, y = torch.randn(128, 128), torch.randn(128, 128)
    matmul.tile_unit = "none"
    native = x @ y
    matmul.tile_unit = "auto"
    for level in ("highest", "high"):
        precision(level)
        assert torch.equal(x @ y, native)
    precision("medium")
    assert not torch.equal(x @ y, native)


def test_split_gradients_and_strides(emulated):
    rng = np.random.default_rng(8)
    x = torch.tensor(whole_numbers(rng, 30, 20), requires_grad=True)
    w = torch.tensor(whole_numbers(rng, 9, 20), requires_grad=True)
    g = torch.tensor(whole_numbers(rng, 30, 9))
    torch.nn.functional.linear(x, w).backward(g)
    assert np.array_equal(x.grad.numpy(), g.numpy() @ w.detach().numpy())
    assert np.array_equal(w.grad.numpy(), g.numpy().T @ x.detach().numpy())


def test_an_unknown_unit_is_refused():
    with pytest.raises(ValueError, match="'avx1024' is unknown or not available"):
        matmul.tile_unit = "avx1024"


@pytest.mark.parametrize("count", [1, 2, 7])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
def test_few_vectors_against_a_large_matrix(count, dtype):
    rng = np.random.default_rng(count)
    a, b = whole_numbers(rng, count, 530), whole_numbers(rng, 530, 601)
    expected = torch.tensor(a @ b).to(dtype)
    bias = torch.tensor(whole_numbers(rng, 601)).to(dtype)
    xs, ys = layouts(a, dtype), layouts(b, dtype)
    for x, y in [*((xs[0], y) for y in ys), *((x, ys[0]) for x in xs[1:])]:
        assert torch.equal(x @ y, expected)
        assert torch.equal((y.t() @ x.t()).t(), expected)
    shifted = torch.nn.functional.linear(x, y.t(), bias)
    assert torch.equal(shifted, (torch.tensor(a @ b) + bias.float()).to(dtype))


def test_bits_do_not_depend_on_threads(unit):
    rng = np.random.default_rng(9)
    a, b = (torch.tensor(rng.standard_normal((300, 300)).astype(np.float32)) for _ in range(2))
    if unit == "emulated":
        a, b = a[:, :70], b[:70]
    results = []
    threads = torch.get_num_threads()
    try:
        for n in (1, 2, 3):
            torch.set_num_threads(n)
            results.append((a @ b, a.bfloat16() @ b.bfloat16()))
    finally:
        torch.set_num_threads(threads)
    for r in results[1:]:
        assert torch.equal(r[0], results[0][0]) and torch.equal(r[1], results[0][1])


NAMED = os.environ.get("PYGRAD_BUILD_DIR")
OBJECTS = [
    o
    for place in ([Path(NAMED)] if NAMED else sorted((ROOT / "build").glob("*")))
    for o in place.glob("CMakeFiles/kernels_cpu_extra_avx512.dir/**/gemm_amx.cpp.o")
]


@pytest.mark.skipif(not OBJECTS or shutil.which("objdump") is None, reason="no object to read")
def test_the_amx_kernels_hold_the_instructions_they_name():
    text = subprocess.run(
        ["objdump", "-d", OBJECTS[0]], capture_output=True, text=True, check=True
    ).stdout
    for instruction in ("ldtilecfg", "tilerelease", "tileloadd", "tilestored", "tilezero"):
        assert instruction in text
    # C, A and B: tdp* src2, src1, dest in AT&T order.
    for c, a, b in ((0, 4, 6), (1, 4, 7), (2, 5, 6), (3, 5, 7)):
        for name in ("tdpbf16ps", "tdpbusd"):
            assert f"{name} %tmm{b},%tmm{a},%tmm{c}" in text.replace("  ", " ")
