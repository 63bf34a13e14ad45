"""Names of the graph's own types: `Node`, and what a script may do to a tensor's version."""

from __future__ import annotations

from pygrad import _C

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from pygrad._C import Tensor

__all__ = ["Node", "increment_version"]

Node = _C.Node


def increment_version(tensor: Tensor | Iterable[Tensor]) -> None:
    """Tell the tape that the data of `tensor` was changed behind its back, in place.

    Args:
        tensor: one tensor or several; a saved copy of any of them is refused in backward.

    Example:
        >>> import pygrad
        >>> x = pygrad.zeros(2)
        >>> pygrad.autograd.graph.increment_version(x)
        >>> x._version
        1
    """
    for t in (tensor,) if isinstance(tensor, _C.Tensor) else tensor:
        _C.increment_version(t)
