"""Convolution, pooling and batch normalization, forward and backward."""

from __future__ import annotations

from typing import Any

from benchmarks.engines import ArrayEngine, TensorEngine
from benchmarks.row import Work, rows

# Name: (batch, channels in, size, channels out, kernel, stride, padding, groups, with backward)
_Conv = tuple[int, int, int, int, int, int, int, int, bool]
_CONVS: dict[str, _Conv] = {
    "conv_lenet_c1_fb": (64, 1, 28, 6, 5, 1, 2, 1, True),
    "conv_lenet_c2_fb": (64, 6, 14, 16, 5, 1, 0, 1, True),
    "conv_cifar_stem_fb": (16, 3, 32, 64, 3, 1, 1, 1, True),
    "conv_64x32_fb": (16, 64, 32, 64, 3, 1, 1, 1, True),
    "conv_64x32_fwd": (16, 64, 32, 64, 3, 1, 1, 1, False),
    "conv_64to128_s2_fb": (16, 64, 32, 128, 3, 2, 1, 1, True),
    "conv_1x1_64to128_s2_fb": (16, 64, 32, 128, 1, 2, 0, 1, True),
    "conv_128x16_fb": (16, 128, 16, 128, 3, 1, 1, 1, True),
    "conv_256x8_fb": (16, 256, 8, 256, 3, 1, 1, 1, True),
    "conv_512x4_fb": (16, 512, 4, 512, 3, 1, 1, 1, True),
    "conv_224_stem_fb": (4, 3, 224, 64, 7, 2, 3, 1, True),
    "conv_64x56_fb": (4, 64, 56, 64, 3, 1, 1, 1, True),
    "conv_depthwise_64x32_fb": (16, 64, 32, 64, 3, 1, 1, 64, True),
    "conv_64x32_b1_fwd": (1, 64, 32, 64, 3, 1, 1, 1, False),
}


class _Shape:
    """A convolution's sizes, cut down in a run with the smallest sizes."""

    def __init__(self, b: TensorEngine | ArrayEngine, conv: _Conv) -> None:
        batch, inner, size, outer, kernel, self.stride, self.padding, groups, back = conv
        self.back = back
        batch, size = b.cut(batch, 2), b.cut(size, 8)
        inner, outer, self.groups = b.cut(inner, 4), b.cut(outer, 4), b.cut(groups, 4)
        result = (size + 2 * self.padding - kernel) // self.stride + 1
        self.x = (batch, inner, size, size)
        self.w = (outer, inner // self.groups, kernel, kernel)
        self.y = (batch, outer, result, result)
        macs = batch * outer * result * result * self.w[1] * kernel * kernel
        sizes = batch * (inner * size * size + outer * result * result) + outer * self.w[1] * (
            kernel * kernel
        )
        passes = 3 if back else 1
        # A depthwise product does so little per value that its traffic is the bound.
        self.facts: dict[str, Any] = {
            "flops": 2.0 * macs * passes if self.groups == 1 else 0.0,
            "bytes": 4.0 * sizes * passes,
            "tol": 1e-4,
        }
        self.scale = (self.w[1] * kernel * kernel) ** -0.5


def _no_grad(b: TensorEngine, run: Any) -> Any:
    no_grad = b.t.no_grad

    def call() -> Any:
        with no_grad():
            return run()

    return call


@rows("conv", {name: (conv,) for name, conv in _CONVS.items()})
def conv2d(b: TensorEngine, conv: _Conv) -> Work:
    """A convolution without bias; with backward, the gradients of input and weight."""
    shape = _Shape(b, conv)
    x = b.normal(*shape.x, grad=shape.back)
    w = (b.normal(*shape.w) * shape.scale).requires_grad_(shape.back)
    slope, function, grad = b.normal(*shape.y), b.F.conv2d, b.t.autograd.grad
    stride, padding, groups = shape.stride, shape.padding, shape.groups

    def forward() -> Any:
        return function(x, w, None, stride, padding, 1, groups)

    def both() -> Any:
        y = forward()
        return y, *grad(y, [x, w], slope)

    return Work(both if shape.back else _no_grad(b, forward), **shape.facts)


@conv2d.jax
def _(b: ArrayEngine, conv: _Conv) -> Work:
    shape, jax = _Shape(b, conv), b.jax
    x, w, slope = b.normal(*shape.x), b.normal(*shape.w) * shape.scale, b.normal(*shape.y)

    def forward(x: Any, w: Any) -> Any:
        return jax.lax.conv_general_dilated(
            x, w, (shape.stride,) * 2, [(shape.padding,) * 2] * 2,
            dimension_numbers=("NCHW", "OIHW", "NCHW"), feature_group_count=shape.groups,
        )  # fmt: skip

    def both(x: Any, w: Any, slope: Any) -> Any:
        y, pullback = jax.vjp(forward, x, w)
        return y, *pullback(slope)

    if shape.back:
        return b.work(both, x, w, slope, **shape.facts)
    return b.work(forward, x, w, **shape.facts)


@rows("conv", "conv_transpose_64to32_fb")
def conv_transpose_64to32_fb(b: TensorEngine) -> Work:
    batch, inner, outer, size = b.cut(16, 2), b.cut(64, 4), b.cut(32, 4), b.cut(32, 8)
    x = b.normal(batch, inner, size, size, grad=True)
    w = (b.normal(inner, outer, 2, 2) * inner**-0.5).requires_grad_()
    slope = b.normal(batch, outer, 2 * size, 2 * size)
    function, grad = b.F.conv_transpose2d, b.t.autograd.grad

    def both() -> Any:
        y = function(x, w, None, 2)
        return y, *grad(y, [x, w], slope)

    flops = 3 * 2.0 * batch * inner * outer * 4 * size * size
    values = batch * size * size * (inner + 4 * outer) + 4 * inner * outer
    return Work(both, flops=flops, bytes=12.0 * values)


_POOLS = {
    "maxpool2_64x6x28_fb": (64, 6, 28, 2, 2, 0),
    "maxpool3s2_4x64x112_fb": (4, 64, 112, 3, 2, 1),
}


@rows("conv", _POOLS)
def maxpool(
    b: TensorEngine, batch: int, channels: int, size: int, kernel: int, stride: int, padding: int
) -> Work:
    batch, channels, size = b.cut(batch, 2), b.cut(channels, 2), b.cut(size, 8)
    result = (size + 2 * padding - kernel) // stride + 1
    x = b.normal(batch, channels, size, size, grad=True)
    slope = b.normal(batch, channels, result, result)
    function, grad = b.F.max_pool2d, b.t.autograd.grad

    def both() -> Any:
        y = function(x, kernel, stride, padding)
        return y, *grad(y, x, slope)

    # Input read, its gradient written; output written, its gradient read.
    return Work(both, bytes=8.0 * batch * channels * (size * size + result * result))


@rows("conv", {"batch_norm_16x64x32_fb": (16, 64, 32), "batch_norm_16x512x4_fb": (16, 512, 4)})
def batch_norm_fb(b: TensorEngine, batch: int, channels: int, size: int) -> Work:
    """Training mode: forward with its statistics, gradients of input, scale and shift."""
    batch, channels, size = b.cut(batch, 4), b.cut(channels, 4), b.cut(size, 4)
    layer = b.filled(b.nn.BatchNorm2d(channels))
    x = b.normal(batch, channels, size, size, grad=True)
    slope = b.normal(batch, channels, size, size)
    targets, grad = [x, layer.weight, layer.bias], b.t.autograd.grad

    def both() -> Any:
        y = layer(x)
        return y, *grad(y, targets, slope)

    return Work(both, bytes=5 * 4.0 * batch * channels * size * size, tol=1e-4)
