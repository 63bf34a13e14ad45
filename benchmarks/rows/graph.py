"""Graphs and whole loops: long and wide graphs, double backward, loading, saving, an epoch."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import models
from benchmarks.engines import TensorEngine
from benchmarks.row import Work, rows


@rows("graph", "chain_1e6_adds_backward", peak=True)
def chain_1e6_adds_backward(b: TensorEngine) -> Work:
    """A million additions in a row, their backward, and the graph's release."""
    x, one, length = b.normal(1, grad=True), b.normal(1), b.cut(1_000_000, 50)

    def step() -> Any:
        x.grad = None
        y = x
        for _ in range(length):
            y = y + one
        y.backward()
        return x.grad

    return Work(step)


@rows("graph", "wide_1e4_leaves_backward", peak=True)
def wide_1e4_leaves_backward(b: TensorEngine) -> Work:
    leaves = [b.normal(4, grad=True) for _ in range(b.cut(10_000, 20))]

    def step() -> Any:
        total = leaves[0].sum()
        for leaf in leaves[1:]:
            total = total + (leaf * leaf).sum()
        for leaf in leaves:
            leaf.grad = None
        total.backward()
        return total, leaves[0].grad, leaves[-1].grad

    return Work(step)


@rows("graph", "double_backward_mlp")
def double_backward_mlp(b: TensorEngine) -> Work:
    """A penalty on the gradient of a small network, differentiated again."""
    nn, grad = b.nn, b.t.autograd.grad
    net = b.filled(nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 1)))
    x = b.normal(16, 8, grad=True)
    parameters = list(net.parameters())

    def step() -> Any:
        (slope,) = grad(net(x).sum(), x, create_graph=True)
        penalty = (slope.pow(2).sum(1) - 1).pow(2).mean()
        return penalty, *grad(penalty, parameters[:3])

    return Work(step)


def _images(b: TensorEngine) -> tuple[Any, Any]:
    count = b.cut(60_000, 256)
    # Few distinct values serve as well as many, and draw faster.
    few = b.normal_array(1000, 784)[b.integer_array(1000, count)]
    return b.tensor(few), b.integers(10, count)


@rows("graph", {"dataloader_60000x784_w0": 0, "dataloader_60000x784_w2": 2}, peak=True)
def dataloader(b: TensorEngine, workers: int) -> Work:
    """All batches of 64, shuffled, from a TensorDataset."""
    images, labels = _images(b)
    dataset = b.data.TensorDataset(images, labels)
    loader = b.data.DataLoader(dataset, batch_size=64, shuffle=True, num_workers=workers)

    def walk() -> int:
        seen = 0
        for x, y in loader:
            seen += len(x) + 0 * len(y)
        return seen

    def check() -> Any:
        counts = [0] * 10
        for _, y in loader:
            for label in y.tolist():
                counts[label] += 1
        return b.t.tensor(counts)

    # Read and written: 784 floats and a label an image.
    return Work(walk, bytes=len(images) * 2 * (784 * 4.0 + 8), check=check)


@rows("graph", "save_load_100MB", peak=True)
def save_load_100mb(b: TensorEngine) -> Work:
    """Saving ten tensors of 10 MB, and loading them."""
    side = b.cut(1600)
    state = {f"layer{i}.weight": b.normal(side, side) for i in range(10)}
    folder = tempfile.mkdtemp(prefix="benchmark-")
    path, t = Path(folder, "state.pt"), b.t

    def both() -> Any:
        t.save(state, path)
        return t.load(path)

    return Work(both, tol=0.0, close=lambda: shutil.rmtree(folder))


class _Epoch:
    """One epoch of the 784-128-10 network through a DataLoader, as scripts write it."""

    def __init__(self, b: TensorEngine) -> None:
        self.b = b
        self.model = models.mnist_mlp(b)
        self.optimizer = b.optim.SGD(self.model.parameters(), lr=0.05)
        images, labels = _images(b)
        self.dataset = b.data.TensorDataset(images, labels)
        self.loader = b.data.DataLoader(self.dataset, batch_size=64, shuffle=True)

    def _train(self, loader: Any) -> Any:
        model, optimizer, cross_entropy = self.model, self.optimizer, self.b.F.cross_entropy
        loss = None
        for x, target in loader:
            optimizer.zero_grad()
            loss = cross_entropy(model(x), target)
            loss.backward()
            optimizer.step()
        return loss

    def run(self) -> Any:
        """A shuffled epoch; the engines shuffle differently."""
        return self._train(self.loader)

    def check(self) -> Any:
        """The last loss of an epoch in the data's own order over its first part."""
        part = self.b.data.Subset(self.dataset, range(min(1024, len(self.dataset))))
        return self._train(self.b.data.DataLoader(part, batch_size=64))


def _epoch(b: TensorEngine) -> Work:
    epoch = _Epoch(b)
    flops = 2.0 * len(epoch.dataset) * (2 * 784 * 128 + 3 * 1280)
    return Work(epoch.run, flops=flops, tol=1e-3, check=epoch.check)


rows("graph", "mnist_epoch_784_128_10", peak=True)(_epoch)
# What one process more on the machine costs: with several threads, waiting for the one that
# shares its processor can cost far more than the share itself.
rows("graph", "mnist_epoch_784_128_10_beside_busy_process", busy=True)(_epoch)
