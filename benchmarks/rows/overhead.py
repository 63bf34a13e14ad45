"""Overhead: work so small that only the way into and out of it is measured."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.engines import ArrayEngine, TensorEngine
from benchmarks.models import Moons, MoonsArrays, policy
from benchmarks.row import Statement, Work, rows

# (expression over torch-like tensors, the same over arrays or None). The names: x and y are
# one-element vectors, w has a gradient, v is a 1-d vector of 8, m is an 8x8 matrix, t the module
# and values a list of three numbers.
_STATEMENTS: dict[str, tuple[str, str | None]] = {
    "add_1elt": ("x + y", "x + y"),
    "add_1elt_grad": ("w + y", None),
    "mul_scalar_1elt": ("x * 2.5", "x * 2.5"),
    "relu_1elt": ("t.relu(x)", "t.maximum(x, 0)"),
    "index_int": ("v[3]", "v[3]"),
    "index_slice_2d": ("m[1:3, 2:5]", "m[1:3, 2:5]"),
    "view": ("m.view(64)", "m.reshape(64)"),
    "transpose_view": ("m.transpose(0, 1)", "m.transpose(1, 0)"),
    "shape_attr": ("m.shape", "m.shape"),
    "item": ("x.item()", "x.item()"),
    "tensor_from_list3": ("t.tensor(values)", "t.array(values)"),
    "zeros_3": ("t.zeros(3)", "t.zeros(3)"),
    "sum_all_1elt": ("x.sum()", "x.sum()"),
    "matmul_2x2": ("a @ a", "a @ a"),
}


def _used(code: str, names: dict[str, Any]) -> dict[str, Any]:
    words = set(compile(code, "<row>", "eval").co_names)
    return {name: value for name, value in names.items() if name in words}


@rows("overhead", _STATEMENTS)
def statement(b: TensorEngine, code: str, _arrays: str | None) -> Work:
    names = {
        "x": b.normal(1), "y": b.normal(1), "w": b.normal(1, grad=True), "v": b.normal(8),
        "m": b.normal(8, 8), "a": b.normal(2, 2), "t": b.t, "values": [1.5, -2.0, 0.25],
    }  # fmt: skip
    return Work(Statement(code, **_used(code, names)))


@statement.arrays
def _(b: ArrayEngine, _code: str, code: str | None) -> Work | None:
    x, y, _, v, m, a = (b.normal(*s) for s in ((1,), (1,), (1,), (8,), (8, 8), (2, 2)))
    names = {"x": x, "y": y, "v": v, "m": m, "a": a, "t": b.xp, "values": [1.5, -2.0, 0.25]}
    if code is None:
        return None
    if code in ("m.shape", "x.item()"):
        return Work(Statement(code, **_used(code, names)))
    return b.statement(code, **_used(code, names))


@rows("overhead", "add_inplace_1elt")
def add_inplace_1elt(b: TensorEngine) -> Work:
    return Work(Statement("x.add_(y)", x=b.normal(1), y=b.normal(1) * 1e-9))


@rows("overhead", "mul_sum_backward_3elt")
def mul_sum_backward_3elt(b: TensorEngine) -> Work:
    x, y = b.normal(3, grad=True), b.normal(3, grad=True)

    def step() -> Any:
        x.grad = y.grad = None
        (x * y).sum().backward()
        return x.grad, y.grad

    return Work(step)


@mul_sum_backward_3elt.jax
def _(b: ArrayEngine) -> Work:
    gradient = b.jax.grad(lambda x, y: (x * y).sum(), argnums=(0, 1))
    return b.work(gradient, b.normal(3), b.normal(3))


@rows("overhead", "linear_module_4x4")
def linear_module_4x4(b: TensorEngine) -> Work:
    return Work(Statement("layer(x)", layer=b.filled(b.nn.Linear(4, 4)), x=b.normal(1, 4)))


@rows("overhead", "micrograd_readme_expr")
def micrograd_readme_expr(b: TensorEngine) -> Work:
    """An expression of 25 scalar operations with its backward, one tensor for each number."""
    tensor = b.t.tensor

    def step() -> Any:
        p, q = tensor(-4.0, requires_grad=True), tensor(2.0, requires_grad=True)
        c = p + q
        d = p * q + q**3
        c = c + c + 1
        c = c + 1 + c + (-p)
        d = d + d * 2 + (q + p).relu()
        d = d + 3 * d + (q - p).relu()
        e = c - d
        f = e**2
        g = f / 2.0
        g = g + 10.0 / f
        g.backward()
        return g, p.grad, q.grad

    return Work(step)


_MOONS = {
    "moons_mlp_bce_b1": (1, "bce"),
    "moons_mlp_hinge_b1": (1, "hinge"),
    "moons_mlp_bce_b64": (64, "bce"),
    "moons_mlp_hinge_b64": (64, "hinge"),
}


def _half_circles(b: TensorEngine | ArrayEngine, batch: int) -> tuple[np.ndarray, np.ndarray]:
    """Points of two interleaved half circles and their labels 0 and 1."""
    label = np.arange(batch) % 2
    angle = np.pi * b.normal_array(batch) % np.pi
    x = np.where(label, 1 - np.cos(angle), np.cos(angle))
    y = np.where(label, 0.5 - np.sin(angle), np.sin(angle))
    return np.stack([x, y], 1).astype(np.float32), label.astype(np.float32)[:, None]


@rows("overhead", _MOONS)
def moons_mlp(b: TensorEngine, batch: int, loss: str) -> Work:
    """A whole training step of the 2-16-16-1 network."""
    points, labels = _half_circles(b, batch)
    model = Moons(b, loss)
    return Work(
        model.stepper(b.tensor(points), b.tensor(labels)), check=model.three_steps, tol=1e-4
    )


@moons_mlp.jax
def _(b: ArrayEngine, batch: int, loss: str) -> Work:
    points, labels = _half_circles(b, batch)
    model = MoonsArrays(b, loss)
    step = model.stepper(b.array(points), b.array(labels))
    return Work(step, check=lambda: [step() for _ in range(3)])


@rows("overhead", "policy_nograd_b1")
def policy_nograd_b1(b: TensorEngine) -> Work:
    """One decision of a small policy network: observation in, action out."""
    net, observation, no_grad = policy(b), b.normal(1, 4), b.t.no_grad

    def act() -> int:
        with no_grad():
            return int(net(observation).argmax(1).item())

    return Work(act)


@policy_nograd_b1.arrays
def _(b: ArrayEngine) -> Work:
    weights = [b.normal(*s) * b.xp.float32(s[1] ** -0.5) for s in ((64, 4), (64, 64), (2, 64))]
    biases = [b.array(np.zeros(len(w), np.float32)) for w in weights]
    observation, xp = b.normal(1, 4), b.xp

    def act(x: Any) -> Any:
        for weight, bias in zip(weights[:2], biases[:2], strict=True):
            x = xp.tanh(x @ weight.T + bias)
        return (x @ weights[2].T + biases[2]).argmax(1)

    run = b.call(act, observation)
    return Work(lambda: int(run()[0]))


@rows("overhead", "lstm_cell_b1_32_64")
def lstm_cell_b1_32_64(b: TensorEngine) -> Work:
    cell, no_grad = b.filled(b.nn.LSTMCell(32, 64)), b.t.no_grad
    x, state = b.normal(1, 32), (b.normal(1, 64), b.normal(1, 64))

    def step() -> Any:
        with no_grad():
            return cell(x, state)

    return Work(step)


@rows("overhead", "adam_step_6_small_params")
def adam_step_6_small_params(b: TensorEngine) -> Work:
    shapes = ((16, 2), (16,), (16, 16), (16,), (1, 16), (1,))
    parameters = [b.nn.Parameter(b.normal(*shape)) for shape in shapes]
    for parameter in parameters:
        parameter.grad = b.normal(*parameter.shape)
    step = b.optim.Adam(parameters, lr=1e-3).step

    def check() -> Any:
        for _ in range(3):
            step()
        return [parameter.detach().clone() for parameter in parameters]

    return Work(Statement("step()", step=step), check=check)
