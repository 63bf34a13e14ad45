"""Distributions over real numbers: normal, uniform, exponential, Laplace."""

from __future__ import annotations

import math

import pygrad
from pygrad.distributions.distribution import Distribution, broadcast, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from pygrad._C import Tensor

__all__ = ["Exponential", "Laplace", "Normal", "Uniform"]


def _is_real(value: Tensor) -> Tensor:
    return ~value.isnan()


class Normal(Distribution):
    """The normal distribution: density exp(-(x - loc)^2 / (2 scale^2)) / (scale sqrt(2 pi)).

    Args:
        loc: mean, a number or a tensor.
        scale: standard deviation, above 0.
        validate_args: see `Distribution`.

    Raises:
        ValueError: a parameter or value is out of its range.

    Example:
        >>> import pygrad
        >>> pygrad.distributions.Normal(0.0, 1.0).log_prob(pygrad.tensor(1.0))
        tensor(-1.4189)
    """

    has_rsample = True

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale = broadcast(loc, scale)
        super().__init__(self.loc.shape, validate_args=validate_args)
        self._check_parameter("loc", self.loc, _is_real(self.loc), "real numbers")
        self._check_parameter("scale", self.scale, self.scale > 0, "numbers above 0")

    def __repr__(self) -> str:
        return f"Normal(loc: {shown(self.loc)}, scale: {shown(self.scale)})"

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def stddev(self) -> Tensor:
        return self.scale

    @property
    def variance(self) -> Tensor:
        return self.scale**2

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        noise = pygrad.randn(
            self._shape(sample_shape), dtype=self.loc.dtype, device=self.loc.device
        )
        result: Tensor = self.loc + noise * self.scale
        return result

    def log_prob(self, value: Tensor) -> Tensor:
        self._check_value(value, _is_real, "real numbers")
        scaled = (value - self.loc) / self.scale
        return -(scaled**2) / 2 - self.scale.log() - math.log(2 * math.pi) / 2

    def cdf(self, value: Tensor) -> Tensor:
        self._check_value(value, _is_real, "real numbers")
        return (1 + ((value - self.loc) / (self.scale * math.sqrt(2))).erf()) / 2

    def entropy(self) -> Tensor:
        return 0.5 + 0.5 * math.log(2 * math.pi) + self.scale.log()


class Uniform(Distribution):
    """The uniform distribution on [low, high).

    Args:
        low: a number or a tensor.
        high: above `low`.
        validate_args: see `Distribution`.

    Raises:
        ValueError: `low` is not below `high`, or a value is outside.
    """

    has_rsample = True

    def __init__(self, low: Any, high: Any, validate_args: bool | None = None) -> None:
        self.low, self.high = broadcast(low, high)
        super().__init__(self.low.shape, validate_args=validate_args)
        self._check_parameter("high", self.high, self.low < self.high, "numbers above low")

    def __repr__(self) -> str:
        return f"Uniform(low: {shown(self.low)}, high: {shown(self.high)})"

    @property
    def mean(self) -> Tensor:
        return (self.low + self.high) / 2

    @property
    def variance(self) -> Tensor:
        return (self.high - self.low) ** 2 / 12

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        part = pygrad.rand(self._shape(sample_shape), dtype=self.low.dtype, device=self.low.device)
        result: Tensor = self.low + part * (self.high - self.low)
        return result

    def log_prob(self, value: Tensor) -> Tensor:
        self._check_value(
            value, lambda v: (self.low <= v) & (v <= self.high), "low <= value <= high"
        )
        inside = ((self.low <= value) & (value < self.high)).to(self.low.dtype)
        return inside.log() - (self.high - self.low).log()

    def cdf(self, value: Tensor) -> Tensor:
        return ((value - self.low) / (self.high - self.low)).clamp(0, 1)

    def entropy(self) -> Tensor:
        return (self.high - self.low).log()


class Exponential(Distribution):
    """The exponential distribution: density rate exp(-rate x) for x >= 0.

    Args:
        rate: above 0, a number or a tensor.
        validate_args: see `Distribution`.

    Raises:
        ValueError: a parameter or value is out of its range.
    """

    has_rsample = True

    def __init__(self, rate: Any, validate_args: bool | None = None) -> None:
        (self.rate,) = broadcast(rate)
        super().__init__(self.rate.shape, validate_args=validate_args)
        self._check_parameter("rate", self.rate, self.rate > 0, "numbers above 0")

    def __repr__(self) -> str:
        return f"Exponential(rate: {shown(self.rate)})"

    @property
    def mean(self) -> Tensor:
        return 1 / self.rate

    @property
    def mode(self) -> Tensor:
        result: Tensor = pygrad.zeros_like(self.rate)
        return result

    @property
    def variance(self) -> Tensor:
        return self.rate**-2

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        part = pygrad.rand(
            self._shape(sample_shape), dtype=self.rate.dtype, device=self.rate.device
        )
        result: Tensor = -(-part).log1p() / self.rate  # part < 1, so the logarithm is finite
        return result

    def log_prob(self, value: Tensor) -> Tensor:
        self._check_value(value, lambda v: v >= 0, "numbers from 0")
        return self.rate.log() - self.rate * value

    def cdf(self, value: Tensor) -> Tensor:
        self._check_value(value, lambda v: v >= 0, "numbers from 0")
        return 1 - (-self.rate * value).exp()

    def entropy(self) -> Tensor:
        return 1 - self.rate.log()


class Laplace(Distribution):
    """The Laplace distribution: density exp(-|x - loc| / scale) / (2 scale).

    Args:
        loc: mean, a number or a tensor.
        scale: above 0.
        validate_args: see `Distribution`.

    Raises:
        ValueError: a parameter or value is out of its range.
    """

    has_rsample = True

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale = broadcast(loc, scale)
        super().__init__(self.loc.shape, validate_args=validate_args)
        self._check_parameter("loc", self.loc, _is_real(self.loc), "real numbers")
        self._check_parameter("scale", self.scale, self.scale > 0, "numbers above 0")

    def __repr__(self) -> str:
        return f"Laplace(loc: {shown(self.loc)}, scale: {shown(self.scale)})"

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        return 2 * self.scale**2

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        # In (-1, 1): the ends would give infinity.
        part = pygrad.rand(self._shape(sample_shape), dtype=self.loc.dtype, device=self.loc.device)
        part = (part * 2 - 1).clamp(min=-1 + pygrad.finfo(self.loc.dtype).eps / 2)
        result: Tensor = self.loc - self.scale * part.sign() * (-part.abs()).log1p()
        return result

    def log_prob(self, value: Tensor) -> Tensor:
        self._check_value(value, _is_real, "real numbers")
        return -(2 * self.scale).log() - (value - self.loc).abs() / self.scale

    def cdf(self, value: Tensor) -> Tensor:
        self._check_value(value, _is_real, "real numbers")
        distance = value - self.loc
        return 0.5 - 0.5 * distance.sign() * (-distance.abs() / self.scale).expm1()

    def entropy(self) -> Tensor:
        return 1 + (2 * self.scale).log()
