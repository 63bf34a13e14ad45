"""Random chains of views and in-place operations against PyTorch: values, gradients, refusals."""

from __future__ import annotations

import random

import pytest

import pygrad

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

VIEWS = (
    lambda t, r: t.transpose(0, 1) if t.dim() > 1 else t[:],
    lambda t, r: t[r(t.shape[0])] if t.dim() > 1 else t[r(t.shape[0]) :],
    lambda t, r: t[r(t.shape[0]) :],
    lambda t, r: t[::2],
    lambda t, r: t.unsqueeze(0),
    lambda t, r: t.narrow(-1, 0, 1 + r(t.shape[-1])),
    lambda t, r: t.view_as(t),
    lambda t, r: t.detach() if r(4) == 0 else t,
)
IN_PLACE = (
    lambda t, o, r: t.mul_(2 + r(3)),
    # The operand is a copy: what PyTorch does where it overlaps the written tensor depends on
    # the layout.
    lambda t, o, r: t.add_(o.reshape(-1)[0].clone()),
    lambda t, o, r: t.mul_(o.reshape(-1)[r(o.numel())].clone()),
    lambda t, o, r: t.sin_(),
    lambda t, o, r: t.tanh_(),
    lambda t, o, r: t.zero_(),
    lambda t, o, r: t.copy_(o.reshape(-1)[0].clone().expand(tuple(t.shape))),
    lambda t, o, r: t.exp_().mul_(0.1),
)
PURE = (
    lambda t, o, r: t * t,
    lambda t, o, r: t.exp() * 0.1,
    lambda t, o, r: t + o.reshape(-1)[0],
    lambda t, o, r: t * o.reshape(-1)[r(o.numel())],
    lambda t, o, r: t.sum(0, keepdim=True).expand(tuple(t.shape)) * 1.0,
)


def run(lib, seed):
    """Return every value and gradient of a program drawn from `seed`, or that it was refused."""
    rng = random.Random(seed)
    draw = lambda n: rng.randrange(max(n, 1))  # noqa: E731
    values = [[rng.uniform(-1, 1) for _ in range(4)] for _ in range(3)]
    x = lib.tensor(values, dtype=lib.float64, requires_grad=True)
    y = lib.tensor([rng.uniform(0.5, 1) for _ in range(4)], dtype=lib.float64, requires_grad=True)
    live = [x * 1.0, y * 1.0]
    trace = []
    try:
        for _ in range(rng.randrange(3, 12)):
            kind = draw(10)
            target, other = live[draw(len(live))], live[draw(len(live))]
            if kind < 4:
                live.append(VIEWS[draw(len(VIEWS))](target, draw))
            elif kind < 8:
                IN_PLACE[draw(len(IN_PLACE))](target, other, draw)
            else:
                live.append(PURE[draw(len(PURE))](target, other, draw))
            trace.append((live[-1].tolist(), live[-1].requires_grad, live[-1]._version))
        total = sum((t * (i + 1)).sum() for i, t in enumerate(live) if t.requires_grad)
        if not isinstance(total, lib.Tensor):
            return trace, None, None
        total.backward()
    except RuntimeError:
        return trace, "refused", None
    grads = [None if t.grad is None else t.grad.tolist() for t in (x, y)]
    return trace, [t.tolist() for t in live], grads


def same(a, b):
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(same(p, q) for p, q in zip(a, b, strict=True))
    if isinstance(a, float) and isinstance(b, float):
        return a == b or abs(a - b) <= 1e-9 * max(1.0, abs(a), abs(b)) or (a != a and b != b)
    return a == b


@pytest.mark.parametrize("block", range(20))
def test_random_programs(block):
    for seed in range(block * 100, block * 100 + 100):
        ours, theirs = run(pygrad, seed), run(torch, seed)
        assert same(ours[0], theirs[0]), f"seed {seed}: values differ"
        assert (ours[1] == "refused") == (theirs[1] == "refused"), f"seed {seed}: refusal differs"
        assert same(ours[1], theirs[1]), f"seed {seed}: final values differ"
        assert same(ours[2], theirs[2]), f"seed {seed}: gradients differ"
