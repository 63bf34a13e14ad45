"""Activation functions."""

from __future__ import annotations

from pygrad import _C
from pygrad._C import Tensor, ops

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def _in_place(op: Callable[..., Tensor], input: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """Overwrite ``input`` with ``op(input)``.

    The op may need its input again in the backward pass, so it gets a copy while the tape runs.
    """
    source = input.clone() if input.requires_grad and _C.is_grad_enabled() else input
    return input.copy_(op(source, *args, **kwargs))


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """Return ``max(input, 0)`` elementwise.

    Example:
        >>> import pygrad
        >>> pygrad.nn.functional.relu(pygrad.tensor([-1.0, 2.0]))
        tensor([0., 2.])
    """
    return input.relu_() if inplace else ops.relu(input)


def relu_(input: Tensor) -> Tensor:
    """In-place :func:`relu`."""
    return input.relu_()


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """Return ``min(max(input, 0), 6)`` elementwise."""
    return _in_place(ops.relu6, input) if inplace else ops.relu6(input)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """Return ``input`` where positive, else ``negative_slope * input``."""
    if inplace:
        return _in_place(ops.leaky_relu, input, negative_slope)
    return ops.leaky_relu(input, negative_slope)


def leaky_relu_(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    """In-place :func:`leaky_relu`."""
    return leaky_relu(input, negative_slope, True)


def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """Return ``input`` where positive, else ``weight * input`` with one weight a channel or one."""
    return ops.prelu(input, weight)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """Return ``input`` where positive, else ``alpha * (exp(input) - 1)``."""
    return _in_place(ops.elu, input, alpha) if inplace else ops.elu(input, alpha)


def elu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """In-place :func:`elu`."""
    return elu(input, alpha, True)


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """Return the scaled exponential linear unit, which keeps mean 0 and variance 1."""
    return _in_place(ops.selu, input) if inplace else ops.selu(input)


def selu_(input: Tensor) -> Tensor:
    """In-place :func:`selu`."""
    return selu(input, True)


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """Return ``max(0, input) + min(0, alpha * (exp(input / alpha) - 1))``."""
    return _in_place(ops.celu, input, alpha) if inplace else ops.celu(input, alpha)


def celu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """In-place :func:`celu`."""
    return celu(input, alpha, True)


def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """Return ``input * Phi(input)``, Phi the normal distribution; ``approximate`` may be 'tanh'."""
    return ops.gelu(input, approximate=approximate)


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """Return ``input * sigmoid(input)``."""
    return _in_place(ops.silu, input) if inplace else ops.silu(input)


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """Return ``input * tanh(softplus(input))``."""
    return _in_place(ops.mish, input) if inplace else ops.mish(input)


def sigmoid(input: Tensor) -> Tensor:
    """Return ``1 / (1 + exp(-input))``."""
    return ops.sigmoid(input)


def tanh(input: Tensor) -> Tensor:
    """Return the hyperbolic tangent."""
    return ops.tanh(input)


def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """Return ``log(1 + exp(beta * input)) / beta``, linear where ``beta * input > threshold``."""
    return ops.softplus(input, beta, threshold)


def softsign(input: Tensor) -> Tensor:
    """Return ``input / (1 + |input|)``."""
    return input / (input.abs() + 1)


def tanhshrink(input: Tensor) -> Tensor:
    """Return ``input - tanh(input)``."""
    return input - ops.tanh(input)


def hardtanh(
    input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False
) -> Tensor:
    """Return ``input`` cut off at ``min_val`` and ``max_val``."""
    if min_val > max_val:
        raise ValueError(
            f"hardtanh(): min_val {min_val} is above max_val {max_val}; expected min_val <= max_val"
        )
    if inplace:
        return _in_place(ops.hardtanh, input, min_val, max_val)
    return ops.hardtanh(input, min_val, max_val)


def hardtanh_(input: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """In-place :func:`hardtanh`."""
    return hardtanh(input, min_val, max_val, True)


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """Return ``input * relu6(input + 3) / 6``."""
    return _in_place(ops.hardswish, input) if inplace else ops.hardswish(input)


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """Return ``relu6(input + 3) / 6``."""
    return _in_place(ops.hardsigmoid, input) if inplace else ops.hardsigmoid(input)


def hardshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """Return ``input`` where ``|input| > lambd``, else 0."""
    return input.masked_fill((input >= -lambd) & (input <= lambd), 0)


def softshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """Return ``input`` moved towards 0 by ``lambd``, and 0 where ``|input| <= lambd``."""
    if lambd < 0:
        raise RuntimeError(f"softshrink(): lambd is {lambd}; expected 0 or more")
    # A number outside the band moves by lambd, one inside by itself; NaN stays NaN.
    return input - input.clamp(-lambd, lambd)


def logsigmoid(input: Tensor) -> Tensor:
    """Return ``log(sigmoid(input))`` without overflow."""
    return ops.logsigmoid(input)


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """Return ``input`` where it is above ``threshold``, else ``value``."""
    low = input <= threshold
    return input.masked_fill_(low, value) if inplace else input.masked_fill(low, value)


def threshold_(input: Tensor, threshold: float, value: float) -> Tensor:
    """In-place :func:`threshold`."""
    return input.masked_fill_(input <= threshold, value)


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """Return ``a * sigmoid(b)``, ``a`` and ``b`` the two halves of ``input`` along ``dim``.

    Raises:
        RuntimeError: if the size along ``dim`` is odd.
    """
    if input.dim() == 0:
        raise RuntimeError("glu(): input is 0-D; expected at least 1 dimension to halve")
    size = input.shape[dim]
    if size % 2:
        raise RuntimeError(
            f"glu(): dimension {dim} has size {size}, input {tuple(input.shape)};"
            " expected an even size"
        )
    half = size // 2
    return input.narrow(dim, 0, half) * ops.sigmoid(input.narrow(dim, half, half))


def rrelu(
    input: Tensor,
    lower: float = 1.0 / 8,
    upper: float = 1.0 / 3,
    training: bool = False,
    inplace: bool = False,
) -> Tensor:
    """Leaky ReLU whose slope is drawn from ``[lower, upper]`` per element while training."""
    if lower > upper:
        raise RuntimeError(
            f"rrelu(): lower {lower} is above upper {upper}; expected lower <= upper"
        )
    if not training:
        return leaky_relu(input, (lower + upper) / 2, inplace)
    slope = ops.empty_like(input.detach()).uniform_(lower, upper)

    def randomly_leaky(x: Tensor) -> Tensor:
        return ops.where(x >= 0, x, x * slope)

    return _in_place(randomly_leaky, input) if inplace else randomly_leaky(input)


def _softmax_dim(name: str, ndim: int) -> int:
    import warnings

    warnings.warn(
        f"{name}(): no dim given for a {ndim}-D input; choosing it from the number of dimensions is"
        " deprecated. Pass dim=",
        stacklevel=3,
    )
    return 0 if ndim in (0, 1, 3) else 1


def softmax(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None
) -> Tensor:
    """Return ``exp(input) / sum(exp(input))`` along ``dim``.

    Args:
        dim: the dimension whose entries sum to 1.
        dtype: what to convert ``input`` to first.

    Example:
        >>> import pygrad
        >>> pygrad.nn.functional.softmax(pygrad.zeros(2), dim=0)
        tensor([0.5000, 0.5000])
    """
    if dim is None:
        dim = _softmax_dim("softmax", input.dim())
    return ops.softmax(input, dim) if dtype is None else ops.softmax(input, dim, dtype=dtype)


def softmin(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None
) -> Tensor:
    """Return ``softmax(-input, dim)``."""
    if dim is None:
        dim = _softmax_dim("softmin", input.dim())
    return softmax(-input, dim, dtype=dtype)


def log_softmax(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None
) -> Tensor:
    """Return ``log(softmax(input, dim))`` without overflow."""
    if dim is None:
        dim = _softmax_dim("log_softmax", input.dim())
    if dtype is None:
        return ops.log_softmax(input, dim)
    return ops.log_softmax(input, dim, dtype=dtype)


def gumbel_softmax(
    logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1
) -> Tensor:
    """Draw from the Gumbel-softmax distribution: a differentiable choice among categories.

    Args:
        logits: unnormalised log probabilities.
        tau: temperature; small values come closer to a hard choice.
        hard: whether to return one-hot vectors, with the gradient of the soft ones.
        dim: the dimension of the categories.
    """
    noise = -ops.empty_like(logits.detach()).exponential_().log()
    soft = ops.softmax((logits + noise) / tau, dim)
    if not hard:
        return soft
    index = soft.argmax(dim, keepdim=True)
    chosen = ops.zeros_like(logits.detach()).scatter_(dim, index, 1.0)
    return chosen - soft.detach() + soft
