"""Whole training steps: forward, backward and optimizer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks import models
from benchmarks.engines import ArrayEngine, TensorEngine
from benchmarks.row import Work, rows


def trained(
    model: Any, optimizer: Any, loss_of: Callable[[], Any], flops: float = 0.0, tol: float = 1e-3
) -> Work:
    """Training steps as a row's work; three losses are compared before the timing.

    Args:
        model: the module trained.
        optimizer: its optimizer.
        loss_of: computes the loss.
        flops: of the matrix products of one step.
        tol: largest relative difference of the losses.
    """

    def step() -> Any:
        optimizer.zero_grad()
        loss = loss_of()
        loss.backward()
        optimizer.step()
        return loss

    return Work(step, flops=flops, tol=tol, check=lambda: [step() for _ in range(3)])


def _mlp_flops(batch: int) -> float:
    first, second = 784 * 128, 128 * 10
    return 2.0 * batch * (2 * first + 3 * second)  # the images need no gradient


_OPTIMIZERS = {
    "mnist_mlp_sgd": ("SGD", {"lr": 0.1}),
    "mnist_mlp_momentum": ("SGD", {"lr": 0.05, "momentum": 0.9}),
    "mnist_mlp_adam": ("Adam", {"lr": 1e-3}),
}


@rows("train", _OPTIMIZERS)
def mnist_mlp(b: TensorEngine, kind: str, settings: dict[str, float]) -> Work:
    """The 784-128-10 network, batch 64."""
    batch = b.cut(64, 4)
    model = models.mnist_mlp(b)
    x, target = b.normal(batch, 784), b.integers(10, batch)
    optimizer = getattr(b.optim, kind)(model.parameters(), **settings)
    cross_entropy = b.F.cross_entropy
    return trained(model, optimizer, lambda: cross_entropy(model(x), target), _mlp_flops(batch))


def _mlp_arrays(b: ArrayEngine) -> tuple[list[Any], Any, Any]:
    """Weights, images and labels, drawn in the order of the tensor version."""
    batch, parameters = b.cut(64, 4), []
    for n, m in ((128, 784), (10, 128)):
        parameters += [b.normal(n, m) * np.float32(m**-0.5), b.xp.zeros(n, "float32")]
    return parameters, b.normal(batch, 784), b.integers(10, batch)


@mnist_mlp.numpy
def _(b: ArrayEngine, kind: str, settings: dict[str, float]) -> Work | None:
    """SGD with the gradient written out by hand."""
    if kind != "SGD" or "momentum" in settings:
        return None
    (w1, c1, w2, c2), x, target = _mlp_arrays(b)
    lines, rate = np.arange(len(x)), np.float32(settings["lr"])

    def step() -> Any:
        hidden = np.maximum(x @ w1.T + c1, 0)
        scores = hidden @ w2.T + c2
        scores -= scores.max(1, keepdims=True)
        slope = np.exp(scores)
        total = slope.sum(1, keepdims=True)
        loss = (np.log(total[:, 0]) - scores[lines, target]).mean()
        slope /= total
        slope[lines, target] -= 1
        slope /= len(x)
        back = (slope @ w2) * (hidden > 0)
        for weight, gradient in (
            (w2, slope.T @ hidden), (c2, slope.sum(0)), (w1, back.T @ x), (c1, back.sum(0))
        ):  # fmt: skip
            weight -= rate * gradient
        return loss

    return Work(step, check=lambda: [step() for _ in range(3)])


@mnist_mlp.jax
def _(b: ArrayEngine, kind: str, settings: dict[str, float]) -> Work | None:
    """SGD and Adam written out, the whole step compiled."""
    if "momentum" in settings:
        return None
    weights, x, target = _mlp_arrays(b)
    jax, xp, tree = b.jax, b.xp, b.jax.tree_util.tree_map
    rate = settings["lr"]

    def loss_of(w: list[Any]) -> Any:
        scores = xp.maximum(x @ w[0].T + w[1], 0) @ w[2].T + w[3]
        return -jax.nn.log_softmax(scores)[xp.arange(len(x)), target].mean()

    def sgd(state: Any) -> tuple[Any, Any]:
        loss, slopes = jax.value_and_grad(loss_of)(state)
        return tree(lambda w, g: w - rate * g, state, slopes), loss

    def adam(state: Any) -> tuple[Any, Any]:
        w, first, second, count = state
        loss, slopes = jax.value_and_grad(loss_of)(w)
        count = count + 1
        first = tree(lambda m, g: 0.9 * m + 0.1 * g, first, slopes)
        second = tree(lambda v, g: 0.999 * v + 0.001 * g * g, second, slopes)
        scale, root = 1 - 0.9**count, 1 - 0.999**count
        w = tree(
            lambda p, m, v: p - rate * (m / scale) / (xp.sqrt(v / root) + 1e-8), w, first, second
        )
        return (w, first, second, count), loss

    state: Any = weights
    if kind == "Adam":
        zeros = tree(xp.zeros_like, weights)
        state = (weights, zeros, zeros, xp.float32(0))
    compiled = jax.jit(adam if kind == "Adam" else sgd)
    box = [state]

    def step() -> Any:
        box[0], loss = jax.block_until_ready(compiled(box[0]))
        return loss

    return Work(step, check=lambda: [step() for _ in range(3)], tol=1e-3)


@rows("train", "lenet_b64_sgd")
def lenet_b64_sgd(b: TensorEngine) -> Work:
    batch = b.cut(64, 2)
    model = models.lenet(b)
    x, target = b.normal(batch, 1, 28, 28), b.integers(10, batch)
    optimizer, cross_entropy = b.optim.SGD(model.parameters(), lr=0.05), b.F.cross_entropy
    first, rest = 6 * 784 * 25, 16 * 100 * 150 + 400 * 120 + 120 * 84 + 840
    flops = 2.0 * batch * (2 * first + 3 * rest)
    return trained(model, optimizer, lambda: cross_entropy(model(x), target), flops)


@rows("train", "resnet18_32x32_b16_sgd")
def resnet18_32x32_b16_sgd(b: TensorEngine) -> Work:
    batch, width = b.cut(16, 2), b.cut(64, 4)
    model = models.resnet18(b, width)
    x, target = b.normal(batch, 3, 32, 32), b.integers(10, batch)
    optimizer, cross_entropy = b.optim.SGD(model.parameters(), lr=0.01), b.F.cross_entropy
    # Every stage does 4 (the first) or 3.5 full 3x3 convolutions' work and a 1x1 shortcut's.
    stem, full = 27 * width * 1024, 9 * width * width * 1024
    macs = stem * 2 / 3 + full * (4 + 3 * (3.5 + 1 / 18)) + 8 * width * 10
    flops = 6.0 * batch * macs
    return trained(model, optimizer, lambda: cross_entropy(model(x), target), flops, tol=2e-3)


@rows("train", "vae_784_400_20_b128")
def vae_784_400_20_b128(b: TensorEngine) -> Work:
    """Reconstruction and Kullback-Leibler loss, summed; Adam."""
    batch, t, F = b.cut(128, 4), b.t, b.F
    model = models.vae(b)
    images, noise = b.t.sigmoid(b.normal(batch, 784)), b.normal(batch, 20)
    optimizer = b.optim.Adam(model.parameters(), lr=1e-3)

    def loss_of(fixed: Any = None) -> Any:
        result, mean, logvar = model(images, fixed)
        error = F.binary_cross_entropy(result, images, reduction="sum")
        return error - 0.5 * t.sum(1 + logvar - mean.pow(2) - logvar.exp())

    macs = 784 * 400 * 2 + 3 * (2 * 400 * 20 + 20 * 400 + 400 * 784)
    work = trained(model, optimizer, loss_of, 2.0 * batch * macs)
    # Each engine draws other noise; the comparison brings its own.
    work.check = trained(model, optimizer, lambda: loss_of(noise)).check
    return work
