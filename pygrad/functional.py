"""Functions composed of registry operations: einsum, meshgrid, covariance and their like.

`FUNCTIONS` maps their names to them. No name stands in the native registry as well.
Gradients follow from the operations used.
"""

from __future__ import annotations

from pygrad._composed_math import (
    cdist,
    corrcoef,
    cov,
    cross,
    cumulative_trapezoid,
    diff,
    isin,
    trapezoid,
    vander,
)
from pygrad._einsum import chain_matmul, einsum, tensordot
from pygrad._shaping import (
    atleast_1d,
    atleast_2d,
    atleast_3d,
    block_diag,
    broadcast_shapes,
    broadcast_tensors,
    cartesian_prod,
    combinations,
    meshgrid,
    unravel_index,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_ALL: tuple[Callable[..., Any], ...] = (
    atleast_1d,
    atleast_2d,
    atleast_3d,
    block_diag,
    broadcast_shapes,
    broadcast_tensors,
    cartesian_prod,
    cdist,
    chain_matmul,
    combinations,
    corrcoef,
    cov,
    cross,
    cumulative_trapezoid,
    diff,
    einsum,
    isin,
    meshgrid,
    tensordot,
    trapezoid,
    unravel_index,
    vander,
)

FUNCTIONS: dict[str, Callable[..., Any]] = {f.__name__: f for f in _ALL}
FUNCTIONS["trapz"] = trapezoid
