"""Calling ops by their records, in pygrad and in PyTorch, and looking at what comes back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import pygrad
from pygrad import _C
from tests.opinfo.record import (
    Operand,
    OpInfo,
    Sample,
    call_args,
    convert,
    dtype_name,
    mismatch,
    stored,
    to_numpy,
)


class _Library:
    """pygrad's names, whatever stands in front of them."""

    def __getattr__(self, name: str) -> Any:
        return getattr(pygrad, name)


LIBRARY = _Library()


def function(info: OpInfo) -> Callable[..., Any]:
    """The op as a function; one that is a method only, as a function of its tensor."""
    namespaces = {n for o in _C.op_info(info.name)["overloads"] for n in o["namespaces"]}
    return getattr(_C.Tensor if namespaces == {"Tensor"} else _C.ops, info.name)


def call(info: OpInfo, sample: Sample, device: str = "cpu", layout: str = "contiguous") -> Any:
    args, kwargs = call_args(LIBRARY, sample, device, layout)
    return function(info)(*args, **with_device(kwargs, device))


def with_device(kwargs: dict[str, Any], device: str) -> dict[str, Any]:
    """Creation ops take the device as an argument; records write "here" for it."""
    return {
        k: (device if v == "here" else v) if isinstance(v, str) else v for k, v in kwargs.items()
    }


def is_tensor(value: Any) -> bool:
    return hasattr(value, "detach") and hasattr(value, "dtype")


def flatten(result: Any) -> list[Any]:
    """The tensors and numbers of a result, in order."""
    if isinstance(result, (list, tuple)):
        return [leaf for part in result for leaf in flatten(part)]
    return [] if result is None else [result]


def compare(info: OpInfo, actual: Any, expected: Any, what: str) -> None:
    """Compares one result with NumPy values, by the tolerance of the result's dtype."""
    if not is_tensor(actual):
        assert not is_tensor(expected)
        same = actual == expected or (actual != actual and expected != expected)
        if isinstance(actual, float) and not same:
            same = bool(np.isclose(actual, expected, *info.tolerance("float32")))
        assert same, f"{what}: got {actual!r}, expected {expected!r}"
        return
    name = dtype_name(actual)
    text = mismatch(to_numpy(actual), stored(expected, name), *info.tolerance(name))
    assert not text, f"{what}: {text}"


def input_dtype(info: OpInfo, sample: Sample) -> str | None:
    """The dtype that decides the result's: of the first operand that is no index or mask."""
    operands = sample.operands()
    floating = [o for o in operands if o.differentiable]
    return (floating or operands)[0].dtype if operands else None


def leaves(
    sample: Sample, device: str = "cpu", lib: Any = LIBRARY
) -> tuple[list[Any], Callable[..., Any]]:
    """Tensors that require grad for the differentiable operands, and how to put others there.

    Returns the tensors, and `fill(tensors) -> (args, kwargs)`.
    """
    tensors = [
        convert(lib, o, device).requires_grad_(True) for o in sample.operands() if o.differentiable
    ]

    def fill(*given: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
        rest = iter(given)

        def place(operand: Operand) -> Any:
            return next(rest) if operand.differentiable else convert(lib, operand, device)

        args, kwargs = sample.map(place)
        plain = Sample(args, kwargs)
        args, kwargs = call_args(lib, plain, device)
        return args, with_device(kwargs, device)

    return tensors, fill


def differentiable_outputs(result: Any) -> tuple[Any, ...]:
    return tuple(t for t in flatten(result) if is_tensor(t) and t.requires_grad)


# ------------------------------------------------------------------------------ PyTorch


def torch_function(info: OpInfo, torch: Any) -> Callable[..., Any] | None:
    """The function of the same name in PyTorch, or None where it has none."""
    if info.torch == "":
        return None
    if callable(info.torch):
        return info.torch(torch)
    if info.torch is not None:
        found = torch
        for part in info.torch.split("."):
            found = getattr(found, part)
        return found
    places = (torch, torch.nn.functional, torch.special, torch.linalg, torch.Tensor)
    for place in places:
        found = getattr(place, info.name, None)
        if callable(found):
            return found
    return None
