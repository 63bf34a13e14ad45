"""Convolution over shapes that take each of its ways: register tiles of all kinds, lanes of
images, strides as phases, Winograd's tiles, depthwise rows; any layout, any threads."""

from __future__ import annotations

import numpy as np
import pytest

import pygrad
from pygrad import _C
from pygrad.nn import functional as F

# batch, channels in, size, channels out, kernel, stride, padding, dilation, groups
CASES = {
    "few_channels": (3, 2, (14, 19), 5, (5, 5), 1, 2, 1, 1),
    "few_channels_strided": (2, 3, (23, 30), 6, (7, 5), 2, 3, 1, 1),
    "wide_result": (2, 5, (9, 11), 50, (3, 3), 1, 1, 1, 1),
    "small_images": (9, 20, (4, 4), 37, (3, 2), 1, 1, 1, 1),
    "one_pixel": (5, 17, (1, 1), 33, (1, 1), 1, 0, 1, 1),
    "pointwise": (2, 24, (16, 16), 20, (1, 1), 1, 0, 1, 1),
    "pointwise_strided": (2, 24, (9, 7), 40, (1, 1), 2, 0, 1, 1),
    "strided": (3, 10, (13, 12), 34, (3, 3), 2, 1, 1, 1),
    "long_stride": (2, 4, (17, 16), 18, (2, 3), (4, 3), (0, 2), 1, 1),
    "dilated": (2, 6, (15, 14), 19, (3, 2), (1, 2), 2, (2, 3), 1),
    "wide_border": (2, 3, (3, 4), 7, (2, 2), 1, 3, 1, 1),
    "grouped": (2, 12, (10, 11), 20, (3, 3), 1, 1, 1, 4),
    "one_window": (6, 5, (4, 3), 37, (4, 3), 2, 0, 1, 1),
    "image_lanes": (16, 3, (9, 8), 7, (3, 3), 1, 1, 1, 1),
    "image_lanes_uneven": (45, 2, (6, 7), 5, (2, 4), 1, (1, 2), 1, 1),
    "image_lanes_strided": (29, 3, (11, 13), 6, (3, 5), (2, 3), (1, 2), 1, 1),
    "image_lanes_dilated": (64, 2, (10, 9), 13, (3, 2), (1, 2), (4, 2), (2, 3), 1),
    "image_lanes_grouped": (16, 6, (7, 5), 9, (3, 3), 1, 0, 1, 3),
    "image_lanes_wide_border": (14, 2, (4, 3), 5, (2, 2), 1, 3, 1, 1),
    "image_lanes_line": (80, 4, (1, 37), 6, (1, 5), 1, (0, 2), 1, 1),
    "winograd": (3, 33, (11, 14), 45, (3, 3), 1, 1, 1, 1),
    "winograd_small_images": (10, 40, (3, 5), 32, (3, 3), 1, 1, 1, 1),
    "winograd_large_filters": (2, 130, (9, 10), 140, (3, 3), 1, 1, 1, 1),
    "winograd_valid": (2, 32, (15, 12), 36, (3, 3), 1, 0, 1, 1),
    "winograd_wide_border": (1, 35, (13, 10), 33, (3, 3), 1, 2, 1, 1),
    "depthwise": (2, 7, (9, 21), 7, (3, 3), 1, 1, 1, 7),
    "depthwise_strided": (2, 6, (12, 19), 6, (5, 3), 2, 2, 1, 6),
    "depthwise_dilated": (1, 5, (14, 13), 10, (3, 4), 1, 3, 2, 5),
    "depthwise_long_stride": (1, 4, (11, 40), 4, (3, 3), 3, 1, 1, 4),
}
LAYOUTS = {
    "dense": lambda x: x,
    "channels_last": lambda x: x.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2),
    "strided": lambda x: pygrad.stack([x, x], -1)[..., 0],
    "sliced": lambda x: F.pad(x, (2, 1, 1, 0))[:, :, 1:, 2:-1],
}
WINOGRAD = (2, 32, 12, 10)


def operands(case, device, dtype=pygrad.float32, layout=LAYOUTS["dense"]):
    batch, inner, size, outer, kernel, *rest = case
    rng = np.random.default_rng(7)
    tensors = [
        pygrad.tensor(rng.standard_normal(shape), dtype=dtype, device=device)
        for shape in ((batch, inner, *size), (outer, inner // rest[-1], *kernel), (outer,))
    ]
    return [layout(tensors[0]), *tensors[1:]], rest


def run(case, device, dtype=pygrad.float32, layout=LAYOUTS["dense"]):
    """The result and the gradients of input, weight and bias, as arrays."""
    tensors, rest = operands(case, device, dtype, layout)
    leaves = [t.detach().requires_grad_() for t in tensors]
    y = F.conv2d(*leaves, *rest)
    slope = pygrad.tensor(np.random.default_rng(8).standard_normal(y.shape), dtype=dtype)
    grads = pygrad.autograd.grad(y, leaves, layout(slope.to(device)))
    return [t.detach().cpu().numpy() for t in (y, *grads)]


def check(actual, expected, rounding):
    """Each array within `rounding` of its largest value."""
    for a, e in zip(actual, expected, strict=True):
        assert a.shape == e.shape
        np.testing.assert_allclose(a, e, rtol=0, atol=rounding * max(1.0, np.abs(e).max()))


@pytest.mark.parametrize("name", CASES)
def test_float32_follows_float64(name, device):
    case = CASES[name]
    expected = run(case, device, pygrad.float64)
    for layout in LAYOUTS.values():
        check(run(case, device, layout=layout), expected, 2e-6)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("other", _C.available_isas())
def test_every_instruction_set(name, other, isa):
    expected = run(CASES[name], "cpu", pygrad.float64)
    isa(other)
    check(run(CASES[name], "cpu"), expected, 2e-6)
    check(run(CASES[name], "cpu", pygrad.float64), expected, 1e-14)


@pytest.mark.parametrize("name", CASES)
def test_threads_do_not_change_a_bit(name, threads):
    results = []
    for count in (1, 2, 5):
        threads(count)
        results.append(run(CASES[name], "cpu"))
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            assert np.array_equal(a, b)


@pytest.mark.parametrize("name", ["few_channels", "strided", "winograd", "depthwise"])
@pytest.mark.parametrize("dtype", [pygrad.float16, pygrad.bfloat16])
def test_half_precision_rounds_once(name, dtype, device):
    tensors, rest = operands(CASES[name], device, dtype)
    y = F.conv2d(*tensors, *rest)
    whole = F.conv2d(*(t.double() for t in tensors), *rest)
    eps = pygrad.finfo(dtype).eps
    assert ((y.double() - whole).abs() <= 0.51 * eps * whole.abs() + 1e-5).all()


@pytest.mark.parametrize("value", [float("inf"), float("nan"), -3.4e38])
def test_a_value_reaches_its_own_windows_only(value, device):
    x = pygrad.ones(WINOGRAD, device=device)
    x[1, 3, 4, 5] = value
    w = pygrad.ones(32, 32, 3, 3, device=device)
    y = F.conv2d(x, w, None, 1, 1).cpu()
    touched = pygrad.zeros(y.shape, dtype=pygrad.bool)
    touched[1, :, 3:6, 4:7] = True
    expected = F.conv2d(pygrad.ones(WINOGRAD), pygrad.ones(32, 32, 3, 3), None, 1, 1)
    assert pygrad.equal(y[~touched], expected[~touched])
    if value != value:
        assert y[touched].isnan().all()
    else:
        assert ((y[touched] - value).abs() <= 1e-6 * abs(value)).all() or (
            y[touched] == value
        ).all()


def test_winograd_can_be_forbidden():
    x, w = (
        pygrad.randn(*s, generator=pygrad.Generator().manual_seed(1))
        for s in (WINOGRAD, (32, 32, 3, 3))
    )
    settings = pygrad.backends.cpu.conv
    assert settings.allow_winograd
    fast = F.conv2d(x, w, None, 1, 1)
    settings.allow_winograd = False
    try:
        plain = F.conv2d(x, w, None, 1, 1)
    finally:
        settings.allow_winograd = True
    assert not pygrad.equal(fast, plain)  # other sums
    exact = F.conv2d(x.double(), w.double(), None, 1, 1)
    for y in (fast, plain):
        assert (y - exact).abs().max() <= 2e-6 * exact.abs().max()


@pytest.mark.parametrize("which", ["grad", "input"])
def test_infinity_in_a_gradient(which, device):
    x = pygrad.ones(WINOGRAD, device=device).requires_grad_()
    w = pygrad.ones(32, 32, 3, 3, device=device).requires_grad_()
    slope = pygrad.ones(WINOGRAD, device=device)
    with pygrad.no_grad():
        (slope if which == "grad" else x)[0, 0, 5, 4] = float("inf")
    dx, dw = (g.cpu() for g in pygrad.autograd.grad(F.conv2d(x, w, None, 1, 1), [x, w], slope))
    if which == "grad":
        touched = pygrad.zeros(dx.shape, dtype=pygrad.bool)
        touched[0, :, 4:7, 3:6] = True
        assert pygrad.equal(dx.isinf(), touched) and dx[~touched].isfinite().all()
        assert dw[0].isinf().all() and dw[1:].isfinite().all()
    else:
        assert dx.isfinite().all()
        assert dw[:, 0].isinf().all() and dw[:, 1:].isfinite().all()
