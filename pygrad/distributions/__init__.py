"""Probability distributions with PyTorch's names: draws, log-probabilities, entropies, divergences.

What policy gradients and variational models use. Parameters may require gradients: `log_prob` and
`entropy` are differentiable, and so is what `rsample` returns.
"""

from __future__ import annotations

from pygrad.distributions.continuous import Exponential, Laplace, Normal, Uniform
from pygrad.distributions.discrete import Bernoulli, Categorical
from pygrad.distributions.distribution import Distribution, Independent
from pygrad.distributions.kl import kl_divergence

__all__ = [
    "Bernoulli",
    "Categorical",
    "Distribution",
    "Exponential",
    "Independent",
    "Laplace",
    "Normal",
    "Uniform",
    "kl_divergence",
]
