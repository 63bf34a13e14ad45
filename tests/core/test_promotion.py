"""Type promotion: tensors, 0-d tensors, Python numbers; results of ops; explicit casts."""

from __future__ import annotations

import itertools

import pytest

import pygrad

NAMES = (
    "bool",
    "uint8",
    "int8",
    "int16",
    "int32",
    "int64",
    "float16",
    "bfloat16",
    "float32",
    "float64",
    "complex64",
    "complex128",
)
KIND = dict(zip(NAMES, (0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3), strict=True))
BITS = {"uint8": 8, "int8": 8, "int16": 16, "int32": 32, "int64": 64}


def d(name):
    return getattr(pygrad, name)


def rule(a, b):
    """The promoted dtype, from the rules in words: the higher kind wins, then the wider dtype."""
    if a == b:
        return a
    if KIND[a] != KIND[b]:
        low, high = sorted((a, b), key=KIND.get)
        if KIND[high] == 3 and low == "float64":
            return "complex128"
        return high
    if KIND[a] == 1:
        if "uint8" in (a, b):
            signed = b if a == "uint8" else a
            return "int16" if signed == "int8" else signed
        return max(a, b, key=BITS.get)
    if {a, b} == {"float16", "bfloat16"}:
        return "float32"
    return max(a, b, key=NAMES.index)


PAIRS = list(itertools.product(NAMES, NAMES))


@pytest.mark.parametrize("a", NAMES)
def test_promote_types(a):
    for b in NAMES:
        assert pygrad.promote_types(d(a), d(b)) == d(rule(a, b)), (a, b)


@pytest.mark.parametrize("a", NAMES)
def test_two_tensors(a):
    for b in NAMES:
        x, y = pygrad.ones(2, dtype=d(a)), pygrad.ones(2, dtype=d(b))
        assert (x + y).dtype == d(rule(a, b)), (a, b)
        assert (x * y).tolist() == [1, 1]
        assert pygrad.result_type(x, y) == d(rule(a, b))
        expected = rule(a, b)
        assert (x / y).dtype == d(expected if KIND[expected] >= 2 else "float32"), (a, b)


@pytest.mark.parametrize("a", NAMES)
def test_zero_dim_tensors_matter_by_kind_only(a):
    for b in NAMES:
        x, scalar = pygrad.ones(2, dtype=d(a)), pygrad.tensor(1, dtype=d(b))
        expected = a if KIND[b] <= KIND[a] else rule(a, b)
        if (
            b.startswith("complex") and "float" in a
        ):  # a complex number keeps a real tensor's precision
            expected = "complex128" if a == "float64" else "complex64"
        assert (x + scalar).dtype == d(expected), (a, b)
        assert (scalar + x).dtype == d(expected), (a, b)
        assert pygrad.result_type(scalar, scalar) == d(b)


@pytest.mark.parametrize("a", NAMES)
def test_python_numbers(a):
    x = pygrad.ones(2, dtype=d(a))
    kind = KIND[a]
    assert (x * True).dtype == d(a)
    assert (x + 2).dtype == d(a if kind >= 1 else "int64")
    assert (x + 2.0).dtype == d(a if kind >= 2 else "float32")
    complex_of = {"float64": "complex128"}
    if a != "float16":  # there is no complex dtype of its precision
        assert (x + 2j).dtype == d(a if kind == 3 else complex_of.get(a, "complex64"))
    assert (2 + x).dtype == (x + 2).dtype
    assert (2.0 * x).dtype == (x * 2.0).dtype


def test_default_dtype_takes_part():
    x = pygrad.ones(2, dtype=pygrad.int64)
    pygrad.set_default_dtype(pygrad.float64)
    try:
        assert (x * 1.5).dtype == pygrad.float64
        assert (x / 2).dtype == pygrad.float64
        assert pygrad.exp(x).dtype == pygrad.float64
        assert pygrad.tensor(1.0).dtype == pygrad.float64
        assert pygrad.tensor(1j).dtype == pygrad.complex128
        assert pygrad.zeros(1).dtype == pygrad.float64
    finally:
        pygrad.set_default_dtype(pygrad.float32)
    with pytest.raises(TypeError):
        pygrad.set_default_dtype(pygrad.int32)
    assert pygrad.get_default_dtype() == pygrad.float32


def test_can_cast():
    assert pygrad.can_cast(pygrad.int64, pygrad.float16)
    assert pygrad.can_cast(pygrad.float64, pygrad.float16)
    assert not pygrad.can_cast(pygrad.float32, pygrad.int64)
    assert not pygrad.can_cast(pygrad.complex64, pygrad.float64)
    assert not pygrad.can_cast(pygrad.int8, pygrad.bool)


def test_in_place_keeps_its_dtype():
    x = pygrad.ones(2, dtype=pygrad.int64)
    x += 1
    assert x.dtype == pygrad.int64
    with pytest.raises(RuntimeError, match="cast"):
        x += 1.5
    with pytest.raises(RuntimeError, match="cast"):
        x.mul_(pygrad.ones(2))
    with pytest.raises(RuntimeError, match="cast"):
        x.div_(2)
    assert x.tolist() == [2, 2]
    y = pygrad.ones(2, dtype=pygrad.float16)
    y += pygrad.ones(2, dtype=pygrad.float64)
    assert y.dtype == pygrad.float16


def test_casts():
    x = pygrad.tensor([-1.7, 0.0, 2.9])
    assert x.to(pygrad.int64).tolist() == [-1, 0, 2]
    assert x.bool().tolist() == [True, False, True]
    assert x.int().dtype == pygrad.int32
    assert pygrad.tensor([300, -1]).to(pygrad.uint8).tolist() == [44, 255]
    assert pygrad.tensor(1e10).half().item() == float("inf")
    assert pygrad.tensor(1.00390625).bfloat16().item() == 1.0  # halfway: to the even one
    assert pygrad.tensor(1.01171875).bfloat16().item() == 1.015625
    assert x.to(pygrad.float32) is x
    assert x.double().to(x).dtype == pygrad.float32


def test_cast_gradient_returns_in_the_inputs_dtype():
    x = pygrad.ones(2, requires_grad=True)
    y = x.double() * pygrad.ones(2, dtype=pygrad.float64)
    y.sum().backward()
    assert x.grad.dtype == pygrad.float32
    a = pygrad.ones(2, dtype=pygrad.float16, requires_grad=True)
    (a * pygrad.ones(2)).sum().backward()
    assert a.grad.dtype == pygrad.float16


def test_integer_reductions_widen():
    assert pygrad.ones(3, dtype=pygrad.int8).sum().dtype == pygrad.int64
    assert pygrad.ones(3, dtype=pygrad.bool).sum().item() == 3
    assert pygrad.ones(3, dtype=pygrad.int32).prod().dtype == pygrad.int64
    assert pygrad.ones(3, dtype=pygrad.int32).cumsum(0).dtype == pygrad.int64
    with pytest.raises(RuntimeError):
        pygrad.ones(3, dtype=pygrad.int64).mean()
