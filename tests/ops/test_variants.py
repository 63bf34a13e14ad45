"""Function, method, in-place form and `out=` agree; the registry, records and stub are complete."""

from __future__ import annotations

import importlib.util
import sys
from functools import partial
from pathlib import Path

import pytest

import pygrad
from pygrad import _C
from tests.conftest import SEED
from tests.opinfo import OPS
from tests.opinfo.record import call_args, dtype_name, mismatch, to_numpy
from tests.opinfo.run import LIBRARY, flatten, function, is_tensor, leaves, with_device

ROOT = Path(__file__).resolve().parents[2]


def is_internal(name):
    return set(_C.op_info(name)["namespaces"]) == {"_internal"}


PUBLIC = [name for name in _C.op_names() if not is_internal(name)]
METHODS = [n for n in PUBLIC if n in OPS and any(o["method"] for o in _C.op_info(n)["overloads"])]
IN_PLACE = [n for n in PUBLIC if n in OPS and any(o["inplace"] for o in _C.op_info(n)["overloads"])]


def first_samples(info, count=4):
    dtype = "float32" if "float32" in info.dtypes else info.dtypes[0]
    for i, sample in enumerate(info.draw(dtype, SEED)):
        if i < count:
            yield sample


def same(a, b, what):
    a, b = flatten(a), flatten(b)
    assert len(a) == len(b), what
    for x, y in zip(a, b, strict=True):
        if is_tensor(x):
            assert dtype_name(x) == dtype_name(y), what
            text = mismatch(to_numpy(x), to_numpy(y), 0, 0)
            assert not text, f"{what}: {text}"
        else:
            assert x == y or x != x, what


def in_place_form(name, x):
    """The method `name_`, or the function for what is a function only."""
    if hasattr(x, name + "_"):
        return getattr(x, name + "_")
    return partial(getattr(_C.ops, name + "_"), x)


def test_every_op_has_a_record():
    missing = sorted(
        set(PUBLIC) - set(OPS) - {"cuda"}
    )  # cuda() needs the device: test_device_parity
    assert not missing, f"ops without a record in tests/opinfo: {missing}"


def test_every_record_has_an_op():
    extra = sorted(set(OPS) - set(_C.op_names()))
    assert not extra, f"records without an op: {extra}"


@pytest.mark.parametrize("name", PUBLIC)
def test_is_documented(name):
    for overload in _C.op_info(name)["overloads"]:
        assert len(overload["doc"].strip()) > 10, overload["schema"]
        assert "->" in overload["schema"]


@pytest.mark.parametrize("name", PUBLIC)
def test_differentiability_is_declared(name):
    """An op that is not marked as nondifferentiable makes results that require grad."""
    info = OPS.get(name)
    if info is None:
        pytest.skip("no record; test_every_op_has_a_record says so")
    declared = any(o["differentiable"] for o in _C.op_info(name)["overloads"])
    if name.endswith("_"):
        return
    found = False
    dtype = next((d for d in ("float64", "complex128", "float32") if d in info.dtypes), None)
    if dtype is None:
        return
    for sample in info.draw(dtype, SEED, grad=True):
        tensors, fill = leaves(sample)
        if not tensors:
            continue
        args, kwargs = fill(*tensors)
        found = found or any(
            is_tensor(t) and t.requires_grad for t in flatten(function(info)(*args, **kwargs))
        )
    assert found or not info.grad, f"{name}: no result requires grad"
    if found:
        assert declared, f"{name} records although it is declared nondifferentiable"


@pytest.mark.parametrize("name", METHODS)
def test_method(name, device):
    info = OPS[name]
    for sample in first_samples(info):
        args, kwargs = call_args(LIBRARY, sample, device)
        kwargs = with_device(kwargs, device)
        if info.random or not args or not is_tensor(args[0]):
            continue
        what = f"{name}{sample!r}"
        if name.endswith("_"):
            copy = args[0].clone()
            a = getattr(copy, name)(*args[1:], **kwargs)
            assert a is copy
            same(a, function(info)(args[0].clone(), *args[1:], **kwargs), what)
        else:
            try:
                expected = function(info)(*args, **kwargs)
            except TypeError:
                continue
            if name == "where":  # the method's self is not the first argument
                got = args[1].where(args[0], args[2]) if is_tensor(args[1]) else expected
            else:
                got = getattr(args[0], name)(*args[1:], **kwargs)
            same(got, expected, what)


@pytest.mark.parametrize("name", IN_PLACE)
def test_in_place(name, device):
    """x.f_() changes x to f(x) and is x; a result of another shape or kind is refused."""
    info = OPS[name]
    tried = 0
    for dtype in [d for d in ("float32", "int64", "bool", "complex64") if d in info.dtypes]:
        for sample in info.draw(dtype, SEED):
            args, kwargs = call_args(LIBRARY, sample, device)
            if info.random or not args or not is_tensor(args[0]):
                continue
            expected = flatten(function(info)(*args, **kwargs))[0]
            x = args[0].clone()
            method = in_place_form(name, x)
            what = f"{name}_{sample!r}"
            fits = expected.shape == x.shape or name in (
                "squeeze",
                "unsqueeze",
                "transpose",
                "t",
                "swapaxes",
                "swapdims",
            )
            if not fits or not pygrad.can_cast(expected.dtype, x.dtype):
                with pytest.raises(RuntimeError):
                    method(*args[1:], **kwargs)
                assert not mismatch(to_numpy(x), to_numpy(args[0]), 0, 0), (
                    f"{what} changed x and then refused"
                )
                continue
            version = x._version
            result = method(*args[1:], **kwargs)
            assert result is x, what
            assert x._version > version or x.numel() == 0, f"{what}: the version did not move"
            same(x, expected.to(x.dtype), what)
            tried += 1
    assert tried or name == "polygamma", f"{name}_: no sample fits"


@pytest.mark.parametrize("name", [n for n in IN_PLACE if OPS[n].grad])
def test_gradient_of_in_place(name, device):
    info = OPS[name]
    for sample in info.draw("float64", SEED, grad=True):
        operands = sample.operands()
        if (
            not sample.args
            or not operands
            or sample.args[0] is not operands[0]
            or not operands[0].differentiable
        ):
            continue
        both = []
        for in_place in (False, True):
            tensors, fill = leaves(sample, device)
            args, kwargs = fill(*tensors)
            if in_place:
                x = args[0] * 1.0
                try:
                    y = in_place_form(name, x)(*args[1:], **kwargs)
                except RuntimeError:
                    break  # the shape grows; test_in_place looks at that
            else:
                y = flatten(function(info)(*args, **kwargs))[0]
            if not y.requires_grad:
                break
            (y * y).sum().backward()
            both.append([None if t.grad is None else to_numpy(t.grad) for t in tensors])
        if len(both) == 2:
            for a, b in zip(*both, strict=True):
                assert (a is None) == (b is None), f"{name}_{sample!r}"
                text = "" if a is None else mismatch(b, a, 1e-12, 1e-12)
                assert not text, f"gradient of {name}_{sample!r}: {text}"


@pytest.mark.parametrize("name", [n for n in PUBLIC if n in OPS])
def test_out(name, device):
    """out= receives the result, is returned, is resized, and refuses a lower kind."""
    info = OPS[name]
    one_result = "-> Tensor" in _C.op_info(name)["schema"].replace("-> Tensor[", "-> list")
    if not one_result or name.endswith("_") or info.random:
        pytest.skip("gives no single tensor of known values")
    for sample in first_samples(info, 2):
        args, kwargs = call_args(LIBRARY, sample, device)
        kwargs = with_device(kwargs, device)
        expected = function(info)(*args, **kwargs)
        if not is_tensor(expected):
            continue
        for shape in (tuple(expected.shape), (7,)):
            out = pygrad.zeros(shape, dtype=expected.dtype, device=expected.device)
            result = function(info)(*args, **kwargs, out=out)
            assert result is out, name
            same(out, expected, f"{name}(out=)")
        if expected.is_floating_point():
            with pytest.raises(RuntimeError, match="cast"):
                where = expected.device
                wrong = pygrad.zeros(tuple(expected.shape), dtype=pygrad.int64, device=where)
                function(info)(*args, **kwargs, out=wrong)
        with pytest.raises(TypeError, match="out"):
            function(info)(*args, **kwargs, out=3)


def test_namespaces_hold_their_ops():
    for name in PUBLIC:
        for namespace in _C.op_info(name)["namespaces"]:
            if namespace == "torch":
                assert callable(getattr(pygrad, name)), name
            elif namespace == "nn.functional":
                assert callable(
                    getattr(pygrad.nn.functional, name, None) or getattr(_C.ops, name)
                ), name
            elif namespace in ("special", "linalg"):
                assert callable(getattr(getattr(pygrad, namespace), name)), name
            elif namespace == "Tensor":
                assert callable(getattr(pygrad.Tensor, name)), name


def test_unknown_arguments_are_refused():
    x = pygrad.ones(2)
    with pytest.raises(TypeError, match="unexpected keyword argument 'colour'"):
        pygrad.exp(x, colour=1)
    with pytest.raises(TypeError):
        pygrad.sum(x, 0, 1, 2, 3)
    with pytest.raises(TypeError, match="multiple values"):
        pygrad.exp(x, input=x)
    with pytest.raises(AttributeError):
        pygrad.no_such_function  # noqa: B018


def test_numpy_names_of_arguments():
    x = pygrad.arange(6.0).reshape(2, 3)
    assert x.sum(axis=1, keepdims=True).tolist() == [[3.0], [12.0]]
    assert pygrad.cat([x, x], axis=0).shape == (4, 3)


def test_stub_is_current():
    path = ROOT / "tools" / "generate_stub.py"
    spec = importlib.util.spec_from_file_location("generate_stub", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["generate_stub"] = module
    try:
        spec.loader.exec_module(module)
        assert module.main(["--check"]) == 0, "run python tools/generate_stub.py"
    finally:
        del sys.modules["generate_stub"]
