"""Initialisation of tensors, in place and outside the tape."""

from __future__ import annotations

import math

from pygrad._C import Tensor, ops

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from pygrad._C import Generator


def _quietly(fill: Callable[..., Tensor], *args: Any) -> Tensor:
    from pygrad.autograd.grad_mode import no_grad

    with no_grad():
        return fill(*args)


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """Return the factor that keeps a signal's size through a nonlinearity.

    Args:
        nonlinearity: 'linear', 'conv2d' and the like, 'sigmoid', 'tanh', 'relu', 'leaky_relu',
            'selu'.
        param: the negative slope of 'leaky_relu'.

    Raises:
        ValueError: for any other name.

    Example:
        >>> from pygrad.nn import init
        >>> init.calculate_gain("tanh")
        1.6666666666666667
    """
    linear = ("linear", "sigmoid", "conv1d", "conv2d", "conv3d")
    transposed = ("conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
    if nonlinearity in linear or nonlinearity in transposed:
        return 1.0
    if nonlinearity == "tanh":
        return 5.0 / 3
    if nonlinearity == "relu":
        return math.sqrt(2.0)
    if nonlinearity == "leaky_relu":
        if param is None:
            slope = 0.01
        elif isinstance(param, (int, float)) and not isinstance(param, bool):
            slope = float(param)
        else:
            raise ValueError(f"negative_slope {param} not a valid number")
        return math.sqrt(2.0 / (1 + slope**2))
    if nonlinearity == "selu":
        return 3.0 / 4
    raise ValueError(f"Unsupported nonlinearity {nonlinearity}")


def uniform_(
    tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Fill with numbers drawn evenly from ``[a, b)``."""
    return _quietly(lambda: tensor.uniform_(a, b, generator=generator))


def normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Fill with numbers of a normal distribution."""
    return _quietly(lambda: tensor.normal_(mean, std, generator=generator))


def trunc_normal_(
    tensor: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Generator | None = None,
) -> Tensor:
    """Fill with numbers of a normal distribution cut off at ``a`` and ``b``.

    One uniform number per element goes through the inverse of the distribution function.
    """
    if mean < a - 2 * std or mean > b + 2 * std:
        import warnings

        warnings.warn(
            f"trunc_normal_(): mean {mean} is more than 2 std from [{a}, {b}]; the distribution of"
            " values may be incorrect",
            stacklevel=2,
        )

    def below(x: float) -> float:
        return (1.0 + math.erf((x - mean) / std / math.sqrt(2.0))) / 2.0

    def fill() -> Tensor:
        tensor.uniform_(2 * below(a) - 1, 2 * below(b) - 1, generator=generator)
        tensor.erfinv_().mul_(std * math.sqrt(2.0)).add_(mean)
        return tensor.clamp_(min=a, max=b)

    return _quietly(fill)


def constant_(tensor: Tensor, val: float) -> Tensor:
    """Fill with ``val``."""
    return _quietly(tensor.fill_, val)


def ones_(tensor: Tensor) -> Tensor:
    """Fill with 1."""
    return constant_(tensor, 1.0)


def zeros_(tensor: Tensor) -> Tensor:
    """Fill with 0."""
    return constant_(tensor, 0.0)


def eye_(tensor: Tensor) -> Tensor:
    """Make a matrix the identity.

    Raises:
        ValueError: if ``tensor`` is not 2-D.
    """
    if tensor.dim() != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    identity = ops.eye(*tensor.shape, dtype=tensor.dtype, device=tensor.device)
    return _quietly(tensor.copy_, identity)


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """Make a convolution's weight pass its input through: 1 in the middle of each kernel.

    Raises:
        ValueError: if ``tensor`` is not 3-, 4- or 5-D or its first size is no multiple of groups.
    """
    if tensor.dim() not in (3, 4, 5):
        raise ValueError("Only tensors with 3, 4, or 5 dimensions are supported")
    shape = tensor.shape
    if shape[0] % groups:
        raise ValueError("dim 0 must be divisible by groups")
    each = shape[0] // groups
    centre = tuple(n // 2 for n in shape[2:])

    def fill() -> Tensor:
        tensor.zero_()
        for group in range(groups):
            for d in range(min(each, shape[1])):
                tensor[(group * each + d, d, *centre)] = 1
        return tensor

    return _quietly(fill)


def _calculate_fan_in_and_fan_out(tensor: Tensor) -> tuple[int, int]:
    if tensor.dim() < 2:
        raise ValueError(
            "Fan in and fan out can not be computed for tensor with fewer than 2 dimensions"
        )
    field = math.prod(tensor.shape[2:])
    return tensor.shape[1] * field, tensor.shape[0] * field


def xavier_uniform_(
    tensor: Tensor, gain: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Fill evenly from ``+-gain * sqrt(6 / (fan_in + fan_out))`` (Glorot & Bengio, 2010)."""
    fan_in, fan_out = _calculate_fan_in_and_fan_out(tensor)
    bound = math.sqrt(3.0) * gain * math.sqrt(2.0 / (fan_in + fan_out))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill normally with std ``gain * sqrt(2 / (fan_in + fan_out))`` (Glorot & Bengio, 2010)."""
    fan_in, fan_out = _calculate_fan_in_and_fan_out(tensor)
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / (fan_in + fan_out)), generator)


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    mode = mode.lower()
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"Mode {mode} not supported, please use one of ['fan_in', 'fan_out']")
    fan_in, fan_out = _calculate_fan_in_and_fan_out(tensor)
    fan = fan_in if mode == "fan_in" else fan_out
    return calculate_gain(nonlinearity, a) / math.sqrt(fan)


def _nothing_to_fill(tensor: Tensor) -> bool:
    if 0 not in tensor.shape:
        return False
    import warnings

    warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=3)
    return True


def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Fill evenly from ``+-gain * sqrt(3 / fan)`` (He et al., 2015).

    Args:
        a: the negative slope of the leaky ReLU that follows.
        mode: 'fan_in' keeps the forward signal's size, 'fan_out' the backward one's.
    """
    if _nothing_to_fill(tensor):
        return tensor
    bound = math.sqrt(3.0) * _kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Fill normally with std ``gain / sqrt(fan)`` (He et al., 2015)."""
    if _nothing_to_fill(tensor):
        return tensor
    return normal_(tensor, 0.0, _kaiming_std(tensor, a, mode, nonlinearity), generator)


def orthogonal_(tensor: Tensor, gain: float = 1, generator: Generator | None = None) -> Tensor:
    """Make the rows, or the columns if they are fewer, orthonormal (Saxe et al., 2013).

    Dimensions after the first are flattened.

    Raises:
        ValueError: if ``tensor`` has fewer than 2 dimensions.
    """
    if tensor.dim() < 2:
        raise ValueError("Only tensors with 2 or more dimensions are supported")
    if tensor.numel() == 0:
        return tensor
    rows = tensor.shape[0]
    columns = tensor.numel() // rows

    def fill() -> Tensor:
        random = tensor.new_empty((rows, columns)).normal_(0, 1, generator=generator)
        tall = random if rows >= columns else random.t()
        basis = _gram_schmidt(tall.double())
        flat = basis if rows >= columns else basis.t()
        return tensor.copy_(flat.reshape(tensor.shape)).mul_(gain)

    return _quietly(fill)


def _gram_schmidt(matrix: Tensor) -> Tensor:
    """Q of the QR decomposition whose R has a positive diagonal.

    Classical Gram-Schmidt, every column projected twice: "twice is enough" (Kahan) for
    orthogonality to rounding error.
    """
    basis = ops.zeros_like(matrix)
    for j in range(matrix.shape[1]):
        column = matrix[:, j]
        if j:
            done = basis[:, :j]
            for _ in range(2):
                column = column - done.matmul(done.t().matmul(column))
        basis[:, j] = column / column.norm()
    return basis


def sparse_(
    tensor: Tensor, sparsity: float, std: float = 0.01, generator: Generator | None = None
) -> Tensor:
    """Fill normally, then set the share ``sparsity`` of every column to 0 (Martens, 2010)."""
    if tensor.dim() != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    rows, columns = tensor.shape
    zeros = math.ceil(sparsity * rows)

    def fill() -> Tensor:
        tensor.normal_(0, std, generator=generator)
        for j in range(columns):
            picked = ops.randperm(rows)[:zeros].to(tensor.device)
            tensor[picked, j] = 0
        return tensor

    return _quietly(fill)


def _deprecated(new: Callable[..., Tensor]) -> Callable[..., Tensor]:
    old = new.__name__[:-1]

    def call(*args: Any, **kwargs: Any) -> Tensor:
        import warnings

        warnings.warn(
            f"`nn.init.{old}` is now deprecated in favor of `nn.init.{new.__name__}`.",
            FutureWarning,
            stacklevel=2,
        )
        return new(*args, **kwargs)

    call.__name__ = old
    call.__doc__ = f"The older name of :func:`{new.__name__}`."
    return call


uniform = _deprecated(uniform_)
normal = _deprecated(normal_)
constant = _deprecated(constant_)
eye = _deprecated(eye_)
dirac = _deprecated(dirac_)
xavier_uniform = _deprecated(xavier_uniform_)
xavier_normal = _deprecated(xavier_normal_)
kaiming_uniform = _deprecated(kaiming_uniform_)
kaiming_normal = _deprecated(kaiming_normal_)
orthogonal = _deprecated(orthogonal_)
sparse = _deprecated(sparse_)
