"""Distances between vectors."""

from __future__ import annotations

from pygrad._C import Tensor, ops
from pygrad.nn._functional._broadcast import broadcast_pair


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """Return ``sum(x1 * x2) / (max(|x1|, eps) * max(|x2|, eps))`` along ``dim``.

    Args:
        x1, x2: shapes that broadcast to each other.

    Example:
        >>> import pygrad
        >>> x = pygrad.ones(1, 4)
        >>> pygrad.nn.functional.cosine_similarity(x, -x)
        tensor([-1.])
    """
    x1, x2 = broadcast_pair(x1, x2)
    first = x1 / x1.norm(2, dim, keepdim=True).clamp_min(eps)
    second = x2 / x2.norm(2, dim, keepdim=True).clamp_min(eps)
    return (first * second).sum(dim)


def pairwise_distance(
    x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False
) -> Tensor:
    """Return the ``p``-norm of ``x1 - x2 + eps`` over the last dimension."""
    return (x1 - x2 + eps).norm(p, -1, keepdim=keepdim)


def pdist(input: Tensor, p: float = 2.0) -> Tensor:
    """Return the ``p``-norm distances between every two rows of ``(N, M)``: ``N * (N - 1) / 2``."""
    if input.dim() != 2:
        raise RuntimeError(f"pdist(): input is {input.dim()}-D; expected 2-D (N, M)")
    n = input.shape[0]
    upper = ops.ones(n, n).triu(1).nonzero().to(input.device)
    return (input.index_select(0, upper[:, 0]) - input.index_select(0, upper[:, 1])).norm(p, -1)
