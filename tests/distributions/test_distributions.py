"""Distributions: PyTorch's values and gradients, the statistics of draws, and refused arguments."""

from __future__ import annotations

import math

import pytest

import pygrad
from pygrad import distributions as D

CASES = [
    ("Normal", {"loc": [0.5, -1.0], "scale": [1.0, 2.0]}, {"loc": [0.0, 1.0], "scale": [2.0, 0.5]}),
    ("Uniform", {"low": [-1.0, 0.0], "high": [1.0, 0.5]}, {"low": [-2.0, 0.1], "high": [1.0, 2.0]}),
    ("Exponential", {"rate": [0.5, 3.0]}, {"rate": [1.0, 1.0]}),
    (
        "Laplace",
        {"loc": [0.5, -1.0], "scale": [1.0, 2.0]},
        {"loc": [0.0, 1.0], "scale": [2.0, 0.5]},
    ),
    ("Bernoulli", {"probs": [0.2, 0.5]}, {"probs": [0.3, 0.9]}),
    ("Bernoulli", {"logits": [0.2, -3.0]}, {"probs": [0.0, 0.9]}),
    ("Categorical", {"probs": [[0.2, 1.0, 0.3], [0.0, 1.0, 2.0]]}, {"logits": [0.1, -2.0, 0.3]}),
    ("Categorical", {"logits": [0.2, -3.0, 1.0]}, {"probs": [0.5, 0.0, 0.5]}),
]


def make(lib, name, parameters):
    tensors = {
        key: lib.tensor(value, dtype=lib.float64, requires_grad=True)
        for key, value in parameters.items()
    }
    return getattr(lib.distributions, name)(**tensors), list(tensors.values())


def values(lib, name):
    if name == "Categorical":
        return lib.tensor([1, 2])
    return lib.tensor({"Bernoulli": [0.0, 1.0]}.get(name, [0.25, 0.25]), dtype=lib.float64)


def facts(lib, name, first, second):
    p, leaves = make(lib, name, first)
    q, _ = make(lib, name, second)
    text = repr(p)
    results = [p.log_prob(values(lib, name)), p.entropy(), lib.distributions.kl_divergence(p, q)]
    results += [p.mean, p.variance, p.stddev, p.perplexity()]
    if name not in ("Bernoulli", "Categorical"):
        results.append(p.cdf(values(lib, name)))
    finite = [r.sum() for r in results[:2]]
    results += lib.autograd.grad(sum(finite), leaves)
    shapes = [tuple(p.batch_shape), tuple(p.event_shape), tuple(p.sample((3, 2)).shape)]
    return [r.tolist() for r in results], shapes, text, p.sample().requires_grad


@pytest.mark.torch
@pytest.mark.parametrize(("name", "first", "second"), CASES)
def test_same_as_pytorch(name, first, second):
    torch = pytest.importorskip("torch")
    ours, theirs = facts(pygrad, name, first, second), facts(torch, name, first, second)
    for a, b in zip(ours[0], theirs[0], strict=True):
        flat = pygrad.tensor(a, dtype=pygrad.float64).flatten().tolist()
        expected = pygrad.tensor(b, dtype=pygrad.float64).flatten().tolist()
        assert flat == pytest.approx(expected, rel=1e-9, abs=1e-12, nan_ok=True)
    assert ours[1:] == theirs[1:]


@pytest.mark.parametrize(("name", "first", "second"), CASES)
def test_draws_have_the_mean_and_variance(name, first, second, seed):
    p, _ = make(pygrad, name, first)
    draws = p.sample((40000,)).double()
    if name == "Categorical":
        counts = pygrad.stack([(draws == k).double().mean(0) for k in range(3)], -1)
        pygrad.testing.assert_close(counts, p.probs.detach(), rtol=0, atol=0.02)
        return
    bound = 6 * (p.stddev.max().item() + 1) / math.sqrt(40000)
    pygrad.testing.assert_close(draws.mean(0), p.mean.detach(), rtol=0, atol=bound)
    pygrad.testing.assert_close(draws.var(0), p.variance.detach(), rtol=0.1, atol=0.01)
    assert bool(draws.isfinite().all())


@pytest.mark.parametrize("name", ["Normal", "Uniform", "Exponential", "Laplace"])
def test_rsample_has_gradients(name):
    first = next(c[1] for c in CASES if c[0] == name)
    p, leaves = make(pygrad, name, first)
    draws = p.rsample((100,))
    draws.sum().backward()
    assert all(leaf.grad is not None and leaf.grad.abs().sum() > 0 for leaf in leaves)


def test_independent():
    p = D.Independent(D.Normal(pygrad.zeros(4, 3), 1.0), 1)
    assert (p.batch_shape, p.event_shape, p.has_rsample) == ((4,), (3,), True)
    assert p.log_prob(pygrad.zeros(3)).shape == (4,)
    q = D.Independent(D.Normal(pygrad.ones(4, 3), 1.0), 1)
    assert D.kl_divergence(p, q).tolist() == [1.5] * 4
    assert p.entropy().shape == (4,)
    with pytest.raises(ValueError, match=r"expected 0\.\.2"):
        D.Independent(D.Normal(pygrad.zeros(4, 3), 1.0), 3)


def test_refusals():
    with pytest.raises(ValueError, match="parameter scale holds invalid values"):
        D.Normal(0.0, -1.0)
    with pytest.raises(ValueError, match="exactly one"):
        D.Categorical()
    with pytest.raises(ValueError, match="exactly one"):
        D.Bernoulli(0.5, 0.5)
    with pytest.raises(ValueError, match="parameter probs"):
        D.Categorical(pygrad.tensor([0.5, float("nan")]))
    with pytest.raises(ValueError, match="at least one dim"):
        D.Categorical(pygrad.tensor(0.5))
    with pytest.raises(ValueError, match=r"expected 0\.\.1"):
        D.Categorical(pygrad.ones(2)).log_prob(pygrad.tensor(2))
    with pytest.raises(ValueError, match="broadcasts"):
        D.Normal(pygrad.zeros(3), 1.0).log_prob(pygrad.zeros(2))
    with pytest.raises(ValueError, match="must be a Tensor"):
        D.Normal(0.0, 1.0).log_prob(1.0)
    with pytest.raises(NotImplementedError, match="Normal and Laplace"):
        D.kl_divergence(D.Normal(0.0, 1.0), D.Laplace(0.0, 1.0))
    with pytest.raises(NotImplementedError, match=r"use sample\(\)"):
        D.Bernoulli(0.5).rsample()
