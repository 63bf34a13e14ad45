"""Pooling."""

from __future__ import annotations

from pygrad._C import Tensor, ops
from pygrad.nn._sizes import as_tuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    Ints = int | Sequence[int]


def _max_pool(
    op: Any,
    input: Tensor,
    kernel_size: Ints,
    stride: Ints | None,
    padding: Ints,
    dilation: Ints,
    ceil_mode: bool,
    return_indices: bool,
) -> Any:
    if stride is None or stride == []:
        stride = kernel_size
    out, indices = op(input, kernel_size, stride, padding, dilation, ceil_mode)
    return (out, indices) if return_indices else out


def max_pool1d(
    input: Tensor,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    dilation: Ints = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """Largest value of each window of ``(N, C, L)``; with ``return_indices`` also where it was."""
    return _max_pool(
        ops.max_pool1d_with_indices,
        input, kernel_size, stride, padding, dilation, ceil_mode, return_indices,
    )  # fmt: skip


def max_pool2d(
    input: Tensor,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    dilation: Ints = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """Largest value of each window of ``(N, C, H, W)``; with ``return_indices`` also where it was.

    Args:
        kernel_size: size of the window.
        stride: step of the window; ``kernel_size`` when missing.
        padding: minus infinity on each side, at most half the kernel.
        ceil_mode: whether a last window that sticks out counts.

    Example:
        >>> import pygrad
        >>> pygrad.nn.functional.max_pool2d(pygrad.ones(1, 1, 4, 4), 2).shape
        torch.Size([1, 1, 2, 2])
    """
    return _max_pool(
        ops.max_pool2d_with_indices,
        input, kernel_size, stride, padding, dilation, ceil_mode, return_indices,
    )  # fmt: skip


def max_pool3d(
    input: Tensor,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    dilation: Ints = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """Largest value of each window of ``(N, C, D, H, W)``."""
    return _max_pool(
        ops.max_pool3d_with_indices,
        input, kernel_size, stride, padding, dilation, ceil_mode, return_indices,
    )  # fmt: skip


def max_pool1d_with_indices(*args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
    """:func:`max_pool1d` that returns the indices too."""
    pair: tuple[Tensor, Tensor] = max_pool1d(*args, **{**kwargs, "return_indices": True})
    return pair


def max_pool2d_with_indices(*args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
    """:func:`max_pool2d` that returns the indices too."""
    pair: tuple[Tensor, Tensor] = max_pool2d(*args, **{**kwargs, "return_indices": True})
    return pair


def max_pool3d_with_indices(*args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
    """:func:`max_pool3d` that returns the indices too."""
    pair: tuple[Tensor, Tensor] = max_pool3d(*args, **{**kwargs, "return_indices": True})
    return pair


def avg_pool1d(
    input: Tensor,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """Mean of each window of ``(N, C, L)``."""
    stride = kernel_size if stride is None or stride == [] else stride
    return ops.avg_pool1d(input, kernel_size, stride, padding, ceil_mode, count_include_pad)


def avg_pool2d(
    input: Tensor,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """Mean of each window of ``(N, C, H, W)``.

    Args:
        count_include_pad: whether padding counts in the mean.
        divisor_override: what to divide by instead of the window's size.
    """
    stride = kernel_size if stride is None or stride == [] else stride
    return ops.avg_pool2d(
        input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
    )


def avg_pool3d(
    input: Tensor,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """Mean of each window of ``(N, C, D, H, W)``."""
    stride = kernel_size if stride is None or stride == [] else stride
    return ops.avg_pool3d(
        input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
    )


def _output_size(input: Tensor, output_size: Any, n: int) -> list[int]:
    """Fill in ``None`` entries, which mean "as in the input"."""
    sizes = as_tuple(output_size, n, "output_size")
    return [
        have if want is None else want for want, have in zip(sizes, input.shape[-n:], strict=False)
    ]


def adaptive_avg_pool1d(input: Tensor, output_size: Any) -> Tensor:
    """Mean over as many even windows as ``output_size`` says."""
    return ops.adaptive_avg_pool1d(input, _output_size(input, output_size, 1))


def adaptive_avg_pool2d(input: Tensor, output_size: Any) -> Tensor:
    """Mean over a grid of even windows of the last two dimensions.

    Args:
        output_size: height and width of the grid; ``None`` entries keep the input's.
    """
    return ops.adaptive_avg_pool2d(input, _output_size(input, output_size, 2))


def adaptive_avg_pool3d(input: Tensor, output_size: Any) -> Tensor:
    """Mean over a grid of even windows of the last three dimensions."""
    return ops.adaptive_avg_pool3d(input, _output_size(input, output_size, 3))


def adaptive_max_pool2d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """Largest value over a grid of even windows of the last two dimensions."""
    out, indices = ops.adaptive_max_pool2d(input, _output_size(input, output_size, 2))
    return (out, indices) if return_indices else out


def adaptive_max_pool1d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """Largest value over as many even windows as ``output_size`` says."""
    out, indices = ops.adaptive_max_pool1d(input, _output_size(input, output_size, 1))
    return (out, indices) if return_indices else out


def adaptive_max_pool3d(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
    """Largest value over a grid of even windows of the last three dimensions."""
    out, indices = ops.adaptive_max_pool3d(input, _output_size(input, output_size, 3))
    return (out, indices) if return_indices else out


def lp_pool1d(
    input: Tensor,
    norm_type: float,
    kernel_size: Ints,
    stride: Ints | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """``norm_type``-norm of each window of ``(N, C, L)``."""
    size = as_tuple(kernel_size, 1)[0]
    mean = avg_pool1d(input.pow(norm_type), kernel_size, stride, 0, ceil_mode)
    return (mean.sign() * mean.abs().relu() * size).pow(1.0 / norm_type)


def lp_pool2d(
    input: Tensor,
    norm_type: float,
    kernel_size: Ints,
    stride: Ints | None = None,
    ceil_mode: bool = False,
) -> Tensor:
    """``norm_type``-norm of each window of ``(N, C, H, W)``."""
    high, wide = as_tuple(kernel_size, 2)
    mean = avg_pool2d(input.pow(norm_type), kernel_size, stride, 0, ceil_mode)
    return (mean.sign() * mean.abs().relu() * (high * wide)).pow(1.0 / norm_type)
