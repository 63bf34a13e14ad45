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
from pygrad._matrices import (
    cholesky,
    cholesky_inverse,
    cholesky_solve,
    det,
    inverse,
    logdet,
    matrix_exp,
    matrix_power,
    pinverse,
    qr,
    slogdet,
    svd,
    trace,
    triangular_solve,
)
from pygrad._parts import (
    as_strided_scatter,
    detach,
    detach_,
    diagonal_scatter,
    fill,
    fill_diagonal_,
    frexp,
    get_device,
    gradient,
    histogram,
    is_conj,
    is_distributed,
    is_neg,
    renorm,
    select_scatter,
    slice_scatter,
    unsafe_chunk,
    unsafe_split,
)
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
from pygrad._spectral import (
    bartlett_window,
    blackman_window,
    hamming_window,
    hann_window,
    istft,
    kaiser_window,
    stft,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_ALL: tuple[Callable[..., Any], ...] = (
    as_strided_scatter,
    bartlett_window,
    blackman_window,
    cholesky,
    cholesky_inverse,
    cholesky_solve,
    det,
    detach,
    detach_,
    diagonal_scatter,
    fill,
    fill_diagonal_,
    frexp,
    get_device,
    gradient,
    hamming_window,
    hann_window,
    histogram,
    inverse,
    is_conj,
    is_distributed,
    is_neg,
    istft,
    kaiser_window,
    logdet,
    matrix_exp,
    matrix_power,
    pinverse,
    qr,
    renorm,
    select_scatter,
    slice_scatter,
    slogdet,
    stft,
    svd,
    trace,
    triangular_solve,
    unsafe_chunk,
    unsafe_split,
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
