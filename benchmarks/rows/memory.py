"""Memory: pointwise, reductions, rearranging, random numbers, row-wise kernels.

A row's traffic counts every operand once, read or written. Names end in the number of elements.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.engines import ArrayEngine, TensorEngine
from benchmarks.row import Family, Work, rows

_SIZES = {"1e3": (10, 100), "1e5": (100, 1000), "1e7": (10_000, 1000)}


def _sized(name: str) -> dict[str, Any]:
    return {f"{name}_{label}": shape for label, shape in _SIZES.items()}


def _shape(b: Any, n: int, m: int) -> tuple[int, int]:
    return b.cut(n, 8), b.cut(m, 8)


# Name: (operand shapes relative to n x m, bytes per element of n x m, torch form, array form).
# In the forms, t and xp are the library; x, y are operands.
_Form = tuple[str, int, Callable[..., Any], Callable[..., Any] | None]
_FORMS: dict[str, _Form] = {
    "relu": ("x", 8, lambda t, x: t.relu(x), lambda xp, x: xp.maximum(x, 0)),
    "exp": ("x", 8, lambda t, x: t.exp(x), lambda xp, x: xp.exp(x)),
    "tanh": ("x", 8, lambda t, x: t.tanh(x), lambda xp, x: xp.tanh(x)),
    "add": ("xx", 12, lambda t, x, y: x + y, lambda xp, x, y: x + y),
    "add_row": ("xr", 8, lambda t, x, y: x + y, lambda xp, x, y: x + y),
    "add_col": ("xc", 8, lambda t, x, y: x + y, lambda xp, x, y: x + y),
    "mul_add_chain": (
        "x", 8,
        lambda t, x: (x * 1.5 + 0.5) * 0.75,
        lambda xp, x: (x * 1.5 + 0.5) * 0.75,
    ),
    "sum_all": ("x", 4, lambda t, x: x.sum(), lambda xp, x: x.sum()),
    "sum_dim0": ("x", 4, lambda t, x: x.sum(0), lambda xp, x: x.sum(0)),
    "sum_dim1": ("x", 4, lambda t, x: x.sum(1), lambda xp, x: x.sum(1)),
    "mean_var_dim1": (
        "x", 4,
        lambda t, x: (x.mean(1), x.var(1)),
        lambda xp, x: (x.mean(1), x.var(1, ddof=1)),
    ),
    "transpose_contiguous": (
        "x", 8,
        lambda t, x: x.t().contiguous(),
        lambda xp, x: xp.array(x.T, order="C") if xp is np else xp.array(x.T),
    ),
    "cat": ("xx", 16, lambda t, x, y: t.cat([x, y]), lambda xp, x, y: xp.concatenate([x, y])),
    "argmax_dim1": ("x", 4, lambda t, x: x.argmax(1), lambda xp, x: x.argmax(1)),
    "cumsum_dim1": ("x", 8, lambda t, x: x.cumsum(1), lambda xp, x: xp.cumsum(x, 1)),
    "where": (
        "x", 8,
        lambda t, x: t.where(x > 0, x, 0.0),
        lambda xp, x: xp.where(x > 0, x, xp.float32(0)),
    ),
    "to_f64": ("x", 12, lambda t, x: x.to(t.float64), lambda xp, x: x.astype("float64")),
}  # fmt: skip


def _form(name: str) -> Family:
    kinds, traffic, torch_form, array_form = _FORMS[name]

    def operands(b: Any, n: int, m: int) -> list[Any]:
        shapes = {"x": (n, m), "r": (m,), "c": (n, 1)}
        return [b.normal(*shapes[kind]) for kind in kinds]

    def tensors(b: TensorEngine, *shape: int) -> Work:
        n, m = _shape(b, *shape)
        xs, t = operands(b, n, m), b.t
        run = (lambda x: lambda: torch_form(t, x))(*xs) if len(xs) == 1 else (
            lambda x, y: lambda: torch_form(t, x, y))(*xs)  # fmt: skip
        return Work(run, bytes=float(traffic * n * m), tol=1e-5)

    family = rows("memory", _sized(name))(tensors)
    if array_form is not None:

        def arrays(b: ArrayEngine, *shape: int) -> Work:
            n, m = _shape(b, *shape)
            return b.work(lambda *xs: array_form(b.xp, *xs), *operands(b, n, m), tol=1e-4)

        family.arrays(arrays)
    return family


for _name in _FORMS:
    _form(_name)


# ------------------------------------------------------------------ backward alone, of a kept graph
def _backward(b: TensorEngine, function: Callable[..., Any], shape: tuple[int, int]) -> Work:
    x, slope, grad = b.normal(*shape, grad=True), b.normal(*shape), b.t.autograd.grad
    y = function(x)
    traffic = 12.0 * math.prod(shape)
    return Work(lambda: grad(y, x, slope, retain_graph=True), bytes=traffic)


@rows("memory", _sized("relu_bwd"))
def relu_bwd(b: TensorEngine, n: int, m: int) -> Work:
    return _backward(b, b.F.relu, _shape(b, n, m))


@rows("memory", _sized("gelu_bwd"))
def gelu_bwd(b: TensorEngine, n: int, m: int) -> Work:
    return _backward(b, b.F.gelu, _shape(b, n, m))


@rows("memory", _sized("gelu"))
def gelu(b: TensorEngine, n: int, m: int) -> Work:
    x, function = b.normal(*_shape(b, n, m)), b.F.gelu
    return Work(lambda: function(x), bytes=8.0 * x.numel())


@gelu.jax
def _(b: ArrayEngine, n: int, m: int) -> Work:
    return b.work(lambda x: b.jax.nn.gelu(x, approximate=False), b.normal(*_shape(b, n, m)))


# ------------------------------------------------------------------ order
@rows("memory", _sized("sort_dim1"))
def sort_dim1(b: TensorEngine, n: int, m: int) -> Work:
    x = b.normal(*_shape(b, n, m))

    def check() -> Any:
        values, indices = x.sort(1)
        return values, x.gather(1, indices)  # equal values may stand in another order

    return Work(lambda: x.sort(1), bytes=8.0 * x.numel(), tol=0.0, check=check)


@sort_dim1.arrays
def _(b: ArrayEngine, n: int, m: int) -> Work:
    return b.work(lambda x: b.xp.sort(x, 1), b.normal(*_shape(b, n, m)), tol=0.0)


@rows("memory", _sized("topk8_dim1"))
def topk8_dim1(b: TensorEngine, n: int, m: int) -> Work:
    x = b.normal(*_shape(b, n, m))

    def check() -> Any:
        values, indices = x.topk(8, 1)
        return values, x.gather(1, indices)

    return Work(lambda: x.topk(8, 1), bytes=4.0 * x.numel(), tol=0.0, check=check)


# ------------------------------------------------------------------ random numbers
def _dropped(results: list[np.ndarray]) -> str | None:
    """What is wrong with ones after dropout at 0.5: half are 0, the rest 2."""
    y = results[0]
    if not np.isin(y, (0.0, 2.0)).all():
        return "values other than 0 and 2"
    share, allowed = float((y == 0).mean()), 3 / math.sqrt(y.size)
    return None if abs(share - 0.5) <= allowed else f"{share:.4f} of the values are zero"


def _normal(results: list[np.ndarray]) -> str | None:
    """What is wrong with standard normal numbers, by mean and variance at six deviations."""
    y = results[0].astype(np.float64)
    deviation = 1 / math.sqrt(y.size)
    if abs(y.mean()) > 6 * deviation or abs(y.var() - 1) > 6 * math.sqrt(2) * deviation:
        return f"mean {y.mean():.4f}, variance {y.var():.4f}"
    return None


@rows("memory", _sized("dropout"))
def dropout(b: TensorEngine, n: int, m: int) -> Work:
    x, function = b.t.ones(*_shape(b, n, m)), b.F.dropout
    return Work(lambda: function(x, 0.5, True), bytes=8.0 * x.numel(), compare=_dropped)


@rows("memory", _sized("randn"))
def randn(b: TensorEngine, n: int, m: int) -> Work:
    (n, m), function = _shape(b, n, m), b.t.randn
    return Work(lambda: function(n, m), bytes=4.0 * n * m, compare=_normal)


@randn.numpy
def _(b: ArrayEngine, n: int, m: int) -> Work:
    shape, draw = _shape(b, n, m), np.random.default_rng(0).standard_normal
    return Work(lambda: draw(shape, np.float32), compare=_normal)


@randn.jax
def _(b: ArrayEngine, n: int, m: int) -> Work:
    shape, random = _shape(b, n, m), b.jax.random
    run = b.call(lambda key: random.normal(key, shape, "float32"), random.PRNGKey(0))
    return Work(run, compare=_normal)


# ------------------------------------------------------------------ rows of a matrix
_SOFTMAX = {"64x10": (64, 10), "4096x1000": (4096, 1000), "128x32000": (128, 32000)}


def _named(prefix: str, shapes: dict[str, Any]) -> dict[str, Any]:
    return {f"{prefix}_{label}": shape for label, shape in shapes.items()}


def _array_softmax(xp: Any, x: Any) -> Any:
    y = xp.exp(x - x.max(1, keepdims=True))
    return y / y.sum(1, keepdims=True)


@rows("memory", _named("softmax", _SOFTMAX))
def softmax(b: TensorEngine, n: int, m: int) -> Work:
    x, function = b.normal(*_shape(b, n, m)), b.F.softmax
    return Work(lambda: function(x, 1), bytes=8.0 * x.numel())


@softmax.arrays
def _(b: ArrayEngine, n: int, m: int) -> Work:
    return b.work(lambda x: _array_softmax(b.xp, x), b.normal(*_shape(b, n, m)))


@rows("memory", _named("softmax_bwd", _SOFTMAX))
def softmax_bwd(b: TensorEngine, n: int, m: int) -> Work:
    return _backward(b, lambda x: b.F.softmax(x, 1), _shape(b, n, m))


@rows("memory", _named("cross_entropy_fb", _SOFTMAX))
def cross_entropy_fb(b: TensorEngine, n: int, m: int) -> Work:
    n, m = _shape(b, n, m)
    x, target = b.normal(n, m, grad=True), b.integers(m, n)
    function, grad = b.F.cross_entropy, b.t.autograd.grad

    def both() -> Any:
        loss = function(x, target)
        return loss, *grad(loss, x)

    return Work(both, bytes=8.0 * n * m)


@cross_entropy_fb.jax
def _(b: ArrayEngine, n: int, m: int) -> Work:
    n, m = _shape(b, n, m)
    x, target = b.normal(n, m), b.integers(m, n)

    def loss(x: Any) -> Any:
        return -b.jax.nn.log_softmax(x)[b.xp.arange(n), target].mean()

    return b.work(b.jax.value_and_grad(loss), x)


@rows("memory", {f"layer_norm_fb_{n}x{m}": (n, m) for n, m in ((8, 128), (768, 128), (8192, 1024))})
def layer_norm_fb(b: TensorEngine, n: int, m: int) -> Work:
    n, m = _shape(b, n, m)
    layer = b.filled(b.nn.LayerNorm(m))
    x, slope, grad = b.normal(n, m, grad=True), b.normal(n, m), b.t.autograd.grad
    targets = [x, layer.weight, layer.bias]

    def both() -> Any:
        y = layer(x)
        return y, *grad(y, targets, slope)

    return Work(both, bytes=5 * 4.0 * n * m)


@layer_norm_fb.jax
def _(b: ArrayEngine, n: int, m: int) -> Work:
    (n, m), xp = _shape(b, n, m), b.xp
    scale, shift = xp.ones(m, "float32"), xp.zeros(m, "float32")
    x, slope = b.normal(n, m), b.normal(n, m)

    def forward(x: Any, scale: Any, shift: Any) -> Any:
        centred = x - x.mean(1, keepdims=True)
        return centred / xp.sqrt((centred**2).mean(1, keepdims=True) + 1e-5) * scale + shift

    def both(x: Any, scale: Any, shift: Any, slope: Any) -> Any:
        y, pullback = b.jax.vjp(forward, x, scale, shift)
        return y, *pullback(slope)

    return b.work(both, x, scale, shift, slope)


# ------------------------------------------------------------------ by index and by mask
_TABLES = {
    "embedding_fb_65x128_768": (65, 128, 768),
    "embedding_fb_32000x256_4096": (32000, 256, 4096),
}


@rows("memory", _TABLES)
def embedding_fb(b: TensorEngine, entries: int, width: int, count: int) -> Work:
    entries, width, count = b.cut(entries), b.cut(width), b.cut(count)
    table, which = b.normal(entries, width, grad=True), b.integers(entries, count)
    slope, function, grad = b.normal(count, width), b.F.embedding, b.t.autograd.grad

    def both() -> Any:
        y = function(which, table)
        return y, *grad(y, table, slope)

    # Rows gathered and written, slopes read and added in, and the whole gradient written.
    return Work(both, bytes=4.0 * width * (5 * count + entries))


@rows("memory", "index_select_1e5rows_64")
def index_select(b: TensorEngine) -> Work:
    n = b.cut(100_000)
    x, which = b.normal(n, 64), b.tensor(b.permutation_array(n))
    return Work(lambda: x.index_select(0, which), bytes=n * (8.0 * 64 + 8), tol=0.0)


@index_select.arrays
def _(b: ArrayEngine) -> Work:
    n = b.cut(100_000)
    x, which = b.normal(n, 64), b.array(b.permutation_array(n))
    return b.work(lambda x, which: x[which], x, which, tol=0.0)


@rows("memory", "masked_fill_1024x1024")
def masked_fill(b: TensorEngine) -> Work:
    n = b.cut(1024)
    x, mask = b.normal(n, n), b.normal(n, n) > 0
    return Work(lambda: x.masked_fill(mask, -1.0), bytes=9.0 * n * n, tol=0.0)


@masked_fill.arrays
def _(b: ArrayEngine) -> Work:
    n, xp = b.cut(1024), b.xp
    x, mask = b.normal(n, n), b.normal(n, n) > 0
    return b.work(lambda x, mask: xp.where(mask, xp.float32(-1), x), x, mask, tol=0.0)
