"""Jacobians, Hessians and their products with vectors, built on `pygrad.autograd.grad`."""

from __future__ import annotations

from pygrad import _C
from pygrad.autograd import grad as _autograd_grad
from pygrad.autograd.grad_mode import enable_grad

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from pygrad._C import Tensor

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]


def _as_tuple(op: str, what: str, value: Any) -> tuple[bool, tuple[Tensor, ...]]:
    """Return (was it a tuple, the tensors)."""
    many = isinstance(value, (tuple, list))
    tensors = tuple(value) if many else (value,)
    for i, t in enumerate(tensors):
        if not isinstance(t, _C.Tensor):
            raise TypeError(
                f"{op}(): {what} must be a tensor or a tuple of tensors, but entry {i} is "
                f"{type(t).__name__}"
            )
    return many, tensors


def _sources(inputs: tuple[Tensor, ...], create_graph: bool) -> tuple[Tensor, ...]:
    """Inputs to differentiate by: connected to the caller's graph only when that is wanted."""
    if create_graph:
        return tuple(
            x.view_as(x) if x.requires_grad else x.detach().requires_grad_() for x in inputs
        )
    return tuple(x.detach().requires_grad_() for x in inputs)


def _finish(values: tuple[Tensor, ...], create_graph: bool) -> tuple[Tensor, ...]:
    return values if create_graph else tuple(v.detach() for v in values)


def _unwrap(many: bool, values: tuple[Any, ...]) -> Any:
    return values if many else values[0]


def _vectors(op: str, v: Any, like: tuple[Tensor, ...], many: bool) -> tuple[Tensor, ...]:
    """Check `v` against what it is to be multiplied with; one for a single one-element tensor."""
    if v is None:
        if len(like) != 1 or like[0].numel() != 1:
            raise RuntimeError(
                f"{op}(): The vector v can only be None if the user-provided function (or its "
                "input) is a single Tensor with one element; got shapes "
                f"{[tuple(t.shape) for t in like]}"
            )
        return (_C.ops.ones_like(like[0].detach()),)
    _, given = _as_tuple(op, "v", v)
    if len(given) != len(like):
        raise RuntimeError(f"{op}(): v has {len(given)} tensors; expected {len(like)}")
    for i, (a, b) in enumerate(zip(given, like, strict=True)):
        if a.shape != b.shape:
            raise RuntimeError(
                f"{op}(): v[{i}] has invalid size: got {tuple(a.shape)}, expected {tuple(b.shape)}"
            )
    return given


def _grad(
    op: str,
    outputs: tuple[Tensor, ...],
    inputs: tuple[Tensor, ...],
    starts: tuple[Tensor, ...] | None,
    create_graph: bool,
    strict: bool,
) -> tuple[Tensor, ...]:
    """Gradients with zeros for independent inputs, or an error under `strict`."""
    pairs = [
        (out, None if starts is None else starts[i])
        for i, out in enumerate(outputs)
        if out.requires_grad
    ]
    found: tuple[Tensor | None, ...] = (None,) * len(inputs)
    if pairs:
        outs, grads = zip(*pairs, strict=True)
        found = _autograd_grad(
            outs, inputs, grads, retain_graph=True, create_graph=create_graph, allow_unused=True
        )
    if strict and (len(pairs) < len(outputs) or any(g is None for g in found)):
        raise RuntimeError(
            f"{op}(): the output of the user-provided function is independent of an input; this "
            "is not allowed in strict mode"
        )
    return tuple(
        _C.ops.zeros_like(x.detach()) if g is None else g
        for g, x in zip(found, inputs, strict=True)
    )


def vjp(
    func: Callable[..., Any],
    inputs: Any,
    v: Any = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    r"""Product of a vector with the Jacobian: :math:`v^T J`.

    Args:
        func: takes `inputs`, returns a tensor or a tuple of tensors.
        inputs: a tensor or a tuple of tensors.
        v: as the outputs; may be left out for a one-element output.
        create_graph: keep the result differentiable.
        strict: raise when an output does not depend on an input, instead of giving zeros.

    Returns:
        The outputs, and one tensor like each input.

    Example:
        >>> import pygrad
        >>> x = pygrad.tensor([1.0, 2.0])
        >>> pygrad.autograd.functional.vjp(lambda t: t * t, x, pygrad.ones(2))[1]
        tensor([2., 4.])
    """
    with enable_grad():
        many_in, ins = _as_tuple("vjp", "inputs", inputs)
        ins = _sources(ins, create_graph)
        many_out, outs = _as_tuple("vjp", "the function's outputs", func(*ins))
        starts = _vectors("vjp", v, outs, many_out)
        result = _grad("vjp", outs, ins, starts, create_graph, strict)
        outs = _finish(outs, create_graph)
    return _unwrap(many_out, outs), _unwrap(many_in, _finish(result, create_graph))


def jvp(
    func: Callable[..., Any],
    inputs: Any,
    v: Any = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    r"""Product of the Jacobian with a vector: :math:`J v`.

    The gradient :math:`J^T u` is linear in :math:`u`; differentiating it by :math:`u` in the
    direction :math:`v` gives :math:`J v` with two reverse passes.

    Args:
        func: takes `inputs`, returns a tensor or a tuple of tensors.
        inputs: a tensor or a tuple of tensors.
        v: as the inputs; may be left out for a one-element input.
        create_graph: keep the result differentiable.
        strict: raise when an output does not depend on an input, instead of giving zeros.

    Returns:
        The outputs, and one tensor like each output.

    Example:
        >>> import pygrad
        >>> x = pygrad.tensor([1.0, 2.0])
        >>> pygrad.autograd.functional.jvp(lambda t: t * t, x, pygrad.ones(2))[1]
        tensor([2., 4.])
    """
    with enable_grad():
        many_in, ins = _as_tuple("jvp", "inputs", inputs)
        ins = _sources(ins, create_graph)
        moves = _vectors("jvp", v, ins, many_in)
        many_out, outs = _as_tuple("jvp", "the function's outputs", func(*ins))
        dummies = tuple(_C.ops.zeros_like(out.detach()).requires_grad_() for out in outs)
        pulled = _grad("jvp", outs, ins, dummies, True, strict)
        result = _grad("jvp", pulled, dummies, moves, create_graph, strict)
        outs = _finish(outs, create_graph)
    return _unwrap(many_out, outs), _unwrap(many_out, _finish(result, create_graph))


def jacobian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    r"""All first derivatives: :math:`J_{ab} = \partial y_a / \partial x_b`.

    Args:
        func: takes `inputs`, returns a tensor or a tuple of tensors.
        inputs: a tensor or a tuple of tensors.
        create_graph: keep the result differentiable.
        strict: raise when an output does not depend on an input, instead of giving zeros.
        vectorize: accepted; rows are computed one after the other either way.
        strategy: must be ``"reverse-mode"``.

    Returns:
        For one output and one input a tensor of shape ``output.shape + input.shape``; tuples of
        such, the outer by outputs and the inner by inputs, where those are tuples.

    Example:
        >>> import pygrad
        >>> x = pygrad.tensor([1.0, 2.0])
        >>> pygrad.autograd.functional.jacobian(lambda t: t * t, x)
        tensor([[2., 0.],
                [0., 4.]])
    """
    if strategy != "reverse-mode":
        raise ValueError(
            f"jacobian(): strategy {strategy!r} is not supported; expected 'reverse-mode'"
        )
    with enable_grad():
        many_in, ins = _as_tuple("jacobian", "inputs", inputs)
        ins = _sources(ins, create_graph)
        many_out, outs = _as_tuple("jacobian", "the function's outputs", func(*ins))
        blocks: list[Any] = []
        for out in outs:
            flat = out.reshape(-1)
            rows = [
                _grad("jacobian", (flat[k],), ins, None, create_graph, strict)
                for k in range(out.numel())
            ]
            shape = tuple(out.shape)
            block = tuple(
                _C.ops.stack([row[i] for row in rows], 0).reshape(shape + tuple(x.shape))
                if rows
                else x.new_zeros(shape + tuple(x.shape))
                for i, x in enumerate(ins)
            )
            blocks.append(_unwrap(many_in, _finish(block, create_graph)))
    return _unwrap(many_out, tuple(blocks))


def _scalar(op: str, value: Any) -> Tensor:
    if not isinstance(value, _C.Tensor) or value.numel() != 1:
        shape = tuple(value.shape) if isinstance(value, _C.Tensor) else type(value).__name__
        raise RuntimeError(
            f"{op}(): The function given to {op} should return a single Tensor with a single "
            f"element; got {shape}"
        )
    return value.reshape(())


def hessian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    r"""All second derivatives of a scalar function.

    Args:
        func: takes `inputs`, returns a one-element tensor.
        inputs: a tensor or a tuple of tensors.
        create_graph: keep the result differentiable.
        strict: raise when the gradient does not depend on an input.
        vectorize: accepted; rows are computed one after the other either way.
        outer_jacobian_strategy: must be ``"reverse-mode"``.

    Returns:
        A tensor of shape ``input.shape + input.shape``, or a tuple of tuples of such blocks.

    Example:
        >>> import pygrad
        >>> x = pygrad.tensor([1.0, 2.0])
        >>> pygrad.autograd.functional.hessian(lambda t: (t**3).sum(), x)
        tensor([[ 6.,  0.],
                [ 0., 12.]])
    """
    many_in, _ = _as_tuple("hessian", "inputs", inputs)

    def gradient(*ins: Tensor) -> Any:
        value = _scalar("hessian", func(*ins))
        return _unwrap(many_in, _grad("hessian", (value,), ins, None, True, strict))

    return jacobian(gradient, inputs, create_graph, strict, vectorize, outer_jacobian_strategy)


def vhp(
    func: Callable[..., Any],
    inputs: Any,
    v: Any = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    r"""Product of a vector with the Hessian: :math:`v^T H`.

    Args:
        func: takes `inputs`, returns a one-element tensor.
        inputs: a tensor or a tuple of tensors.
        v: as the inputs; may be left out for a one-element input.
        create_graph: keep the result differentiable.
        strict: raise when the gradient does not depend on an input.

    Returns:
        The function's value, and one tensor like each input.

    Example:
        >>> import pygrad
        >>> x = pygrad.tensor([1.0, 2.0])
        >>> pygrad.autograd.functional.vhp(lambda t: (t**3).sum(), x, pygrad.ones(2))
        (tensor(9.), tensor([ 6., 12.]))
    """
    with enable_grad():
        many_in, ins = _as_tuple("vhp", "inputs", inputs)
        ins = _sources(ins, create_graph)
        moves = _vectors("vhp", v, ins, many_in)
        value = func(*ins)
        first = _grad("vhp", (_scalar("vhp", value),), ins, None, True, strict)
        result = _grad("vhp", first, ins, moves, create_graph, strict)
    (value,) = _finish((value,), create_graph)
    return value, _unwrap(many_in, _finish(result, create_graph))


def hvp(
    func: Callable[..., Any],
    inputs: Any,
    v: Any = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    r"""Product of the Hessian with a vector: :math:`H v`.

    The Hessian of a twice continuously differentiable function is symmetric, so this is `vhp`.

    Args:
        func: takes `inputs`, returns a one-element tensor.
        inputs: a tensor or a tuple of tensors.
        v: as the inputs; may be left out for a one-element input.
        create_graph: keep the result differentiable.
        strict: raise when the gradient does not depend on an input.

    Returns:
        The function's value, and one tensor like each input.
    """
    return vhp(func, inputs, v, create_graph, strict)
