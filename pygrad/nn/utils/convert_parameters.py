"""All parameters as one vector, and back."""

from __future__ import annotations

from pygrad._C import Tensor, ops

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """Return all parameters, flattened, one after the other."""
    return ops.cat([param.reshape(-1) for param in parameters])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Make parts of ``vec`` the parameters' data: the inverse of :func:`parameters_to_vector`.

    Raises:
        TypeError: if ``vec`` is not a Tensor.
        ValueError: if ``vec`` has fewer entries than the parameters.
    """
    if not isinstance(vec, Tensor):
        raise TypeError(f"vector_to_parameters(): vec is {type(vec).__name__}; expected a Tensor")
    parameters = list(parameters)
    needed = sum(param.numel() for param in parameters)
    if vec.numel() < needed:
        raise ValueError(
            f"vector_to_parameters(): vec has {vec.numel()} entries; the parameters need {needed}"
        )
    start = 0
    for param in parameters:
        count = param.numel()
        param.data = vec.detach()[start : start + count].reshape(param.shape)
        start += count
