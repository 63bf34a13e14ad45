"""Every op against PyTorch: values, dtypes, gradients, exceptions, and which dtypes work."""

from __future__ import annotations

import warnings

import pytest

import pygrad
from tests.conftest import SEED
from tests.opinfo import ALIASES, OPS
from tests.opinfo.record import ALL, call_args, dtype_name, mismatch, to_numpy
from tests.opinfo.run import (
    LIBRARY,
    call,
    differentiable_outputs,
    flatten,
    function,
    is_tensor,
    leaves,
    torch_function,
    with_device,
)

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch
NAMES = [
    n for n, info in OPS.items() if n not in ALIASES and torch_function(info, torch) is not None
]
CASES = [pytest.param(n, d, id=f"{n}-{d}") for n in NAMES for d in OPS[n].dtypes]


def theirs(info, sample):
    args, kwargs = call_args(torch, sample)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch_function(info, torch)(*args, **with_device(kwargs, "cpu"))


def attempt(f, *args):
    """The results and None, or None and the exception."""
    try:
        return flatten(f(*args)), None
    except Exception as error:  # the exception is what is compared
        return None, error


def agree(info, a, b, what):
    if not is_tensor(b):
        assert a == b or a != a, f"{what}: {a!r}, PyTorch {b!r}"
        return
    assert dtype_name(a) == dtype_name(b), f"{what}: {a.dtype}, PyTorch {b.dtype}"
    assert tuple(a.shape) == tuple(b.shape), f"{what}: {tuple(a.shape)}, PyTorch {tuple(b.shape)}"
    if not info.random:
        name = dtype_name(a)
        text = mismatch(
            to_numpy(a), to_numpy(b), *(info.torch_tol.get(name) or info.tolerance(name))
        )
        assert not text, f"{what}: {text}"


@pytest.mark.parametrize(("name", "dtype"), CASES)
def test_values(name, dtype):
    info = OPS[name]
    for sample in info.draw(dtype, SEED):
        what = f"{name}{sample!r}"
        expected, refusal = attempt(theirs, info, sample)
        got, error = attempt(call, info, sample)
        if isinstance(refusal, NotImplementedError) or "not implemented" in str(refusal):
            continue  # we may do more
        assert (error is None) == (refusal is None), f"{what}: {error!r}, PyTorch {refusal!r}"
        if error is None:
            assert len(got) == len(expected), what
            for a, b in zip(got, expected, strict=True):
                agree(info, a, b, what)


@pytest.mark.parametrize("name", [n for n in NAMES if OPS[n].grad and not n.endswith("_")])
def test_gradients(name):
    info = OPS[name]
    for dtype in ("float64", "complex128", "float32"):
        if dtype not in info.dtypes:
            continue
        for sample in info.draw(dtype, SEED, grad=True):
            both = []
            for lib, f in ((torch, torch_function(info, torch)), (LIBRARY, function(info))):
                tensors, fill = leaves(sample, "cpu", lib)
                args, kwargs = fill(*tensors)
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    outputs = differentiable_outputs(f(*args, **kwargs))
                try:
                    if outputs:
                        sum((t * (i + 1.5)).abs().sum() for i, t in enumerate(outputs)).backward()
                except RuntimeError:
                    assert lib is torch, f"{name}{sample!r}: only PyTorch has no backward for this"
                    break
                both.append([t.grad for t in tensors])
            if len(both) < 2:
                continue
            for i, (b, a) in enumerate(zip(*both, strict=True)):
                what = f"{name}{sample!r}, input {i}"
                if a is None or b is None:  # no gradient is as good as zeros
                    given = b if a is None else a
                    assert given is None or not to_numpy(given).any(), (
                        f"{what}: {a!r}, PyTorch {b!r}"
                    )
                else:
                    agree(info, a, b, what)


@pytest.mark.parametrize("name", NAMES)
def test_dtypes_and_exceptions(name):
    """Where PyTorch works we work, for every dtype; where it refuses, so do we, with its type."""
    info = OPS[name]
    for dtype in ALL:
        if dtype in info.dtypes:
            continue
        sample = next(iter(info.draw("float32", SEED)), None)
        if sample is None or not sample.operands():
            return
        main = next((o.dtype for o in sample.operands() if o.differentiable), None)
        if main != "float32":
            return
        sample = next(iter(info.draw(dtype, SEED)))
        expected, refusal = attempt(theirs, info, sample)
        got, error = attempt(call, info, sample)
        what = f"{name}{sample!r}"
        if refusal is None and dtype in info.without:
            assert isinstance(error, NotImplementedError), f"{what}: {error!r}"
        elif refusal is None:
            if any(is_tensor(t) and dtype_name(t) not in ALL for t in expected):
                continue  # PyTorch's dtype for it is one we lack
            assert error is None, f"{what}: {error!r}, PyTorch works"
            for a, b in zip(got, expected, strict=True):
                agree(info, a, b, what)
        elif error is not None:
            assert isinstance(error, type(refusal)) or isinstance(refusal, type(error)), (
                f"{what}: {error!r}, PyTorch {refusal!r}"
            )


@pytest.mark.parametrize("name", NAMES)
def test_error_inputs(name):
    for error in OPS[name].errors:
        if error.torch:
            _, refusal = attempt(theirs, OPS[name], error.sample)
            what = f"{name}{error.sample!r}"
            assert refusal is not None, f"{what}: PyTorch accepts it"
            kinds = (error.kind, AttributeError) if error.kind is TypeError else error.kind
            assert isinstance(refusal, kinds) or issubclass(error.kind, type(refusal)), (
                f"{what}: PyTorch {refusal!r}"
            )


def test_random_streams_need_no_parity():
    """Same seed, other numbers: the streams are our own; only their repeatability is promised."""
    pygrad.manual_seed(1)
    first = pygrad.rand(3).tolist()
    pygrad.manual_seed(1)
    assert pygrad.rand(3).tolist() == first
