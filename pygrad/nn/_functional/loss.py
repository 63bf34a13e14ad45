"""Losses of classification and regression."""

from __future__ import annotations

from pygrad._C import Tensor, ops
from pygrad.nn._functional._broadcast import broadcast_pair

REDUCTIONS = {"none": 0, "mean": 1, "sum": 2}


def reduction_code(
    name: str, reduction: str, size_average: bool | None = None, reduce: bool | None = None
) -> int:
    """Return the number of a reduction; the two older flags, if given, decide instead."""
    if size_average is not None or reduce is not None:
        import warnings

        reduction = "none" if reduce is False else "sum" if size_average is False else "mean"
        warnings.warn(
            f"{name}(): size_average and reduce are deprecated; use reduction={reduction!r}",
            stacklevel=3,
        )
    code = REDUCTIONS.get(reduction)
    if code is None:
        raise ValueError(f"{name}(): reduction is {reduction!r}; expected 'none', 'mean' or 'sum'")
    return code


def reduced(loss: Tensor, code: int) -> Tensor:
    """Apply a reduction to losses that have one entry per element."""
    return loss if code == 0 else loss.mean() if code == 1 else loss.sum()


def _warn_sizes(name: str, input: Tensor, target: Tensor) -> None:
    if target.shape != input.shape:
        import warnings

        warnings.warn(
            f"{name}(): Using a target size {tuple(target.shape)} that is different to the input"
            f" size {tuple(input.shape)}. This will likely lead to incorrect results due to"
            " broadcasting. Please ensure they have the same size",
            stacklevel=3,
        )


def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """Return ``(input - target) ** 2``, reduced; ``weight`` multiplies it elementwise.

    Example:
        >>> import pygrad
        >>> pygrad.nn.functional.mse_loss(pygrad.zeros(2), pygrad.ones(2))
        tensor(1.)
    """
    _warn_sizes("mse_loss", input, target)
    code = reduction_code("mse_loss", reduction, size_average, reduce)
    input, target = broadcast_pair(input, target)
    if weight is not None:
        return _weighted(ops.mse_loss(input, target, 0), weight, code)
    return ops.mse_loss(input, target, code)


def _weighted(loss: Tensor, weight: Tensor, code: int) -> Tensor:
    """Weighted sum; the mean divides by the sum of the weights."""
    if weight.shape != loss.shape:
        raise ValueError(
            f"weight {tuple(weight.shape)} and input {tuple(loss.shape)} must have the same size"
        )
    loss = loss * weight
    return loss.sum() / weight.sum() if code == 1 else reduced(loss, code)


def l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """Return ``|input - target|``, reduced."""
    _warn_sizes("l1_loss", input, target)
    code = reduction_code("l1_loss", reduction, size_average, reduce)
    input, target = broadcast_pair(input, target)
    if weight is not None:
        return _weighted(ops.l1_loss(input, target, 0), weight, code)
    return ops.l1_loss(input, target, code)


def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """Return ``d**2 / (2 * beta)`` where ``d = |input - target| < beta``, else ``d - beta / 2``."""
    _warn_sizes("smooth_l1_loss", input, target)
    code = reduction_code("smooth_l1_loss", reduction, size_average, reduce)
    input, target = broadcast_pair(input, target)
    if beta == 0.0:
        return ops.l1_loss(input, target, code)
    return ops.smooth_l1_loss(input, target, code, beta)


def huber_loss(
    input: Tensor,
    target: Tensor,
    reduction: str = "mean",
    delta: float = 1.0,
    weight: Tensor | None = None,
) -> Tensor:
    """Return ``d**2 / 2`` where ``d = |input-target| <= delta``, else ``delta * (d - delta/2)``."""
    _warn_sizes("huber_loss", input, target)
    code = reduction_code("huber_loss", reduction)
    input, target = broadcast_pair(input, target)
    if weight is not None:
        return _weighted(ops.huber_loss(input, target, 0, delta), weight, code)
    return ops.huber_loss(input, target, code, delta)


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """Return the cross entropy between logits and classes: ``-log(softmax(input)[target])``.

    Args:
        input: logits, shape ``(C,)``, ``(N, C)`` or ``(N, C, *)``.
        target: class numbers of shape ``()``, ``(N,)`` or ``(N, *)``, or probabilities of
            ``input``'s shape.
        weight: a factor per class, shape ``(C,)``.
        ignore_index: a class number that counts for nothing.
        label_smoothing: share of the target spread evenly over all classes, in 0..1.

    Raises:
        IndexError: if a class number is not below ``C``.

    Example:
        >>> import pygrad
        >>> pygrad.nn.functional.cross_entropy(pygrad.zeros(1, 2), pygrad.tensor([0]))
        tensor(0.6931)
    """
    code = reduction_code("cross_entropy", reduction, size_average, reduce)
    return ops.cross_entropy(input, target, weight, code, ignore_index, label_smoothing)


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Return ``-weight[target] * input[target]`` of log probabilities, reduced.

    Args:
        input: log probabilities, shape ``(C,)``, ``(N, C)`` or ``(N, C, *)``.
        target: class numbers of shape ``()``, ``(N,)`` or ``(N, *)``.
    """
    code = reduction_code("nll_loss", reduction, size_average, reduce)
    return ops.nll_loss(input, target, weight, code, ignore_index)


def _same_size(name: str, input: Tensor, target: Tensor) -> None:
    if target.shape != input.shape:
        raise ValueError(
            f"{name}(): target size {tuple(target.shape)} is different to the input size"
            f" {tuple(input.shape)}; expected them equal. Did you mean target.unsqueeze(-1), or"
            " input.squeeze(-1)?"
        )


def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Return ``-(t * log(p) + (1 - t) * log(1 - p))`` of probabilities, reduced.

    Raises:
        ValueError: if the sizes differ.
    """
    code = reduction_code("binary_cross_entropy", reduction, size_average, reduce)
    _same_size("binary_cross_entropy", input, target)
    if weight is not None:
        weight = weight.expand(input.shape)
    return ops.binary_cross_entropy(input, target, weight, code)


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """Return :func:`binary_cross_entropy` of ``sigmoid(input)`` without overflow.

    Args:
        pos_weight: factor of the positive answers, broadcast against ``target``.

    Raises:
        ValueError: if the sizes differ.
    """
    code = reduction_code("binary_cross_entropy_with_logits", reduction, size_average, reduce)
    _same_size("binary_cross_entropy_with_logits", input, target)
    return ops.binary_cross_entropy_with_logits(input, target, weight, pos_weight, code)


def kl_div(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:
    """Return ``target * (log(target) - input)``, reduced; ``input`` holds log probabilities.

    ``reduction='batchmean'`` divides the sum by the batch size: the mathematical divergence.
    """
    if reduction == "batchmean":
        total = ops.kl_div(input, target, REDUCTIONS["sum"], log_target=log_target)
        return total / input.shape[0] if input.dim() else total
    code = reduction_code("kl_div", reduction, size_average, reduce)
    if code == 1:
        import warnings

        warnings.warn(
            "kl_div(): reduction='mean' divides by the number of elements, not by the batch size;"
            " use 'batchmean' for the KL divergence",
            stacklevel=2,
        )
    return ops.kl_div(input, target, code, log_target=log_target)


def poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    size_average: bool | None = None,
    eps: float = 1e-8,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Return ``exp(input) - target * input`` (``log_input``) or ``input - target * log(input)``.

    ``full`` adds Stirling's approximation of ``log(target!)`` where ``target > 1``.
    """
    code = reduction_code("poisson_nll_loss", reduction, size_average, reduce)
    if log_input:
        loss = input.exp() - target * input
    else:
        loss = input - target * (input + eps).log()
    if full:
        stirling = target * target.log() - target + 0.5 * (target * (2 * 3.141592653589793)).log()
        loss = loss + stirling.masked_fill(target <= 1, 0)
    return reduced(loss, code)


def gaussian_nll_loss(
    input: Tensor,
    target: Tensor,
    var: Tensor | float,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Tensor:
    """Return ``(log(max(var, eps)) + (input - target)**2 / max(var, eps)) / 2``, reduced.

    Raises:
        ValueError: if ``var`` has a negative entry or a size that does not fit ``input``.
    """
    code = reduction_code("gaussian_nll_loss", reduction)
    if isinstance(var, (int, float)):
        if var < 0:
            raise ValueError("var has negative entry/entries")
        var = ops.full_like(input.detach(), var)
    elif bool((var < 0).any()):
        raise ValueError("var has negative entry/entries")
    if var.shape != input.shape:
        if var.shape == input.shape[:-1]:
            var = var.unsqueeze(-1)
        elif var.shape[:-1] != input.shape[:-1] or var.shape[-1] != 1:
            raise ValueError(
                f"gaussian_nll_loss(): var is of incorrect size {tuple(var.shape)} for input"
                f" {tuple(input.shape)}"
            )
    # The floor on the variance takes no part in its gradient.
    floored = var + (var.detach().clamp(min=eps) - var.detach())
    loss = 0.5 * (floored.log() + (input - target) ** 2 / floored)
    if full:
        loss = loss + 0.5 * 1.8378770664093453  # log(2 * pi)
    return reduced(loss, code)
