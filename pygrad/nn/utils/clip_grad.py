"""Clipping of gradients."""

from __future__ import annotations

import math

from pygrad._C import Tensor, ops, tensor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def _gradients(parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    if isinstance(parameters, Tensor):
        parameters = [parameters]
    return [p.grad for p in parameters if p.grad is not None]


def get_total_norm(
    tensors: Tensor | Iterable[Tensor],
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Return the norm of all tensors as if they were one vector.

    Raises:
        RuntimeError: with ``error_if_nonfinite``, if it is infinite or NaN.
    """
    tensors = [tensors] if isinstance(tensors, Tensor) else list(tensors)
    norm_type = float(norm_type)
    if not tensors:
        return tensor(0.0)
    with_device = tensors[0].device
    norms = ops.stack([t.norm(norm_type).to(with_device) for t in tensors])
    total = norms.norm(norm_type)
    _check_finite(total, norm_type, error_if_nonfinite)
    return total


def _check_finite(total: Tensor, norm_type: float, wanted: bool) -> None:
    if wanted and not math.isfinite(float(total)):
        raise RuntimeError(
            f"The total norm of order {norm_type} for gradients from `parameters` is non-finite"
            f" ({float(total)}), so it cannot be clipped. To disable this error and scale the"
            " gradients by the non-finite norm anyway, set `error_if_nonfinite=False`"
        )


def clip_grads_with_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    total_norm: Tensor,
    foreach: bool | None = None,
) -> None:
    """Scale gradients by ``max_norm / total_norm`` if that is below 1."""
    _scale_down(_gradients(parameters), max_norm, total_norm)


def _scale_down(grads: list[Tensor], max_norm: float, total_norm: Tensor) -> None:
    from pygrad.autograd.grad_mode import no_grad

    with no_grad():
        scale = (float(max_norm) / (total_norm + 1e-6)).clamp(max=1.0)
        for grad in grads:
            grad.mul_(scale.to(grad.device))


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scale all gradients, in place, so that their norm as one vector is at most ``max_norm``.

    Args:
        parameters: the parameters whose gradients are meant.
        max_norm: the largest norm allowed.
        norm_type: order of the norm; may be ``inf``.
        error_if_nonfinite: whether an infinite or NaN norm is an error.

    Returns:
        The norm before clipping.

    Example:
        >>> import pygrad
        >>> p = pygrad.nn.Parameter(pygrad.zeros(2))
        >>> p.grad = pygrad.tensor([3.0, 4.0])
        >>> pygrad.nn.utils.clip_grad_norm_([p], 1.0)
        tensor(5.)
    """
    from pygrad.autograd.grad_mode import no_grad

    grads = _gradients(parameters)
    if not grads:
        return tensor(0.0)
    with no_grad():
        if error_if_nonfinite:  # look before anything is changed
            total = get_total_norm(grads, norm_type, True)
            _scale_down(grads, max_norm, total)
            return total
        return ops.clip_grad_norm(grads, float(max_norm), float(norm_type))


def clip_grad_value_(
    parameters: Tensor | Iterable[Tensor], clip_value: float, foreach: bool | None = None
) -> None:
    """Cut every entry of the gradients off at ``+-clip_value``, in place."""
    from pygrad.autograd.grad_mode import no_grad

    clip_value = float(clip_value)
    with no_grad():
        for grad in _gradients(parameters):
            grad.clamp_(min=-clip_value, max=clip_value)
