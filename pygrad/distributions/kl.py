"""Kullback-Leibler divergences between distributions of one family."""

from __future__ import annotations

import pygrad
from pygrad.distributions.continuous import Exponential, Laplace, Normal, Uniform
from pygrad.distributions.discrete import Bernoulli, Categorical
from pygrad.distributions.distribution import Distribution, Independent, sum_last

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from pygrad._C import Tensor

__all__ = ["kl_divergence"]


def _normal(p: Normal, q: Normal) -> Tensor:
    ratio = (p.scale / q.scale) ** 2
    return 0.5 * (ratio + ((p.loc - q.loc) / q.scale) ** 2 - 1 - ratio.log())


def _uniform(p: Uniform, q: Uniform) -> Tensor:
    value = ((q.high - q.low) / (p.high - p.low)).log()
    return value.masked_fill((q.low > p.low) | (q.high < p.high), pygrad.inf)


def _exponential(p: Exponential, q: Exponential) -> Tensor:
    ratio = q.rate / p.rate
    return ratio - 1 - ratio.log()


def _laplace(p: Laplace, q: Laplace) -> Tensor:
    ratio = p.scale / q.scale
    distance = (p.loc - q.loc).abs()
    return -ratio.log() + distance / q.scale + ratio * (-distance / p.scale).exp() - 1


def _bernoulli(p: Bernoulli, q: Bernoulli) -> Tensor:
    # xlogy gives 0 where the probability is 0, and infinity where only the other's is.
    one = pygrad.xlogy(p.probs, p.probs) - pygrad.xlogy(p.probs, q.probs)
    zero = pygrad.xlogy(1 - p.probs, 1 - p.probs) - pygrad.xlogy(1 - p.probs, 1 - q.probs)
    result: Tensor = one + zero
    return result


def _categorical(p: Categorical, q: Categorical) -> Tensor:
    terms = p.probs * (p.logits - q.logits)
    terms = terms.masked_fill((q.probs == 0).expand_as(terms), pygrad.inf)
    return terms.masked_fill((p.probs == 0).expand_as(terms), 0.0).sum(-1)


def _independent(p: Independent, q: Independent) -> Tensor:
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise NotImplementedError(
            "kl_divergence(): the Independent distributions have "
            f"{p.reinterpreted_batch_ndims} and {q.reinterpreted_batch_ndims} event dims; "
            "expected as many"
        )
    return sum_last(kl_divergence(p.base_dist, q.base_dist), p.reinterpreted_batch_ndims)


_FORMULAS: dict[type, Any] = {
    Normal: _normal,
    Uniform: _uniform,
    Exponential: _exponential,
    Laplace: _laplace,
    Bernoulli: _bernoulli,
    Categorical: _categorical,
    Independent: _independent,
}


def kl_divergence(p: Distribution, q: Distribution) -> Tensor:
    """The expected value under `p` of ``p.log_prob(x) - q.log_prob(x)``.

    Args:
        p: a distribution.
        q: one of the same family.

    Raises:
        NotImplementedError: there is no formula for the two.

    Example:
        >>> import pygrad
        >>> from pygrad.distributions import Normal, kl_divergence
        >>> kl_divergence(Normal(1.0, 1.0), Normal(0.0, 1.0))
        tensor(0.5000)
    """
    for family, formula in _FORMULAS.items():
        if isinstance(p, family) and isinstance(q, family):
            result: Tensor = formula(p, q)
            return result
    raise NotImplementedError(
        f"kl_divergence(): no formula for {type(p).__name__} and {type(q).__name__}; expected "
        f"two of one family: {', '.join(f.__name__ for f in _FORMULAS)}"
    )
