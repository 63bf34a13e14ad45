"""Quotients and remainders of integers against Python's own, where the vector way ends as well."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import pygrad
from pygrad import _C

LIMITS = [-(2**63), -(2**62), -(2**51), -(2**50), 2**50 - 1, 2**50, 2**51, 2**62, 2**63 - 1]
VALUES = [*LIMITS, 0, 1, -1, 2, -2, 3, 7, -7, 10**15 - 1, -(10**15)]

OPS: dict[str, Callable[[Any, Any], pygrad.Tensor]] = {
    "floor": lambda a, b: a // b,
    "remainder": lambda a, b: a % b,
    "trunc": lambda a, b: pygrad.div(a, b, rounding_mode="trunc"),
    "fmod": pygrad.fmod,
}


@pytest.fixture(params=_C.available_isas())
def each_isa(request: pytest.FixtureRequest, isa: Any) -> None:
    isa(request.param)


def reference(name: str, a: int, b: int, bits: int = 64) -> int:
    if name in ("floor", "remainder"):
        quotient = a // b
    else:
        quotient = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
    result = quotient if name in ("floor", "trunc") else a - quotient * b
    return (result + 2 ** (bits - 1)) % 2**bits - 2 ** (bits - 1)


def check(name: str, a: list[int], b: list[int]) -> None:
    expected = [reference(name, x, y) for x, y in zip(a, b, strict=True)]
    assert OPS[name](pygrad.tensor(a), pygrad.tensor(b)).tolist() == expected
    for divisor in sorted(set(b))[:: max(1, len(set(b)) // 8)]:
        expected = [reference(name, x, divisor) for x in a]
        assert OPS[name](pygrad.tensor(a), divisor).tolist() == expected


@pytest.mark.parametrize("name", OPS)
def test_limits(each_isa: None, name: str) -> None:
    pairs = [(a, b) for a in VALUES for b in VALUES if b != 0]
    check(name, [a for a, _ in pairs], [b for _, b in pairs])


@pytest.mark.parametrize("name", OPS)
@pytest.mark.parametrize("bits", [3, 10, 25, 45, 50])
def test_random(each_isa: None, name: str, bits: int) -> None:
    rng = np.random.default_rng(bits)
    a, b = rng.integers(-(2**bits), 2**bits, (2, 777))
    b[b == 0] = 1
    check(name, a.tolist(), b.tolist())


@pytest.mark.parametrize("name", OPS)
def test_beside_multiples(each_isa: None, name: str) -> None:
    """Where a rounded quotient is the whole number that the true one just misses."""
    rng = np.random.default_rng(1)
    b = rng.integers(1, 2**25, 501)
    for offset in (-1, 0, 1):
        a = b * rng.integers(0, 2**25, 501) + offset
        for sign in (1, -1):
            check(name, (sign * a).tolist(), b.tolist())
            check(name, (sign * a).tolist(), (-b).tolist())


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "int32"])
@pytest.mark.parametrize("name", OPS)
def test_narrow(each_isa: None, name: str, dtype: str) -> None:
    limits = np.iinfo(dtype)
    values = np.linspace(limits.min, limits.max, 60).astype(np.int64)
    a, b = (v.reshape(-1) for v in np.meshgrid(values, values[values != 0]))
    got = OPS[name](pygrad.tensor(a.astype(dtype)), pygrad.tensor(b.astype(dtype)))
    expected = [reference(name, int(x), int(y)) for x, y in zip(a, b, strict=True)]
    assert got.dtype == getattr(pygrad, dtype)
    assert got.tolist() == np.array(expected).astype(dtype).tolist()
    by_three = [reference(name, int(x), 3) for x in a]
    assert OPS[name](pygrad.tensor(a.astype(dtype)), 3).tolist() == by_three
