"""Device cuda against the CPU: values, gradients, dtypes, and errors about devices."""

from __future__ import annotations

import pytest

import pygrad
from tests.conftest import SEED
from tests.opinfo import ALIASES, OPS
from tests.opinfo.record import dtype_name, mismatch, to_numpy
from tests.opinfo.run import call, differentiable_outputs, flatten, function, is_tensor, leaves

pytestmark = pytest.mark.cuda
DTYPES = ("float32", "float64", "bfloat16", "float16", "int64", "bool", "complex64")
CASES = [
    pytest.param(name, dtype, id=f"{name}-{dtype}")
    for name, info in OPS.items()
    if name not in ALIASES
    for dtype in DTYPES
    if dtype in info.dtypes
]


def agree(info, a, b, what, scale=1.0):
    if not is_tensor(a):
        assert a == b or a != a, what
        return
    assert a.dtype == b.dtype, what
    rtol, atol = info.tolerance(dtype_name(a))
    text = mismatch(to_numpy(a), to_numpy(b), rtol, atol * scale)
    assert not text, f"{what}: {text}"


@pytest.mark.parametrize(("name", "dtype"), CASES)
def test_values(name, dtype):
    info = OPS[name]
    for sample in info.draw(dtype, SEED):
        pygrad.manual_seed(SEED)
        here = flatten(call(info, sample, "cpu"))
        pygrad.manual_seed(SEED)
        there = flatten(call(info, sample, "cuda"))
        assert len(here) == len(there)
        for a, b in zip(there, here, strict=True):
            if "empty" not in info.name:  # what their memory held before is nobody's promise
                agree(info, a, b, f"{name}{sample!r}")


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        pytest.param(name, dtype, id=f"{name}-{dtype}")
        for name, info in OPS.items()
        if info.grad and name not in ALIASES and not name.endswith("_")
        for dtype in ("float32", "float64")
        if dtype in info.dtypes
    ],
)
def test_gradients(name, dtype):
    info = OPS[name]
    for sample in info.draw(dtype, SEED):
        both = []
        for device in ("cpu", "cuda"):
            tensors, fill = leaves(sample, device)
            args, kwargs = fill(*tensors)
            outputs = differentiable_outputs(function(info)(*args, **kwargs))
            if outputs:
                sum(t.abs().sum() for t in outputs).backward()
            both.append([t.grad for t in tensors])
        for a, b in zip(*both, strict=True):
            assert (a is None) == (b is None), f"{name}{sample!r}"
            if a is not None:
                # Where terms cancel, the rounding of a sum goes with the terms, not with its value.
                scale = max(1.0, a.abs().max().item()) if dtype == "float32" and a.numel() else 1.0
                agree(info, b, a, f"gradient of {name}{sample!r}", scale)


def test_mixed_devices_are_refused():
    a, b = pygrad.ones(2), pygrad.ones(2, device="cuda")
    for f in (pygrad.add, pygrad.mul, pygrad.maximum, pygrad.dot):
        with pytest.raises(RuntimeError, match="same device|different devices"):
            f(a, b)
    with pytest.raises(RuntimeError, match="same device|different devices"):
        pygrad.ones(2, 2) @ pygrad.ones(2, 2, device="cuda")


def test_a_cpu_scalar_tensor_follows_the_other_device():
    x = pygrad.ones(3, device="cuda")
    assert (x * pygrad.tensor(2.0)).device.type == "cuda"
    assert (pygrad.tensor(2.0) + x).tolist() == [3.0] * 3


def test_moves():
    x = pygrad.tensor([1.0, 2.0], requires_grad=True)
    there = x.cuda()
    assert there.device.type == "cuda"
    assert there.cuda() is there
    (there * 2).sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]
    assert x.grad.device.type == "cpu"
    assert there.cpu().tolist() == [1.0, 2.0]
    assert pygrad.tensor([1], device="cuda").to("cpu").device.type == "cpu"
