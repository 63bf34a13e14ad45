# ruff: noqa: E501 -- tables of samples read better unwrapped
"""Random graphs of ops and views: the tape's gradient against differences, and against PyTorch."""

from __future__ import annotations

import importlib.util
import random

import pytest

import pygrad
from pygrad.autograd import gradcheck
from tests.conftest import SEED

UNARY = ("sin", "cos", "tanh", "exp", "sigmoid", "neg", "square", "softplus", "erf", "atan")
BINARY = ("add", "sub", "mul", "atan2_shifted", "lerp", "hypot")
VIEWS = (
    "t",
    "slice",
    "flip",
    "reshape",
    "select",
    "expand",
    "narrow",
    "diagonal",
    "unsqueeze",
    "chunk",
    "permute",
    "roll",
)
REDUCTIONS = (
    "sum",
    "mean",
    "logsumexp",
    "var",
    "softmax",
    "cumsum",
    "amax",
    "norm",
    "prod",
    "log_softmax",
)
JOINS = ("cat", "stack", "matmul", "where", "gather", "index", "outer", "in_place", "in_place_view")


def apply(lib, kind, name, x, y, draw):
    """One step of a program; `draw(n)` gives an integer below n. Tame: values stay near 1."""
    if kind == "unary":
        f = lib.nn.functional.softplus if name == "softplus" else getattr(lib, name)
        return f(x * 0.5)
    if kind == "binary":
        y = y.reshape(-1)[draw(y.numel())] if y.shape != x.shape else y
        if name == "atan2_shifted":
            return lib.atan2(x, y * y + 1.0)
        if name == "lerp":
            return lib.lerp(x, y.expand(x.shape), 0.3)
        if name == "hypot":
            return lib.hypot(x, y * y + 1.0)
        return getattr(lib, name)(x, y)
    if kind == "view":
        d = draw(max(x.dim(), 1))
        if x.dim() == 0:
            return x.reshape(1) if name != "expand" else x.expand(2)
        n = x.shape[d]
        return {
            "t": lambda: x.transpose(0, x.dim() - 1),
            "slice": lambda: x[draw(n) :] if d == 0 else x[..., ::2],
            "flip": lambda: x.flip(d),
            "reshape": lambda: x.reshape(-1),
            "select": lambda: x.select(d, draw(n)) if x.numel() > n else x,
            "expand": lambda: x.unsqueeze(0).expand(2, *x.shape) if x.numel() < 9 else x,
            "narrow": lambda: x.narrow(d, 0, 1 + draw(n)),
            "diagonal": lambda: x.diagonal() if x.dim() > 1 else x,
            "unsqueeze": lambda: x.unsqueeze(d) if x.dim() < 4 else x,
            "chunk": lambda: x.chunk(2, d)[0],
            "permute": lambda: x.permute(*reversed(range(x.dim()))),
            "roll": lambda: x.roll(1, d),
        }[name]()
    if kind == "reduce":
        if x.dim() == 0:
            return x * x
        d = draw(x.dim())
        return {
            "sum": lambda: x.sum(d) * 0.5,
            "mean": lambda: x.mean(d, keepdim=True),
            "logsumexp": lambda: x.logsumexp(d),
            "var": lambda: x.var(d, unbiased=False),
            "softmax": lambda: x.softmax(d),
            "cumsum": lambda: x.cumsum(d) * 0.5,
            "amax": lambda: x.amax(d) if x.shape[d] == 1 else x.sum(d) * 0.3,
            "norm": lambda: (x * x + 0.1).sum(d).sqrt(),
            "prod": lambda: (x * 0.3 + 1.0).prod(d),
            "log_softmax": lambda: x.log_softmax(d) * 0.3,
        }[name]()
    flat, other = x.reshape(-1), y.reshape(-1)
    if name == "cat":
        return lib.cat([flat, other])[:9]
    if name == "stack":
        n = min(len(flat), len(other), 4)
        return lib.stack([flat[:n], other[:n]], 1)
    if name == "matmul":
        n = min(len(flat), len(other), 3)
        return lib.outer(flat[:n], other[:n]) @ lib.outer(other[:n], flat[:n]) * 0.1
    if name == "where":
        return lib.where(lib.arange(len(flat)) % 2 == 0, flat, other[draw(len(other))])
    if name == "gather":
        return flat.gather(0, lib.tensor([draw(len(flat)) for _ in range(4)]))
    if name == "index":
        return flat[lib.tensor([draw(len(flat)), 0, -1])]
    if name == "outer":
        return lib.outer(flat[:2], other[:2]) * 0.5
    made = flat * 1.0
    if name == "in_place":
        made.mul_(other[0]).add_(0.1)
    else:
        made[: 1 + draw(len(made))].mul_(0.5)
        made[draw(len(made))] = other[-1]
    return made


STEPS = (
    [("unary", n) for n in UNARY] + [("binary", n) for n in BINARY] + [("view", n) for n in VIEWS] + [("reduce", n) for n in REDUCTIONS] + [("join", n) for n in JOINS]
)  # fmt: skip


def program(lib, seed):
    """A function of two tensors, drawn from `seed`; the same one for every library."""

    def f(a, b):
        rng = random.Random(seed)
        live = [a, b]
        for _ in range(rng.randrange(3, 10)):
            kind, name = STEPS[rng.randrange(len(STEPS))]
            x, y = live[rng.randrange(len(live))], live[rng.randrange(len(live))]
            live.append(apply(lib, kind, name, x, y, lambda n: rng.randrange(max(n, 1))))
        return sum((t.reshape(-1) * (0.3 + 0.1 * i)).sum() for i, t in enumerate(live[2:]))

    return f


def inputs(lib, seed):
    rng = random.Random(seed + 1)
    a = [[rng.uniform(-1, 1) for _ in range(3)] for _ in range(2)]
    b = [rng.uniform(0.2, 1) for _ in range(4)]
    return tuple(lib.tensor(v, dtype=lib.float64, requires_grad=True) for v in (a, b))


@pytest.mark.parametrize("block", range(10))
def test_gradient_is_the_difference_quotient(block):
    for seed in range(SEED + block * 40, SEED + block * 40 + 40):
        f, (a, b) = program(pygrad, seed), inputs(pygrad, seed)
        if f(a, b).requires_grad:
            assert gradcheck(f, (a, b)), f"program {seed}"


@pytest.mark.torch
@pytest.mark.parametrize("block", range(10))
def test_gradient_is_pytorchs(block):
    torch = pytest.importorskip("torch")
    for seed in range(SEED + block * 100, SEED + block * 100 + 100):
        results = []
        for lib in (pygrad, torch):
            a, b = inputs(lib, seed)
            value = program(lib, seed)(a, b)
            if value.requires_grad:
                value.backward(create_graph=False)
            results.append(
                [value.tolist(), *(None if t.grad is None else t.grad.tolist() for t in (a, b))]
            )
        ours, theirs = results
        assert ours[0] == pytest.approx(theirs[0], rel=1e-9, abs=1e-12), f"program {seed}"
        for g, h in zip(ours[1:], theirs[1:], strict=True):
            assert (g is None) == (h is None), f"program {seed}"
            if g is not None:
                close = pygrad.allclose(pygrad.tensor(g), pygrad.tensor(h), rtol=1e-9, atol=1e-11)
                assert close, f"program {seed}: {g}, PyTorch {h}"


@pytest.mark.skipif(
    importlib.util.find_spec("hypothesis") is None, reason="hypothesis is not installed"
)
def test_hypothesis_shrinks_what_fails():
    """The same programs, with seeds chosen (and made small) by hypothesis."""
    from hypothesis import given, settings
    from hypothesis import strategies as st

    @settings(max_examples=60, deadline=None, database=None, derandomize=True)
    @given(st.integers(10_000, 10_000_000))
    def check(seed):
        f, (a, b) = program(pygrad, seed), inputs(pygrad, seed)
        if f(a, b).requires_grad:
            assert gradcheck(f, (a, b), fast_mode=True)

    check()
