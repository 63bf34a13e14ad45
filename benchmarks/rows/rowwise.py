"""Memory: softmax, cross entropy and layer normalization, and moving rows by index and mask."""

from __future__ import annotations

from typing import Any

from benchmarks.engines import ArrayEngine, TensorEngine
from benchmarks.row import Work, rows
from benchmarks.rows.memory import backward_alone, matrix_shape

_SOFTMAX = {"64x10": (64, 10), "4096x1000": (4096, 1000), "128x32000": (128, 32000)}


def _named(prefix: str, shapes: dict[str, Any]) -> dict[str, Any]:
    return {f"{prefix}_{label}": shape for label, shape in shapes.items()}


def _array_softmax(xp: Any, x: Any) -> Any:
    y = xp.exp(x - x.max(1, keepdims=True))
    return y / y.sum(1, keepdims=True)


@rows("memory", _named("softmax", _SOFTMAX))
def softmax(b: TensorEngine, n: int, m: int) -> Work:
    x, function = b.normal(*matrix_shape(b, n, m)), b.F.softmax
    return Work(lambda: function(x, 1), bytes=8.0 * x.numel())


@softmax.arrays
def _(b: ArrayEngine, n: int, m: int) -> Work:
    return b.work(lambda x: _array_softmax(b.xp, x), b.normal(*matrix_shape(b, n, m)))


@rows("memory", _named("softmax_bwd", _SOFTMAX))
def softmax_bwd(b: TensorEngine, n: int, m: int) -> Work:
    return backward_alone(b, lambda x: b.F.softmax(x, 1), matrix_shape(b, n, m))


@rows("memory", _named("cross_entropy_fb", _SOFTMAX))
def cross_entropy_fb(b: TensorEngine, n: int, m: int) -> Work:
    n, m = matrix_shape(b, n, m)
    x, target = b.normal(n, m, grad=True), b.integers(m, n)
    function, grad = b.F.cross_entropy, b.t.autograd.grad

    def both() -> Any:
        loss = function(x, target)
        return loss, *grad(loss, x)

    return Work(both, bytes=8.0 * n * m)


@cross_entropy_fb.jax
def _(b: ArrayEngine, n: int, m: int) -> Work:
    n, m = matrix_shape(b, n, m)
    x, target = b.normal(n, m), b.integers(m, n)

    def loss(x: Any) -> Any:
        return -b.jax.nn.log_softmax(x)[b.xp.arange(n), target].mean()

    return b.work(b.jax.value_and_grad(loss), x)


@rows("memory", {f"layer_norm_fb_{n}x{m}": (n, m) for n, m in ((8, 128), (768, 128), (8192, 1024))})
def layer_norm_fb(b: TensorEngine, n: int, m: int) -> Work:
    n, m = matrix_shape(b, n, m)
    layer = b.filled(b.nn.LayerNorm(m))
    x, slope, grad = b.normal(n, m, grad=True), b.normal(n, m), b.t.autograd.grad
    targets = [x, layer.weight, layer.bias]

    def both() -> Any:
        y = layer(x)
        return y, *grad(y, targets, slope)

    return Work(both, bytes=5 * 4.0 * n * m)


@layer_norm_fb.jax
def _(b: ArrayEngine, n: int, m: int) -> Work:
    (n, m), xp = matrix_shape(b, n, m), b.xp
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
