"""Reverse-mode automatic differentiation: `backward`, `grad`, grad modes, custom functions, checks.

Only the grad modes are imported at once; the rest loads on first use.
"""

from __future__ import annotations

from pygrad import _C
from pygrad.autograd.grad_mode import (
    enable_grad,
    inference_mode,
    no_grad,
    set_grad_enabled,
    set_multithreading_enabled,
)

# Not lazy: the function has its module's name and must be what that name means here.
from pygrad.autograd.gradcheck import GradcheckError, gradcheck, gradgradcheck

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from pygrad._C import Tensor
    from pygrad.autograd import functional, graph
    from pygrad.autograd.anomaly_mode import detect_anomaly, set_detect_anomaly
    from pygrad.autograd.function import Function

    TensorOrTensors = Tensor | Sequence[Tensor]

__all__ = [
    "Function",
    "GradcheckError",
    "Variable",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "function",
    "functional",
    "grad",
    "grad_mode",
    "gradcheck",
    "gradgradcheck",
    "graph",
    "inference_mode",
    "no_grad",
    "set_detect_anomaly",
    "set_grad_enabled",
    "set_multithreading_enabled",
]


class _VariableType(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, _C.Tensor)


class Variable(metaclass=_VariableType):
    """The name of scripts written before tensors recorded themselves: every tensor is one.

    Args:
        data: a tensor; the variable shares its numbers and starts a history of its own.
        requires_grad: whether to record what is done to it.

    Example:
        >>> import pygrad
        >>> x = pygrad.autograd.Variable(pygrad.ones(2), requires_grad=True)
        >>> x, isinstance(x, pygrad.autograd.Variable)
        (tensor([1., 1.], requires_grad=True), True)
    """

    def __new__(cls, data: Tensor, requires_grad: bool = False) -> Tensor:  # type: ignore[misc]
        if not isinstance(data, _C.Tensor):
            raise TypeError(f"Variable(): data must be a Tensor, but got {type(data).__name__}")
        return data.detach().requires_grad_(requires_grad)


_LAZY = {
    "Function": "function",
    "detect_anomaly": "anomaly_mode",
    "set_detect_anomaly": "anomaly_mode",
}
_SUBMODULES = ("anomaly_mode", "function", "functional", "graph")


def __getattr__(name: str) -> Any:
    import importlib

    if name in _LAZY:
        module = importlib.import_module(f"pygrad.autograd.{_LAZY[name]}")
        value = globals()[name] = getattr(module, name)
        return value
    if name in _SUBMODULES:
        return importlib.import_module(f"pygrad.autograd.{name}")
    raise AttributeError(f"module 'pygrad.autograd' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY, *_SUBMODULES})


def _as_tuple(value: Any) -> tuple[Any, ...]:
    return (value,) if value is None or isinstance(value, _C.Tensor) else tuple(value)


def _start_gradients(
    op: str, outputs: tuple[Tensor, ...], grads: tuple[Any, ...]
) -> tuple[Tensor | None, ...]:
    """Check the gradients that backward starts from, and put ones where they may be left out."""
    if len(outputs) != len(grads):
        raise RuntimeError(
            f"{op}(): got {len(outputs)} tensors and {len(grads)} gradients; "
            "expected one gradient (or None) for each tensor"
        )
    result: list[Tensor | None] = []
    for i, (out, grad) in enumerate(zip(outputs, grads, strict=True)):
        if grad is None:
            if out.requires_grad:
                if out.numel() != 1:
                    raise RuntimeError(
                        f"{op}(): grad can be implicitly created only for scalar outputs; "
                        f"tensor {i} has shape {tuple(out.shape)}. Pass its gradient, "
                        "or reduce it first, for example with .sum()"
                    )
                if out.is_complex():
                    raise RuntimeError(
                        f"{op}(): grad can be implicitly created only for real scalar outputs "
                        f"but got {out.dtype} in tensor {i}; pass its gradient"
                    )
                grad = _C.ops.ones_like(out)
            result.append(grad)
            continue
        if not isinstance(grad, _C.Tensor):
            raise TypeError(
                f"{op}(): gradient {i} is {type(grad).__name__}; expected a tensor or None"
            )
        if grad.shape != out.shape:
            raise RuntimeError(
                f"{op}(): Mismatch in shape: grad_output[{i}] has a shape of "
                f"{tuple(grad.shape)} and output[{i}] has a shape of {tuple(out.shape)}"
            )
        if grad.is_complex() != out.is_complex():
            raise RuntimeError(
                f"{op}(): gradient {i} has dtype {grad.dtype} and its tensor {out.dtype}; "
                "expected both real or both complex"
            )
        result.append(grad)
    return tuple(result)


def backward(
    tensors: TensorOrTensors,
    grad_tensors: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    grad_variables: Any = None,
    inputs: TensorOrTensors | None = None,
) -> None:
    r"""Accumulate into the leaves' ``.grad`` the sum of the gradients of `tensors`.

    For each tensor :math:`y_i` with given gradient :math:`g_i`, every leaf :math:`x` gets
    :math:`\sum_i J_{y_i}(x)^{H} g_i`.

    Args:
        tensors: what to differentiate; any shapes.
        grad_tensors: gradients :math:`g_i` of the same shapes; may be left out for scalars.
        retain_graph: keep the graph for another pass; default: the value of `create_graph`.
        create_graph: record the backward pass, for higher derivatives.
        grad_variables: former name of `grad_tensors`.
        inputs: accumulate into these only.

    Raises:
        RuntimeError: when a non-scalar has no gradient given, or shapes differ.

    Example:
        >>> import pygrad
        >>> x = pygrad.tensor([1.0, 2.0], requires_grad=True)
        >>> pygrad.autograd.backward((x * x).sum())
        >>> x.grad
        tensor([2., 4.])
    """
    if grad_variables is not None:
        if grad_tensors is not None:
            raise RuntimeError(
                "backward(): `grad_tensors` and its former name `grad_variables` were both given; "
                "expected one of them"
            )
        grad_tensors = grad_variables
    only = None
    if inputs is not None:
        only = _as_tuple(inputs)
        if not only:
            raise RuntimeError(
                "backward(): `inputs` argument cannot be empty; leave it out or name the tensors "
                "to accumulate into"
            )
    outputs = _as_tuple(tensors)
    grads = (None,) * len(outputs) if grad_tensors is None else _as_tuple(grad_tensors)
    starts = _start_gradients("backward", outputs, grads)
    keep = create_graph if retain_graph is None else retain_graph
    _C.run_backward(outputs, starts, only, keep, create_graph, True, True)


def grad(
    outputs: TensorOrTensors,
    inputs: TensorOrTensors,
    grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Tensor, ...]:
    r"""Return the gradients of `outputs` with respect to `inputs`; no ``.grad`` changes.

    Args:
        outputs: what to differentiate.
        inputs: with respect to what; leaves or intermediate results.
        grad_outputs: gradients of `outputs`, same shapes; may be left out for scalars.
        retain_graph: keep the graph for another pass; default: the value of `create_graph`.
        create_graph: record the computation, so that the result can be differentiated again.
        only_inputs: must be True.
        allow_unused: give None for inputs that `outputs` do not depend on instead of raising;
            default: the value of `materialize_grads`.
        is_grads_batched: must be False.
        materialize_grads: give zeros for such inputs.

    Returns:
        One gradient for each input, of that input's shape.

    Raises:
        RuntimeError: for an input outside the graph, unless allowed.
        ValueError: when `materialize_grads` meets ``allow_unused=False``.

    Example:
        >>> import pygrad
        >>> x = pygrad.tensor(3.0, requires_grad=True)
        >>> (g,) = pygrad.autograd.grad(x**3, x, create_graph=True)
        >>> pygrad.autograd.grad(g, x)
        (tensor(18.),)
    """
    if materialize_grads and allow_unused is False:
        raise ValueError(
            "grad(): Expected allow_unused to be True or not passed when materialize_grads=True, "
            "but got: allow_unused=False."
        )
    if is_grads_batched:
        raise NotImplementedError(
            "grad(): is_grads_batched=True is not supported; call grad() once for each gradient"
        )
    if not only_inputs:
        raise ValueError(
            "grad(): only_inputs=False is not supported; use backward() to accumulate into leaves"
        )
    outs, ins = _as_tuple(outputs), _as_tuple(inputs)
    grads = (None,) * len(outs) if grad_outputs is None else _as_tuple(grad_outputs)
    starts = _start_gradients("grad", outs, grads)
    keep = create_graph if retain_graph is None else retain_graph
    unused = materialize_grads if allow_unused is None else allow_unused
    result = _C.run_backward(outs, starts, ins, keep, create_graph, False, unused)
    if materialize_grads:
        result = tuple(
            _C.ops.zeros_like(x) if g is None else g for g, x in zip(result, ins, strict=True)
        )
    return tuple(result)
