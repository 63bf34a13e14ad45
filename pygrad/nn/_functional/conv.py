"""Linear maps and convolutions."""

from __future__ import annotations

from pygrad._C import Tensor, ops
from pygrad.nn._sizes import as_tuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    Ints = int | Sequence[int]


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return ``input @ weight.T + bias``.

    Args:
        input: shape ``(*, in_features)``.
        weight: shape ``(out_features, in_features)`` or ``(in_features,)``.
        bias: shape ``(out_features,)``.

    Example:
        >>> import pygrad
        >>> pygrad.nn.functional.linear(pygrad.ones(2, 3), pygrad.ones(1, 3)).shape
        torch.Size([2, 1])
    """
    return ops.linear(input, weight, bias)


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return ``y[.., k] = input1[.., i] * weight[k, i, j] * input2[.., j] + bias[k]``.

    Args:
        input1: shape ``(*, in1)``.
        input2: shape ``(*, in2)`` with the same leading dimensions.
        weight: shape ``(out, in1, in2)``.
        bias: shape ``(out,)``.
    """
    if input1.shape[:-1] != input2.shape[:-1]:
        raise RuntimeError(
            f"bilinear(): leading dimensions differ: input1 {tuple(input1.shape)}, input2"
            f" {tuple(input2.shape)}; expected them equal"
        )
    out, in1, in2 = weight.shape
    if input1.shape[-1] != in1 or input2.shape[-1] != in2:
        raise RuntimeError(
            f"bilinear(): last dimensions are {input1.shape[-1]} and {input2.shape[-1]}; weight"
            f" {tuple(weight.shape)} expects {in1} and {in2}"
        )
    lead = tuple(input1.shape[:-1])
    first = input1.reshape(-1, in1)
    second = input2.reshape(-1, in2)
    # (rows, in1) @ (in1, out * in2), then the sum over in2.
    inner = first.matmul(weight.permute(1, 0, 2).reshape(in1, out * in2)).reshape(-1, out, in2)
    result = (inner * second.unsqueeze(1)).sum(-1)
    if bias is not None:
        result = result + bias
    return result.reshape(*lead, out)


def same_padding(kernel: Sequence[int], dilation: Sequence[int]) -> list[int]:
    """Return the padding, in :func:`pad`'s order, that keeps the size; an odd one ends longer."""
    padding: list[int] = []
    for size, step in zip(reversed(kernel), reversed(dilation), strict=False):
        total = step * (size - 1)
        padding += [total // 2, total - total // 2]
    return padding


def _padded(
    name: str, input: Tensor, weight: Tensor, stride: Ints, padding: str, dilation: Ints
) -> tuple[Tensor, list[int]]:
    """Resolve ``padding='same'`` or ``'valid'`` to numbers, padding ``input`` itself if need be."""
    n = weight.dim() - 2
    if padding == "valid":
        return input, [0] * n
    if padding != "same":
        raise ValueError(f"{name}(): padding is {padding!r}; expected ints, 'same' or 'valid'")
    if any(step != 1 for step in as_tuple(stride, n)):
        raise RuntimeError(
            f"{name}(): padding='same' with stride {stride}; expected stride 1 for it"
        )
    sides = same_padding(weight.shape[2:], as_tuple(dilation, n))
    befores, afters = sides[0::2], sides[1::2]
    if befores == afters:
        return input, befores[::-1]
    return ops.pad(input, sides, "constant", 0), [0] * n


def conv1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Ints = 1,
    padding: Ints | str = 0,
    dilation: Ints = 1,
    groups: int = 1,
) -> Tensor:
    """1-D convolution (cross-correlation).

    Args:
        input: shape ``(N, C_in, L)`` or ``(C_in, L)``.
        weight: shape ``(C_out, C_in / groups, k)``.
        bias: shape ``(C_out,)``.
        padding: zeros on each side, or ``'same'`` or ``'valid'``.
    """
    if isinstance(padding, str):
        input, padding = _padded("conv1d", input, weight, stride, padding, dilation)
    return ops.conv1d(input, weight, bias, stride, padding, dilation, groups)


def conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Ints = 1,
    padding: Ints | str = 0,
    dilation: Ints = 1,
    groups: int = 1,
) -> Tensor:
    """2-D convolution (cross-correlation).

    Args:
        input: shape ``(N, C_in, H, W)`` or ``(C_in, H, W)``.
        weight: shape ``(C_out, C_in / groups, kH, kW)``.
        bias: shape ``(C_out,)``.
        padding: zeros on each side, or ``'same'`` or ``'valid'``.

    Example:
        >>> import pygrad
        >>> x, w = pygrad.ones(1, 3, 8, 8), pygrad.ones(4, 3, 3, 3)
        >>> pygrad.nn.functional.conv2d(x, w, padding="same").shape
        torch.Size([1, 4, 8, 8])
    """
    if isinstance(padding, str):
        input, padding = _padded("conv2d", input, weight, stride, padding, dilation)
    return ops.conv2d(input, weight, bias, stride, padding, dilation, groups)


def conv3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Ints = 1,
    padding: Ints | str = 0,
    dilation: Ints = 1,
    groups: int = 1,
) -> Tensor:
    """3-D convolution (cross-correlation).

    Args:
        input: shape ``(N, C_in, D, H, W)`` or ``(C_in, D, H, W)``.
        weight: shape ``(C_out, C_in / groups, kD, kH, kW)``.
        bias: shape ``(C_out,)``.
        padding: zeros on each side, or ``'same'`` or ``'valid'``.
    """
    if isinstance(padding, str):
        input, padding = _padded("conv3d", input, weight, stride, padding, dilation)
    return ops.conv3d(input, weight, bias, stride, padding, dilation, groups)


def conv_transpose1d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Ints = 1,
    padding: Ints = 0,
    output_padding: Ints = 0,
    groups: int = 1,
    dilation: Ints = 1,
) -> Tensor:
    """Transposed 1-D convolution; weight ``(C_in, C_out / groups, k)``."""
    return ops.conv_transpose1d(
        input, weight, bias, stride, padding, output_padding, groups, dilation
    )


def conv_transpose2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Ints = 1,
    padding: Ints = 0,
    output_padding: Ints = 0,
    groups: int = 1,
    dilation: Ints = 1,
) -> Tensor:
    """Transposed 2-D convolution; weight ``(C_in, C_out / groups, kH, kW)``."""
    return ops.conv_transpose2d(
        input, weight, bias, stride, padding, output_padding, groups, dilation
    )


def conv_transpose3d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Ints = 1,
    padding: Ints = 0,
    output_padding: Ints = 0,
    groups: int = 1,
    dilation: Ints = 1,
) -> Tensor:
    """Transposed 3-D convolution; weight ``(C_in, C_out / groups, kD, kH, kW)``."""
    return ops.conv_transpose3d(
        input, weight, bias, stride, padding, output_padding, groups, dilation
    )


def _windows(
    name: str, sizes: Sequence[int], kernel: Ints, dilation: Ints, padding: Ints, stride: Ints
) -> tuple[Tensor, tuple[int, int], tuple[int, int]]:
    """Flat positions, in the padded image, of every (kernel cell, window): ``(k * windows,)``."""
    kernel, dilation = as_tuple(kernel, 2), as_tuple(dilation, 2)
    padding, stride = as_tuple(padding, 2), as_tuple(stride, 2)
    padded = [sizes[i] + 2 * padding[i] for i in (0, 1)]
    counts = [(padded[i] - dilation[i] * (kernel[i] - 1) - 1) // stride[i] + 1 for i in (0, 1)]
    if min(counts) < 1:
        raise RuntimeError(
            f"{name}(): kernel {kernel} with dilation {dilation} is larger than the padded image"
            f" {tuple(padded)}; expected it to fit"
        )
    place = [
        ops.arange(kernel[i]).mul(dilation[i]).unsqueeze(1)
        + ops.arange(counts[i]).mul(stride[i]).unsqueeze(0)
        for i in (0, 1)
    ]
    rows = place[0].reshape(kernel[0], 1, counts[0], 1) * padded[1]
    index = rows + place[1].reshape(1, kernel[1], 1, counts[1])
    return index.reshape(-1), (padded[0], padded[1]), (counts[0], counts[1])


def unfold(
    input: Tensor, kernel_size: Ints, dilation: Ints = 1, padding: Ints = 0, stride: Ints = 1
) -> Tensor:
    """Return every sliding window as a column.

    Args:
        input: shape ``(N, C, H, W)`` or ``(C, H, W)``.

    Returns:
        Shape ``(N, C * kH * kW, windows)``.
    """
    if input.dim() not in (3, 4):
        raise RuntimeError(
            f"unfold(): input is {input.dim()}-D; expected (C, H, W) or (N, C, H, W)"
        )
    if input.dim() == 3:
        return unfold(input.unsqueeze(0), kernel_size, dilation, padding, stride).squeeze(0)
    index, _, counts = _windows("unfold", input.shape[-2:], kernel_size, dilation, padding, stride)
    high, wide = as_tuple(padding, 2)
    if high or wide:
        input = ops.pad(input, [wide, wide, high, high], "constant", 0)
    batch = input.shape[0]
    columns = input.flatten(2).index_select(2, index.to(input.device))
    return columns.reshape(batch, -1, counts[0] * counts[1])


def fold(
    input: Tensor,
    output_size: Ints,
    kernel_size: Ints,
    dilation: Ints = 1,
    padding: Ints = 0,
    stride: Ints = 1,
) -> Tensor:
    """Add columns of windows up into an image: the transpose of :func:`unfold`.

    Args:
        input: shape ``(N, C * kH * kW, windows)`` or without ``N``.
        output_size: height and width of the image.

    Returns:
        Shape ``(N, C, *output_size)``.
    """
    if input.dim() not in (2, 3):
        raise RuntimeError(f"fold(): input is {input.dim()}-D; expected 2-D or 3-D columns")
    if input.dim() == 2:
        one = fold(input.unsqueeze(0), output_size, kernel_size, dilation, padding, stride)
        return one.squeeze(0)
    size = as_tuple(output_size, 2)
    index, padded, counts = _windows("fold", size, kernel_size, dilation, padding, stride)
    cells = as_tuple(kernel_size, 2)[0] * as_tuple(kernel_size, 2)[1]
    batch, rows, windows = input.shape
    if rows % cells or windows != counts[0] * counts[1]:
        raise RuntimeError(
            f"fold(): input is {tuple(input.shape)}; expected (N, C * {cells},"
            f" {counts[0] * counts[1]}) for output size {size} and this kernel"
        )
    channels = rows // cells
    image = input.new_zeros((batch, channels, padded[0] * padded[1]))
    columns = input.reshape(batch, channels, -1)
    image = image.index_add(2, index.to(input.device), columns)
    image = image.reshape(batch, channels, *padded)
    high, wide = as_tuple(padding, 2)
    return image[:, :, high : high + size[0], wide : wide + size[1]]
