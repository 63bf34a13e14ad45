"""Distributions over integers: Bernoulli and categorical."""

from __future__ import annotations

import pygrad
from pygrad.distributions.distribution import Distribution, broadcast, shown
from pygrad.nn import functional as F

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from pygrad._C import Tensor

__all__ = ["Bernoulli", "Categorical"]


def _one_of(name: str, probs: Any, logits: Any) -> None:
    if (probs is None) == (logits is None):
        raise ValueError(
            f"{name}(): got {'neither' if probs is None else 'both'} of probs and logits; "
            "expected exactly one"
        )


def _inside(probs: Tensor) -> Tensor:
    """Probabilities moved off 0 and 1 by one rounding, so that their logarithms are finite."""
    eps = pygrad.finfo(probs.dtype).eps
    return probs.clamp(min=eps, max=1 - eps)


class Bernoulli(Distribution):
    """1 with probability `probs`, else 0.

    Args:
        probs: from 0 to 1, a number or a tensor.
        logits: log(probs / (1 - probs)); give one of both.
        validate_args: see `Distribution`.

    Raises:
        ValueError: both or none given, or a parameter or value out of its range.
    """

    def __init__(
        self, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        _one_of("Bernoulli", probs, logits)
        self._probs, self._logits = None, None
        if probs is not None:
            (given,) = (self._probs,) = broadcast(probs)
        else:
            (given,) = (self._logits,) = broadcast(logits)
        super().__init__(given.shape, validate_args=validate_args)
        if probs is not None:
            self._check_parameter("probs", given, (given >= 0) & (given <= 1), "numbers in 0..1")
        else:
            self._check_parameter("logits", given, ~given.isnan(), "real numbers")

    def __repr__(self) -> str:
        name = "probs" if self._probs is not None else "logits"
        value: Tensor = getattr(self, name)
        return f"Bernoulli({name}: {shown(value)})"

    @property
    def probs(self) -> Tensor:
        """The probability of 1."""
        if self._probs is None:
            assert self._logits is not None
            return self._logits.sigmoid()
        return self._probs

    @property
    def logits(self) -> Tensor:
        """log(probs / (1 - probs))."""
        if self._logits is None:
            inside = _inside(self.probs)
            return inside.log() - (-inside).log1p()
        return self._logits

    @property
    def mean(self) -> Tensor:
        return self.probs

    @property
    def mode(self) -> Tensor:
        most = (self.probs >= 0.5).to(self.probs.dtype)
        return most.masked_fill(self.probs == 0.5, pygrad.nan)

    @property
    def variance(self) -> Tensor:
        return self.probs * (1 - self.probs)

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        with pygrad.no_grad():
            result: Tensor = pygrad.bernoulli(self.probs.expand(self._shape(sample_shape)))
            return result

    def log_prob(self, value: Tensor) -> Tensor:
        self._check_value(value, lambda v: (v == 0) | (v == 1), "0 or 1")
        logits, value = pygrad.broadcast_tensors(self.logits, value)
        return -F.binary_cross_entropy_with_logits(logits, value, reduction="none")

    def entropy(self) -> Tensor:
        return F.binary_cross_entropy_with_logits(self.logits, self.probs, reduction="none")


class Categorical(Distribution):
    """One of the numbers 0..k-1; their probabilities are along the last dim of the parameter.

    Args:
        probs: (..., k), not negative; scaled to the sum 1.
        logits: (..., k), logarithms of probabilities that need not be scaled; give one of both.
        validate_args: see `Distribution`.

    Raises:
        ValueError: both or none given, or a parameter or value out of its range.

    Example:
        >>> import pygrad
        >>> choice = pygrad.distributions.Categorical(pygrad.tensor([0.25, 0.75]))
        >>> choice.log_prob(pygrad.tensor(1)).exp()
        tensor(0.7500)
    """

    def __init__(
        self,
        probs: Tensor | None = None,
        logits: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        _one_of("Categorical", probs, logits)
        given = probs if probs is not None else logits
        if not isinstance(given, pygrad.Tensor) or given.dim() == 0:
            raise ValueError(
                f"Categorical(): {'probs' if probs is not None else 'logits'} must be a Tensor of "
                "at least one dim"
            )
        super().__init__(given.shape[:-1], validate_args=validate_args)
        self._num_events = given.shape[-1]
        self._probs, self._logits = None, None
        if probs is not None:
            valid = (given >= 0).all(-1) & (given.sum(-1) > 0)
            self._check_parameter("probs", given, valid, "numbers from 0, not all of them 0")
            self._probs = given / given.sum(-1, keepdim=True)
        else:
            self._check_parameter("logits", given, ~given.isnan(), "real numbers")
            self._logits = given - given.logsumexp(-1, keepdim=True)

    def __repr__(self) -> str:
        name = "probs" if self._probs is not None else "logits"
        value: Tensor = getattr(self, name)
        return f"Categorical({name}: {shown(value)})"

    @property
    def probs(self) -> Tensor:
        """The probabilities, with the sum 1."""
        if self._probs is None:
            assert self._logits is not None
            return self._logits.softmax(-1)
        return self._probs

    @property
    def logits(self) -> Tensor:
        """The logarithms of the probabilities."""
        return _inside(self.probs).log() if self._logits is None else self._logits

    @property
    def mode(self) -> Tensor:
        return self.probs.argmax(-1)

    @property
    def mean(self) -> Tensor:
        result: Tensor = pygrad.full(self.batch_shape, pygrad.nan, dtype=self.probs.dtype)
        return result

    @property
    def variance(self) -> Tensor:
        return self.mean

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        shape = self._shape(sample_shape)
        count = 1
        for size in sample_shape:
            count *= size
        if 0 in shape:
            result: Tensor = pygrad.empty(shape, dtype=pygrad.int64, device=self.probs.device)
            return result
        with pygrad.no_grad():
            rows = self.probs.reshape(-1, self._num_events)
            drawn: Tensor = pygrad.multinomial(rows, count, True).t().reshape(shape)
            return drawn

    def log_prob(self, value: Tensor) -> Tensor:
        self._check_value(
            value,
            lambda v: (v >= 0) & (v < self._num_events) & (v == v.floor()),
            f"0..{self._num_events - 1}",
        )
        index = value.long()
        shape = pygrad.broadcast_shapes(index.shape, self.batch_shape)
        logits = self.logits.expand(*shape, self._num_events)
        return logits.gather(-1, index.expand(shape).unsqueeze(-1)).squeeze(-1)

    def entropy(self) -> Tensor:
        lowest = pygrad.finfo(self.logits.dtype).min  # 0 * -inf would be NaN
        return -(self.logits.clamp(min=lowest) * self.probs).sum(-1)
