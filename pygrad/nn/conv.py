"""Convolution layers."""

from __future__ import annotations

import math

from pygrad._C import Tensor, ops
from pygrad.nn import functional as F
from pygrad.nn import init
from pygrad.nn._functional.conv import same_padding
from pygrad.nn._sizes import as_tuple, reversed_twice
from pygrad.nn.module import Module
from pygrad.nn.parameter import Parameter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    Ints = int | Sequence[int]

_PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


class _ConvNd(Module):
    """What all convolutions share: arguments, parameters, initialisation and printing."""

    _rank = 0
    transposed = False

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Ints,
        stride: Ints,
        padding: Ints | str,
        dilation: Ints,
        output_padding: Ints,
        groups: int,
        bias: bool,
        padding_mode: str,
        device: Any,
        dtype: Any,
    ) -> None:
        super().__init__()
        n = self._rank
        if groups <= 0:
            raise ValueError("groups must be a positive integer")
        if in_channels % groups:
            raise ValueError("in_channels must be divisible by groups")
        if out_channels % groups:
            raise ValueError("out_channels must be divisible by groups")
        if padding_mode not in _PADDING_MODES:
            raise ValueError(
                f"padding_mode must be one of {set(_PADDING_MODES)}, but got"
                f" padding_mode='{padding_mode}'"
            )
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = as_tuple(kernel_size, n, "kernel_size")
        self.stride = as_tuple(stride, n, "stride")
        self.dilation = as_tuple(dilation, n, "dilation")
        self.output_padding = as_tuple(output_padding, n, "output_padding")
        self.groups = groups
        self.padding_mode = padding_mode
        self.padding: Any
        if isinstance(padding, str):
            if padding not in ("same", "valid"):
                raise ValueError(
                    f"Invalid padding string {padding!r}, should be one of 'valid', 'same'"
                )
            if padding == "same" and any(step != 1 for step in self.stride):
                raise ValueError("padding='same' is not supported for strided convolutions")
            self.padding = padding
            same = padding == "same"
            sides = same_padding(self.kernel_size, self.dilation) if same else [0] * (2 * n)
        else:
            self.padding = as_tuple(padding, n, "padding")
            sides = reversed_twice(self.padding)
        self._padding_sides = sides
        first, second = (
            (in_channels, out_channels) if self.transposed else (out_channels, in_channels)
        )
        self.weight = Parameter(
            ops.empty(first, second // groups, *self.kernel_size, device=device, dtype=dtype)
        )
        if bias:
            self.bias = Parameter(ops.empty(out_channels, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new values, evenly from ``+-1 / sqrt(fan_in)``."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            fan_in, _ = init._calculate_fan_in_and_fan_out(self.weight)
            if fan_in != 0:
                bound = 1 / math.sqrt(fan_in)
                init.uniform_(self.bias, -bound, bound)

    def extra_repr(self) -> str:
        parts = [
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}",
            f"stride={self.stride}",
        ]
        n = self._rank
        if self.padding != (0,) * n:
            parts.append(f"padding={self.padding}")
        if self.dilation != (1,) * n:
            parts.append(f"dilation={self.dilation}")
        if self.output_padding != (0,) * n:
            parts.append(f"output_padding={self.output_padding}")
        if self.groups != 1:
            parts.append(f"groups={self.groups}")
        if self.bias is None:
            parts.append("bias=False")
        if self.padding_mode != "zeros":
            parts.append(f"padding_mode={self.padding_mode}")
        return ", ".join(parts)

    def _describe(self) -> str:
        size = "x".join(str(k) for k in self.kernel_size)
        return f"{self._get_name()} {self.in_channels}->{self.out_channels}, kernel {size}"


class _Conv(_ConvNd):
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Ints,
        stride: Ints = 1,
        padding: Ints | str = 0,
        dilation: Ints = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, 0, groups, bias,
            padding_mode, device, dtype,
        )  # fmt: skip

    def _conv_forward(self, op: Any, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        if self.padding_mode == "zeros":
            return op(input, weight, bias, self.stride, self.padding, self.dilation, self.groups)  # type: ignore[no-any-return]
        padded = F.pad(input, self._padding_sides, self.padding_mode)
        return op(padded, weight, bias, self.stride, 0, self.dilation, self.groups)  # type: ignore[no-any-return]


class Conv1d(_Conv):
    """1-D convolution over ``(N, C_in, L)`` or ``(C_in, L)``.

    Args:
        in_channels, out_channels: channels of input and output.
        kernel_size, stride, dilation: as in :func:`~pygrad.nn.functional.conv1d`.
        padding: added to both sides, or 'same' or 'valid'.
        groups: into how many separate convolutions the channels are split.
        bias: whether to add one per output channel.
        padding_mode: 'zeros', 'reflect', 'replicate' or 'circular'.
    """

    _rank = 1

    def forward(self, input: Tensor) -> Tensor:
        return self._conv_forward(F.conv1d, input, self.weight, self.bias)


class Conv2d(_Conv):
    """2-D convolution over ``(N, C_in, H, W)`` or ``(C_in, H, W)``.

    Args:
        in_channels, out_channels: channels of input and output.
        kernel_size, stride, dilation: an int, or one for height and one for width.
        padding: added to both sides, or 'same' or 'valid'.
        groups: into how many separate convolutions the channels are split.
        bias: whether to add one per output channel.
        padding_mode: 'zeros', 'reflect', 'replicate' or 'circular'.

    Example:
        >>> import pygrad
        >>> pygrad.nn.Conv2d(3, 8, 3, padding=1)(pygrad.ones(1, 3, 16, 16)).shape
        torch.Size([1, 8, 16, 16])
    """

    _rank = 2

    def forward(self, input: Tensor) -> Tensor:
        return self._conv_forward(F.conv2d, input, self.weight, self.bias)


class Conv3d(_Conv):
    """3-D convolution over ``(N, C_in, D, H, W)``; arguments as in :class:`Conv2d`."""

    _rank = 3

    def forward(self, input: Tensor) -> Tensor:
        return self._conv_forward(F.conv3d, input, self.weight, self.bias)


class _ConvTranspose(_ConvNd):
    transposed = True

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Ints,
        stride: Ints = 1,
        padding: Ints = 0,
        output_padding: Ints = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Ints = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if padding_mode != "zeros":
            raise ValueError(f'Only "zeros" padding mode is supported for {type(self).__name__}')
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, output_padding,
            groups, bias, padding_mode, device, dtype,
        )  # fmt: skip

    def _output_padding(self, input: Tensor, output_size: Sequence[int] | None) -> tuple[int, ...]:
        """The output padding that reaches ``output_size``."""
        if output_size is None:
            return self.output_padding
        n = self._rank
        wanted = list(output_size)
        if len(wanted) == input.dim():
            wanted = wanted[-n:]
        if len(wanted) != n:
            raise ValueError(
                f"{type(self).__name__}: output_size has {len(output_size)} entries; expected {n}"
                f" or {input.dim()}"
            )
        extra = []
        for d in range(n):
            span = self.dilation[d] * (self.kernel_size[d] - 1) + 1
            smallest = (input.shape[d - n] - 1) * self.stride[d] - 2 * self.padding[d] + span
            if not smallest <= wanted[d] < smallest + max(self.stride[d], 1):
                raise ValueError(
                    f"requested an output size of {tuple(wanted)}, but dimension {d} can be"
                    f" {smallest} to {smallest + self.stride[d] - 1} for an input of"
                    f" {tuple(input.shape[-n:])}"
                )
            extra.append(wanted[d] - smallest)
        return tuple(extra)

    def _run(self, op: Any, input: Tensor, output_size: Sequence[int] | None) -> Tensor:
        extra = self._output_padding(input, output_size)
        return op(  # type: ignore[no-any-return]
            input, self.weight, self.bias, self.stride, self.padding, extra, self.groups,
            self.dilation,
        )  # fmt: skip


class ConvTranspose1d(_ConvTranspose):
    """Transposed 1-D convolution over ``(N, C_in, L)``; see :class:`ConvTranspose2d`."""

    _rank = 1

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        return self._run(F.conv_transpose1d, input, output_size)


class ConvTranspose2d(_ConvTranspose):
    """Transposed 2-D convolution over ``(N, C_in, H, W)``: the gradient of a convolution.

    Args:
        output_padding: added to one side of the output, where several sizes fit a stride.
        others: as in :class:`Conv2d`.
    """

    _rank = 2

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        return self._run(F.conv_transpose2d, input, output_size)


class ConvTranspose3d(_ConvTranspose):
    """Transposed 3-D convolution over ``(N, C_in, D, H, W)``; see :class:`ConvTranspose2d`."""

    _rank = 3

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        return self._run(F.conv_transpose3d, input, output_size)


__all__ = [
    "Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d",
]  # fmt: skip
