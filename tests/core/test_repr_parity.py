"""The text of random tensors against PyTorch's."""

from __future__ import annotations

import math
import random

import pytest

import pygrad

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

DTYPES = (
    "bool uint8 int8 int16 int32 int64 float16 bfloat16 float32 float64 complex64 complex128"
).split()


def draw(rng, name, count):
    """Values that are exact in the dtype, so that both libraries hold the same numbers."""
    dtype = getattr(torch, name)
    if name == "bool":
        return [rng.random() < 0.5 for _ in range(count)]
    if not (dtype.is_floating_point or dtype.is_complex):
        high = rng.choice([2, 10, 100])
        return [rng.randrange(0 if name == "uint8" else -high, high) for _ in range(count)]
    scale = 10.0 ** rng.choice([0, 0, 0, 1, 3, 5, -1, -3, -5, 9])
    whole, spread = rng.random() < 0.3, rng.random() < 0.2

    def number():
        value = rng.gauss(0, 1) * scale * (math.exp(4 * rng.gauss(0, 1)) if spread else 1)
        if rng.random() < 0.03:
            value = rng.choice([math.nan, math.inf, -math.inf, 0.0, -0.0])
        return float(round(value)) if whole and math.isfinite(value) else value

    values = [complex(number(), number()) if dtype.is_complex else number() for _ in range(count)]
    return torch.tensor(values, dtype=dtype).tolist()


@pytest.mark.parametrize("name", DTYPES)
def test_random_tensors(name):
    rng = random.Random(name)
    try:
        for _ in range(150):
            shape = [rng.choice([0, 1, 2, 3, 5, 8, 13]) for _ in range(rng.choice([0, 1, 1, 2, 3]))]
            if rng.random() < 0.05:
                shape = [rng.choice([1001, 1500]), *shape[:1]]
            options = {
                "precision": rng.choice([4, 4, 2, 6]),
                "threshold": rng.choice([1000, 1000, 5, 20]),
                "edgeitems": rng.choice([3, 3, 1, 2]),
                "linewidth": rng.choice([80, 80, 40, 120]),
                "sci_mode": rng.choice([None, None, None, True, False]),
            }
            values = draw(rng, name, math.prod(shape))
            theirs = torch.tensor(values, dtype=getattr(torch, name)).reshape(shape)
            ours = pygrad.tensor(values, dtype=getattr(pygrad, name)).reshape(shape)
            torch.set_printoptions(**options)
            pygrad.set_printoptions(**options)
            expected = repr(theirs).replace(f"dtype=torch.{name}", f"dtype={ours.dtype}")
            if str(ours.dtype) == f"torch.{name}" or f"dtype=torch.{name}" not in repr(theirs):
                assert repr(ours) == expected, (shape, options)
    finally:
        torch.set_printoptions(profile="default")
        pygrad.set_printoptions(profile="default")
