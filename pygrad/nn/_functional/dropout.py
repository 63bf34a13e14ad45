"""Dropout."""

from __future__ import annotations

from pygrad._C import Tensor, ops

# SELU's value at minus infinity: alpha dropout puts dropped entries there.
_SELU_FLOOR = -1.7580993408473766


def _check_probability(name: str, p: float) -> None:
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"{name}(): dropout probability is {p}; expected it between 0 and 1")


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Zero each entry with probability ``p`` and scale the rest by ``1 / (1 - p)``.

    Raises:
        ValueError: if ``p`` is not within 0..1.

    Example:
        >>> import pygrad
        >>> pygrad.nn.functional.dropout(pygrad.ones(2), training=False)
        tensor([1., 1.])
    """
    _check_probability("dropout", p)
    if inplace:
        return _drop(input, p, training, tuple(input.shape), True)
    return ops.dropout(input, p, training)


def _drop(
    input: Tensor, p: float, training: bool, mask_shape: tuple[int, ...], inplace: bool
) -> Tensor:
    """Multiply by a mask of the given (broadcasting) shape."""
    if not training or p == 0.0:
        return input
    mask = input.new_empty(mask_shape).bernoulli_(1 - p)
    if p < 1.0:
        mask = mask.div_(1 - p)
    return input.mul_(mask) if inplace else input * mask


def _drop_channels(
    name: str, input: Tensor, p: float, training: bool, inplace: bool, dims: tuple[int, ...]
) -> Tensor:
    _check_probability(name, p)
    if input.dim() not in dims:
        raise RuntimeError(
            f"{name}(): input is {input.dim()}-D, {tuple(input.shape)}; expected"
            f" {' or '.join(f'{d}-D' for d in dims)}"
        )
    # One draw for every (sample, channel); without a batch dimension the first one is the channel.
    lead = 2 if input.dim() == dims[-1] else 1
    shape = tuple(input.shape[:lead]) + (1,) * (input.dim() - lead)
    return _drop(input, p, training, shape, inplace)


def dropout1d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Zero whole channels of ``(N, C, L)`` or ``(C, L)`` with probability ``p``."""
    return _drop_channels("dropout1d", input, p, training, inplace, (2, 3))


def dropout2d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Zero whole channels of ``(N, C, H, W)`` with probability ``p``, or of ``(N, C, L)``."""
    _check_probability("dropout2d", p)
    if input.dim() < 2:
        raise RuntimeError(f"dropout2d(): input is {input.dim()}-D; expected (N, C, H, W)")
    shape = tuple(input.shape[:2]) + (1,) * (input.dim() - 2)
    return _drop(input, p, training, shape, inplace)


def dropout3d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Zero whole channels of ``(N, C, D, H, W)`` or ``(C, D, H, W)`` with probability ``p``."""
    return _drop_channels("dropout3d", input, p, training, inplace, (4, 5))


def _alpha_drop(
    input: Tensor, p: float, training: bool, mask_shape: tuple[int, ...], inplace: bool
) -> Tensor:
    if not training or p == 0.0:
        return input
    if p == 1.0:
        return input.mul_(0) if inplace else input * 0
    floor = _SELU_FLOOR
    scale = 1.0 / ((1 - p) * (1 + p * floor * floor)) ** 0.5
    keep = input.new_empty(mask_shape).bernoulli_(1 - p)
    # Kept: x * scale + shift; dropped: floor * scale + shift, with shift so that the mean stays 0.
    shift = (1 - keep) * (floor * scale) - scale * floor * p
    return input.mul_(keep * scale).add_(shift) if inplace else input * (keep * scale) + shift


def alpha_dropout(
    input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False
) -> Tensor:
    """Dropout that keeps mean 0 and variance 1 after :func:`selu`."""
    _check_probability("alpha_dropout", p)
    return _alpha_drop(input, p, training, tuple(input.shape), inplace)


def feature_alpha_dropout(
    input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False
) -> Tensor:
    """:func:`alpha_dropout` of whole channels."""
    _check_probability("feature_alpha_dropout", p)
    shape = tuple(input.shape[:2]) + (1,) * (input.dim() - 2)
    return _alpha_drop(input, p, training, shape, inplace)
