"""What all distributions share: shapes, the checks of arguments, and `Independent`."""

from __future__ import annotations

import pygrad

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from pygrad._C import Size, Tensor

__all__ = ["Distribution", "Independent"]

_validate_by_default = __debug__


def broadcast(*parameters: Any) -> tuple[Tensor, ...]:
    """The parameters as tensors of one shape; numbers take the dtype of the tensors beside them."""
    tensors = [p for p in parameters if isinstance(p, pygrad.Tensor)]
    dtype = tensors[0].dtype if tensors else pygrad.get_default_dtype()
    device = tensors[0].device if tensors else None
    return tuple(
        pygrad.broadcast_tensors(
            *(
                p
                if isinstance(p, pygrad.Tensor)
                else pygrad.tensor(float(p), dtype=dtype, device=device)
                for p in parameters
            )
        )
    )


def shown(parameter: Tensor) -> str:
    """A parameter in a repr: its number where there is one, else its shape."""
    return f"{parameter}" if parameter.numel() == 1 else f"{parameter.shape}"


class Distribution:
    """Base of the distributions.

    Args:
        batch_shape: the shape of the parameters: so many distributions side by side.
        event_shape: the shape of one draw of one of them.
        validate_args: whether parameters and values are checked; by default they are, unless
            Python runs with -O.
    """

    has_rsample = False

    def __init__(
        self,
        batch_shape: Sequence[int] = (),
        event_shape: Sequence[int] = (),
        validate_args: bool | None = None,
    ) -> None:
        self._batch_shape = pygrad.Size(batch_shape)
        self._event_shape = pygrad.Size(event_shape)
        self._validate_args = _validate_by_default if validate_args is None else validate_args

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Sets whether distributions made from now on check their arguments."""
        global _validate_by_default
        _validate_by_default = bool(value)

    @property
    def batch_shape(self) -> Size:
        """The shape of the parameters."""
        return self._batch_shape

    @property
    def event_shape(self) -> Size:
        """The shape of one draw."""
        return self._event_shape

    @property
    def mean(self) -> Tensor:
        """The expected value."""
        raise NotImplementedError(f"{type(self).__name__}.mean is not defined")

    @property
    def variance(self) -> Tensor:
        """The expected squared distance from the mean."""
        raise NotImplementedError(f"{type(self).__name__}.variance is not defined")

    @property
    def mode(self) -> Tensor:
        """The most probable value."""
        raise NotImplementedError(f"{type(self).__name__}.mode is not defined")

    @property
    def stddev(self) -> Tensor:
        """The square root of the variance."""
        return self.variance.sqrt()

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Draws; without gradient. The result has the shape sample_shape + batch + event shape."""
        with pygrad.no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        """Draws such that gradients flow to the parameters."""
        raise NotImplementedError(
            f"{type(self).__name__}.rsample(): its draws have no gradient; use sample() "
            "and log_prob()"
        )

    def log_prob(self, value: Tensor) -> Tensor:
        """The logarithm of the density or probability of `value`."""
        raise NotImplementedError(f"{type(self).__name__}.log_prob() is not defined")

    def entropy(self) -> Tensor:
        """The expected value of ``-log_prob``."""
        raise NotImplementedError(f"{type(self).__name__}.entropy() is not defined")

    def cdf(self, value: Tensor) -> Tensor:
        """The probability of a draw of at most `value`."""
        raise NotImplementedError(f"{type(self).__name__}.cdf() is not defined")

    def perplexity(self) -> Tensor:
        """The exponential of the entropy."""
        return self.entropy().exp()

    def _shape(self, sample_shape: Sequence[int]) -> tuple[int, ...]:
        return (*sample_shape, *self._batch_shape, *self._event_shape)

    def _check_parameter(self, name: str, value: Tensor, valid: Tensor, expected: str) -> None:
        if self._validate_args and not bool(valid.all()):
            raise ValueError(
                f"{type(self).__name__}(): parameter {name} holds invalid values: {value}; "
                f"expected {expected}"
            )

    def _check_value(self, value: Any, valid: Any, expected: str) -> None:
        """`valid` maps the value to booleans."""
        if not self._validate_args:
            return
        name = type(self).__name__
        if not isinstance(value, pygrad.Tensor):
            raise ValueError(
                f"{name}.log_prob(): the value must be a Tensor, but got {type(value).__name__}"
            )
        events = len(self._event_shape)
        shape, own = tuple(value.shape), tuple(self._batch_shape) + tuple(self._event_shape)
        fits = shape[len(shape) - events :] == tuple(self._event_shape)
        for a, b in zip(reversed(shape), reversed(own), strict=False):
            fits = fits and (a == b or a == 1 or b == 1)
        if not fits:
            raise ValueError(
                f"{name}.log_prob(): the value has shape {shape}; expected one that broadcasts "
                f"with {own}"
            )
        if not bool(valid(value).all()):
            raise ValueError(f"{name}.log_prob(): invalid values: {value}; expected {expected}")


class Independent(Distribution):
    """A distribution whose last batch dims count as one event: their log-probabilities are summed.

    Args:
        base_distribution: any distribution.
        reinterpreted_batch_ndims: how many dims.
        validate_args: see `Distribution`.

    Example:
        >>> import pygrad
        >>> from pygrad.distributions import Independent, Normal
        >>> Independent(Normal(pygrad.zeros(3), 1.0), 1).log_prob(pygrad.zeros(3))
        tensor(-2.7568)
    """

    def __init__(
        self,
        base_distribution: Distribution,
        reinterpreted_batch_ndims: int,
        validate_args: bool | None = None,
    ) -> None:
        shape = tuple(base_distribution.batch_shape)
        if not 0 <= reinterpreted_batch_ndims <= len(shape):
            raise ValueError(
                f"Independent(): reinterpreted_batch_ndims is {reinterpreted_batch_ndims}; "
                f"expected 0..{len(shape)}, as the batch shape is {shape}"
            )
        self.base_dist = base_distribution
        self.reinterpreted_batch_ndims = reinterpreted_batch_ndims
        kept = len(shape) - reinterpreted_batch_ndims
        event = (*shape[kept:], *base_distribution.event_shape)
        super().__init__(shape[:kept], event, validate_args)
        self.has_rsample = base_distribution.has_rsample

    def __repr__(self) -> str:
        return f"Independent({self.base_dist!r}, {self.reinterpreted_batch_ndims})"

    @property
    def mean(self) -> Tensor:
        return self.base_dist.mean

    @property
    def mode(self) -> Tensor:
        return self.base_dist.mode

    @property
    def variance(self) -> Tensor:
        return self.base_dist.variance

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        return self.base_dist.sample(sample_shape)

    def rsample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        return self.base_dist.rsample(sample_shape)

    def log_prob(self, value: Tensor) -> Tensor:
        return sum_last(self.base_dist.log_prob(value), self.reinterpreted_batch_ndims)

    def entropy(self) -> Tensor:
        return sum_last(self.base_dist.entropy(), self.reinterpreted_batch_ndims)


def sum_last(value: Tensor, count: int) -> Tensor:
    """The sum over the last `count` dims."""
    return value.sum(tuple(range(-count, 0))) if count else value
