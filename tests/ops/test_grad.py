"""First and second derivatives of every op against central differences, in float64."""

from __future__ import annotations

import pytest

import pygrad
from pygrad.autograd import gradcheck, gradgradcheck
from tests.conftest import SEED
from tests.opinfo import ALIASES, OPS
from tests.opinfo.record import mismatch, to_numpy
from tests.opinfo.run import differentiable_outputs, function, leaves

DIFFERENTIABLE = [n for n, info in OPS.items() if info.grad and n not in ALIASES]
CASES = [
    pytest.param(name, dtype, id=f"{name}-{dtype}")
    for name in DIFFERENTIABLE
    for dtype in ("float64", "complex128")
    if dtype in OPS[name].dtypes
]
LIMIT = 40  # elements of all differentiable operands together


def small_samples(info, dtype):
    for sample in info.draw(dtype, SEED, grad=True):
        n = sum(o.values.size for o in sample.operands() if o.differentiable)
        if 0 < n <= LIMIT:
            yield sample


def finite(outputs):
    """Whether there are outputs to differentiate: the variance of one number is none."""
    return outputs and all(pygrad.isfinite(t).all().item() for t in outputs)


def as_function(info, fill):
    """The op of its differentiable operands, giving the differentiable results."""

    def f(*tensors):
        args, kwargs = fill(*tensors)
        if info.name.endswith("_"):  # a leaf may not change
            args = (args[0] * 1.0, *args[1:])
        return differentiable_outputs(function(info)(*args, **kwargs))

    return f


@pytest.mark.parametrize(("name", "dtype"), CASES)
def test_first_derivative(name, dtype, device):
    info = OPS[name]
    count = 0
    for sample in small_samples(info, dtype):
        tensors, fill = leaves(sample, device)
        f = as_function(info, fill)
        if not finite(f(*tensors)):
            continue
        count += 1
        assert gradcheck(f, tuple(tensors), check_grad_dtypes=True), f"{name}{sample!r}"
    assert count, f"{name}: no sample has a differentiable result"


@pytest.mark.parametrize(("name", "dtype"), CASES)
def test_second_derivative(name, dtype, device):
    info = OPS[name]
    if not info.gradgrad:
        pytest.skip("its gradient does not depend differentiably on the input")
    for sample in small_samples(info, dtype):
        tensors, fill = leaves(sample, device)
        f = as_function(info, fill)
        if finite(f(*tensors)):
            assert gradgradcheck(f, tuple(tensors), fast_mode=True), f"{name}{sample!r}"


@pytest.mark.parametrize("name", [n for n in DIFFERENTIABLE if "float64" in OPS[n].dtypes])
def test_one_input_at_a_time(name, device):
    """An input's gradient is the same whether the others want one or not."""
    info = OPS[name]
    for sample in small_samples(info, "float64"):
        tensors, fill = leaves(sample, device)
        if len(tensors) < 2:
            continue
        outputs = as_function(info, fill)(*tensors)
        if not outputs:
            continue
        together = pygrad.autograd.grad(
            sum(t.abs().sum() for t in outputs), tensors, allow_unused=True
        )
        for i, expected in enumerate(together):
            alone = [t.detach().requires_grad_(i == j) for j, t in enumerate(tensors)]
            outputs = as_function(info, fill)(*alone)
            if not outputs:
                assert expected is None or not to_numpy(expected).any()
                continue
            (got,) = pygrad.autograd.grad(
                sum(t.abs().sum() for t in outputs), [alone[i]], allow_unused=True
            )
            assert (got is None) == (expected is None), f"{name}{sample!r}, input {i}"
            if got is not None:
                text = mismatch(to_numpy(got), to_numpy(expected), 1e-12, 1e-12)
                assert not text, f"{name}{sample!r}, input {i}: {text}"


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_gradient_has_shape_and_dtype_of_the_input(name, device):
    """Also of empty inputs, and in the short dtypes."""
    info = OPS[name]
    for dtype in ("float32", "float16", "bfloat16"):
        if dtype not in info.dtypes:
            continue
        for sample in info.draw(dtype, SEED):
            tensors, fill = leaves(sample, device)
            outputs = as_function(info, fill)(*tensors)
            if not outputs:
                continue
            sum(t.sum() for t in outputs).abs().backward()
            for t in tensors:
                if t.grad is not None:
                    assert t.grad.shape == t.shape, f"{name}{sample!r}"
                    assert t.grad.dtype == t.dtype, f"{name}{sample!r}"
