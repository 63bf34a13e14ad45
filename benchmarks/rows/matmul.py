"""Matrix products: square, ragged, transposed, batched, matrix-vector, other types, Linear."""

from __future__ import annotations

from typing import Any

from benchmarks.engines import ArrayEngine, TensorEngine
from benchmarks.row import Work, rows

# Name: (batch or 0, m, k, n, layout, dtype). Layout "T" on either side: the operand is the
# transpose of a contiguous matrix.
_Shape = tuple[int, int, int, int, str, str]
_PRODUCTS: dict[str, _Shape] = {
    **{
        f"mm_f32_{n}": (0, n, n, n, "NN", "float32")
        for n in (8, 16, 32, 64, 128, 256, 384, 512, 1024, 2048)
    },
    "mm_f64_512": (0, 512, 512, 512, "NN", "float64"),
    "mm_64x784x128": (0, 64, 784, 128, "NN", "float32"),
    "mm_64x784x128_bT": (0, 64, 784, 128, "NT", "float32"),
    "mm_784x64x128_aT": (0, 784, 64, 128, "TN", "float32"),
    "mm_1x1024x1024": (0, 1, 1024, 1024, "NN", "float32"),
    "mm_1x1024x1024_bT": (0, 1, 1024, 1024, "NT", "float32"),
    "mm_4096x64x4096": (0, 4096, 64, 4096, "NN", "float32"),
    "mm_511x513x509": (0, 511, 513, 509, "NN", "float32"),
    "mm_127x61x83_aT": (0, 127, 61, 83, "TN", "float32"),
    "bmm_96x64x64x64": (96, 64, 64, 64, "NN", "float32"),
    "bmm_48x64x32x64_bT": (48, 64, 32, 64, "NT", "float32"),
    "mm_bf16_1024": (0, 1024, 1024, 1024, "NN", "bfloat16"),
}
_TOLERANCE = {"float32": 1e-5, "float64": 1e-13, "bfloat16": 2e-2}
_WIDTH = {"float32": 4, "float64": 8, "bfloat16": 2}


def _operands(b: Any, shape: _Shape) -> tuple[Any, Any, dict[str, Any]]:
    """Both operands in the layout asked for, and what the row says of itself."""
    batch, m, k, n, layout, dtype = shape
    batch, m, k, n = b.cut(batch, 2), b.cut(m), b.cut(k), b.cut(n)
    lead = (batch,) if batch else ()
    a = b.normal(*lead, *((k, m) if layout[0] == "T" else (m, k)), dtype=dtype)
    c = b.normal(*lead, *((n, k) if layout[1] == "T" else (k, n)), dtype=dtype)
    times = max(batch, 1)
    facts = {
        "flops": 2.0 * times * m * k * n,
        "bytes": float(times * _WIDTH[dtype] * (m * k + k * n + m * n)),
        "dtype": dtype,
        "tol": _TOLERANCE[dtype],
    }
    a = a.swapaxes(-1, -2) if layout[0] == "T" else a
    return a, c.swapaxes(-1, -2) if layout[1] == "T" else c, facts


@rows("matmul", {name: (shape,) for name, shape in _PRODUCTS.items()})
def product(b: TensorEngine, shape: _Shape) -> Work:
    x, y, facts = _operands(b, shape)
    return Work(lambda: x @ y, **facts)


@product.arrays
def _(b: ArrayEngine, shape: _Shape) -> Work | None:
    if b.jax is None and shape[-1] == "bfloat16":
        return None  # NumPy has no such type
    x, y, facts = _operands(b, shape)
    return b.work(lambda p, q: p @ q, x, y, **facts)


def _linear_facts(batch: int, inner: int, outer: int) -> dict[str, Any]:
    flops = 6.0 * batch * inner * outer
    # Read for forward, data gradient and weight gradient; written: output, both gradients.
    sizes = 2 * (batch * inner + inner * outer + batch * outer)
    return {"flops": flops, "bytes": 4.0 * sizes, "tol": 1e-5}


_LINEAR = {
    "linear_fb_64x784x128": (64, 784, 128),
    "linear_fb_768x128x512": (768, 128, 512),
    "linear_fb_1024x1024x1024": (1024, 1024, 1024),
}


@rows("matmul", _LINEAR)
def linear_fb(b: TensorEngine, batch: int, inner: int, outer: int) -> Work:
    """Linear forward, and the gradients of input, weight and bias."""
    batch, inner, outer = b.cut(batch), b.cut(inner), b.cut(outer)
    layer = b.filled(b.nn.Linear(inner, outer))
    x, slope = b.normal(batch, inner, grad=True), b.normal(batch, outer)
    targets = [x, layer.weight, layer.bias]
    grad = b.t.autograd.grad

    def step() -> Any:
        y = layer(x)
        return y, *grad(y, targets, slope)

    return Work(step, **_linear_facts(batch, inner, outer))


@linear_fb.arrays
def _(b: ArrayEngine, batch: int, inner: int, outer: int) -> Work:
    batch, inner, outer = b.cut(batch), b.cut(inner), b.cut(outer)
    weight = b.normal(outer, inner) * b.xp.float32(inner**-0.5)
    bias = b.xp.zeros(outer, "float32")
    x, slope = b.normal(batch, inner), b.normal(batch, outer)

    def step(x: Any, weight: Any, bias: Any, slope: Any) -> Any:
        return x @ weight.T + bias, slope @ weight, slope.T @ x, slope.sum(0)

    return b.work(step, x, weight, bias, slope, **_linear_facts(batch, inner, outer))
