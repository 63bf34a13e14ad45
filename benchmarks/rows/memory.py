"""Memory: pointwise, reductions, rearranging, order, random numbers.

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


def matrix_shape(b: Any, n: int, m: int) -> tuple[int, int]:
    """n and m, cut down in a run with the smallest sizes."""
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
        n, m = matrix_shape(b, *shape)
        xs, t = operands(b, n, m), b.t
        run = (lambda x: lambda: torch_form(t, x))(*xs) if len(xs) == 1 else (
            lambda x, y: lambda: torch_form(t, x, y))(*xs)  # fmt: skip
        return Work(run, bytes=float(traffic * n * m), tol=1e-5)

    family = rows("memory", _sized(name))(tensors)
    if array_form is not None:

        def arrays(b: ArrayEngine, *shape: int) -> Work:
            n, m = matrix_shape(b, *shape)
            return b.work(lambda *xs: array_form(b.xp, *xs), *operands(b, n, m), tol=1e-4)

        family.arrays(arrays)
    return family


for _name in _FORMS:
    _form(_name)


# ------------------------------------------------------------------ backward alone, of a kept graph
def backward_alone(b: TensorEngine, function: Callable[..., Any], shape: tuple[int, int]) -> Work:
    """The gradient of `function` at an n x m matrix, its graph kept and run again and again."""
    x, slope, grad = b.normal(*shape, grad=True), b.normal(*shape), b.t.autograd.grad
    y = function(x)
    traffic = 12.0 * math.prod(shape)
    return Work(lambda: grad(y, x, slope, retain_graph=True), bytes=traffic)


@rows("memory", _sized("relu_bwd"))
def relu_bwd(b: TensorEngine, n: int, m: int) -> Work:
    return backward_alone(b, b.F.relu, matrix_shape(b, n, m))


@rows("memory", _sized("gelu_bwd"))
def gelu_bwd(b: TensorEngine, n: int, m: int) -> Work:
    return backward_alone(b, b.F.gelu, matrix_shape(b, n, m))


@rows("memory", _sized("gelu"))
def gelu(b: TensorEngine, n: int, m: int) -> Work:
    x, function = b.normal(*matrix_shape(b, n, m)), b.F.gelu
    return Work(lambda: function(x), bytes=8.0 * x.numel())


@gelu.jax
def _(b: ArrayEngine, n: int, m: int) -> Work:
    return b.work(lambda x: b.jax.nn.gelu(x, approximate=False), b.normal(*matrix_shape(b, n, m)))


# ------------------------------------------------------------------ order
@rows("memory", _sized("sort_dim1"))
def sort_dim1(b: TensorEngine, n: int, m: int) -> Work:
    x = b.normal(*matrix_shape(b, n, m))

    def check() -> Any:
        values, indices = x.sort(1)
        return values, x.gather(1, indices)  # equal values may stand in another order

    return Work(lambda: x.sort(1), bytes=8.0 * x.numel(), tol=0.0, check=check)


@sort_dim1.arrays
def _(b: ArrayEngine, n: int, m: int) -> Work:
    return b.work(lambda x: b.xp.sort(x, 1), b.normal(*matrix_shape(b, n, m)), tol=0.0)


@rows("memory", _sized("topk8_dim1"))
def topk8_dim1(b: TensorEngine, n: int, m: int) -> Work:
    x = b.normal(*matrix_shape(b, n, m))

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
    x, function = b.t.ones(*matrix_shape(b, n, m)), b.F.dropout
    return Work(lambda: function(x, 0.5, True), bytes=8.0 * x.numel(), compare=_dropped)


@rows("memory", _sized("randn"))
def randn(b: TensorEngine, n: int, m: int) -> Work:
    (n, m), function = matrix_shape(b, n, m), b.t.randn
    return Work(lambda: function(n, m), bytes=4.0 * n * m, compare=_normal)


@randn.numpy
def _(b: ArrayEngine, n: int, m: int) -> Work:
    shape, draw = matrix_shape(b, n, m), np.random.default_rng(0).standard_normal
    return Work(lambda: draw(shape, np.float32), compare=_normal)


@randn.jax
def _(b: ArrayEngine, n: int, m: int) -> Work:
    shape, random = matrix_shape(b, n, m), b.jax.random
    run = b.call(lambda key: random.normal(key, shape, "float32"), random.PRNGKey(0))
    return Work(run, compare=_normal)
