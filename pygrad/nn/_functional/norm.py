"""Normalisation."""

from __future__ import annotations

from pygrad._C import Tensor, ops

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def _check_batch_size(name: str, shape: Sequence[int]) -> None:
    """A variance over a single value is 0: refuse to train on it."""
    count = shape[0] if shape else 1
    for n in shape[2:]:
        count *= n
    if count == 1:
        raise ValueError(
            f"{name}(): Expected more than 1 value per channel when training, got input size"
            f" {tuple(shape)}"
        )


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Normalise each channel over the batch: ``(x - mean) / sqrt(var + eps) * weight + bias``.

    Args:
        input: shape ``(N, C, *)``.
        running_mean, running_var: shape ``(C,)``; used in evaluation, updated in training.
        weight, bias: shape ``(C,)``.
        training: whether to use the statistics of this batch.
        momentum: weight of this batch in the running statistics.
        eps: added to the variance.

    Raises:
        ValueError: if training with a single value per channel.
    """
    if training:
        _check_batch_size("batch_norm", input.shape)
    return ops.batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps)


def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Normalise each channel of each sample by itself.

    Args:
        input: shape ``(N, C, *)``.
        use_input_stats: whether to use the sample's statistics or the running ones.
    """
    if not use_input_stats:
        return ops.batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    shape = input.shape
    batch, channels = shape[0], shape[1]
    spatial = 1
    for n in shape[2:]:
        spatial *= n
    if spatial == 1:
        raise ValueError(
            f"instance_norm(): Expected more than 1 spatial element when training, got input size"
            f" {tuple(shape)}"
        )
    # Every (sample, channel) pair is a channel of one big sample.
    mean = running_mean.repeat(batch) if running_mean is not None else None
    var = running_var.repeat(batch) if running_var is not None else None
    flat = input.reshape(1, batch * channels, *shape[2:])
    out = ops.batch_norm(
        flat,
        mean,
        var,
        weight.repeat(batch) if weight is not None else None,
        bias.repeat(batch) if bias is not None else None,
        True,
        momentum,
        eps,
    )
    if running_mean is not None and mean is not None:
        running_mean.copy_(mean.reshape(batch, channels).mean(0))
    if running_var is not None and var is not None:
        running_var.copy_(var.reshape(batch, channels).mean(0))
    return out.reshape(shape)


def layer_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Normalise over the last dimensions, whose sizes are ``normalized_shape``.

    Args:
        input: shape ``(*, *normalized_shape)``.
        weight, bias: shape ``normalized_shape``.

    Example:
        >>> import pygrad
        >>> pygrad.nn.functional.layer_norm(pygrad.ones(2, 3), (3,))
        tensor([[0., 0., 0.],
                [0., 0., 0.]])
    """
    return ops.layer_norm(input, normalized_shape, weight, bias, eps)


def rms_norm(
    input: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    eps: float | None = None,
) -> Tensor:
    """Divide by the root mean square over the last dimensions; ``eps`` defaults to the dtype's."""
    return ops.rms_norm(input, normalized_shape, weight, eps)


def group_norm(
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Normalise each sample over groups of channels.

    Args:
        input: shape ``(N, C, *)``.
        num_groups: a divisor of ``C``.
        weight, bias: shape ``(C,)``.
    """
    if input.dim() < 2:
        raise RuntimeError(
            f"group_norm(): Expected at least 2 dimensions for input tensor but received"
            f" {input.dim()}"
        )
    shape = input.shape
    if num_groups > 0:
        _check_batch_size("group_norm", [shape[0] * shape[1] // num_groups, num_groups, *shape[2:]])
    return ops.group_norm(input, num_groups, weight, bias, eps)


def local_response_norm(
    input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Tensor:
    """Divide by ``(k + alpha * mean of squares over size neighbouring channels) ** beta``."""
    if input.dim() < 3:
        raise ValueError(
            f"local_response_norm(): input is {input.dim()}-D; expected (N, C, *) with 3 or more"
        )
    if input.numel() == 0:
        return input
    channels = input.shape[1]
    squares = (input * input).reshape(input.shape[0], 1, channels, -1)
    padded = ops.pad(squares, [0, 0, size // 2, (size - 1) // 2], "constant", 0)
    mean = ops.avg_pool2d(padded, [size, 1], [1, 1], [0, 0], False, True, None)
    return input / (mean.reshape(input.shape) * alpha + k).pow(beta)


def normalize(
    input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12, out: Tensor | None = None
) -> Tensor:
    """Return ``input / max(norm of order p along dim, eps)``."""
    length = input.norm(p, dim, keepdim=True).clamp_min(eps)
    result = input / length
    return result if out is None else out.copy_(result)
