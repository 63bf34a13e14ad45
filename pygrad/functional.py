"""Functions composed of registry operations: einsum, meshgrid, splits, stacks and their like.

`FUNCTIONS` maps their names to them; a name that the native registry has too is served natively.
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
    dist,
    isin,
    kron,
    norm,
    quantile,
    std_mean,
    take_along_dim,
    trapezoid,
    vander,
    var_mean,
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
    column_stack,
    combinations,
    dsplit,
    dstack,
    fliplr,
    flipud,
    hsplit,
    hstack,
    meshgrid,
    rot90,
    split,
    tensor_split,
    tril_indices,
    triu_indices,
    unravel_index,
    vsplit,
    vstack,
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
    column_stack,
    combinations,
    corrcoef,
    cov,
    cross,
    cumulative_trapezoid,
    diff,
    dist,
    dsplit,
    dstack,
    einsum,
    fliplr,
    flipud,
    hsplit,
    hstack,
    isin,
    kron,
    meshgrid,
    norm,
    quantile,
    rot90,
    split,
    std_mean,
    take_along_dim,
    tensor_split,
    tensordot,
    trapezoid,
    tril_indices,
    triu_indices,
    unravel_index,
    vander,
    var_mean,
    vsplit,
    vstack,
)

FUNCTIONS: dict[str, Callable[..., Any]] = {f.__name__: f for f in _ALL}
FUNCTIONS["row_stack"] = vstack
FUNCTIONS["trapz"] = trapezoid
