"""Samplers: the order in which a loader asks for samples."""

from __future__ import annotations

from itertools import islice
from types import GenericAlias

import pygrad

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence, Sized
    from typing import Any

    from pygrad import Generator, Tensor

__all__ = [
    "BatchSampler",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "SubsetRandomSampler",
    "WeightedRandomSampler",
]


def draw_seed(generator: Generator | None) -> int:
    """A 63-bit seed from the generator, or from the global one."""
    return int(pygrad.randint(0, 2**63 - 1, (1,), generator=generator).item())


def check_count(owner: str, name: str, value: Any) -> None:
    """Raise unless `value` is a positive int."""
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise ValueError(
            f"{owner}(): {name} should be a positive integer value, but got {name}={value}"
        )


class Sampler:
    """Base of the samplers: define `__iter__`, and `__len__` where the length is known."""

    __class_getitem__: Any = classmethod(GenericAlias)

    def __init__(self, data_source: Any = None) -> None:
        pass

    def __iter__(self) -> Iterator[Any]:
        raise NotImplementedError(f"{type(self).__name__}: subclasses should define __iter__")


class SequentialSampler(Sampler):
    """0, 1, 2 and so on.

    Args:
        data_source: whose length counts.
    """

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler):
    """A random order, new in each epoch.

    Args:
        data_source: whose length counts.
        replacement: draw each index independently of the others.
        num_samples: how many to draw; the dataset's length if None.
        generator: for the draws; if None, a seed comes from the global one in each epoch.

    Raises:
        TypeError: `replacement` is no bool.
        ValueError: `num_samples` is no positive integer.

    Example:
        >>> import pygrad
        >>> sorted(pygrad.utils.data.RandomSampler(range(4)))
        [0, 1, 2, 3]
    """

    def __init__(
        self,
        data_source: Sized,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: Generator | None = None,
    ) -> None:
        self.data_source = data_source
        self.replacement = replacement
        self._num_samples = num_samples
        self.generator = generator
        if not isinstance(replacement, bool):
            raise TypeError(
                "RandomSampler(): replacement should be a boolean value, "
                f"but got replacement={replacement}"
            )
        if num_samples is not None:
            check_count("RandomSampler", "num_samples", num_samples)

    @property
    def num_samples(self) -> int:
        """How many indices an epoch has."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        for piece in self._pieces():
            yield from piece.tolist()

    def _pieces(self) -> Iterator[Tensor]:
        """The indices of an epoch as tensors, one after the other."""
        n = len(self.data_source)
        generator = self.generator
        if generator is None:
            generator = pygrad.Generator()
            generator.manual_seed(draw_seed(None))
        left = self.num_samples
        if self.replacement:
            # In pieces, so that a long epoch needs no long list.
            while left > 0:
                count = min(left, 4096)
                yield pygrad.randint(0, n, (count,), generator=generator)
                left -= count
            return
        while left > 0 and n > 0:
            order = pygrad.randperm(n, generator=generator)
            yield order if left >= n else order[:left]
            left -= n

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler):
    """The given indices in a random order.

    Args:
        indices: to choose from.
        generator: for the permutation.
    """

    def __init__(self, indices: Sequence[int], generator: Generator | None = None) -> None:
        self.indices = indices
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        order = pygrad.randperm(len(self.indices), generator=self.generator).tolist()
        for position in order:
            yield self.indices[position]

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler):
    """Indices drawn with the given weights.

    Args:
        weights: one per index, not necessarily summing to 1.
        num_samples: how many to draw.
        replacement: whether an index may come twice.
        generator: for the draws.

    Raises:
        ValueError: `num_samples` is no positive integer, or the weights have no single dimension.
        TypeError: `replacement` is no bool.
    """

    def __init__(
        self,
        weights: Sequence[float],
        num_samples: int,
        replacement: bool = True,
        generator: Generator | None = None,
    ) -> None:
        check_count("WeightedRandomSampler", "num_samples", num_samples)
        if not isinstance(replacement, bool):
            raise ValueError(
                "WeightedRandomSampler(): replacement should be a boolean value, "
                f"but got replacement={replacement}"
            )
        self.weights = pygrad.as_tensor(weights, dtype=pygrad.float64)
        if self.weights.dim() != 1:
            raise ValueError(
                "WeightedRandomSampler(): weights should be a 1d sequence but given weights have "
                f"shape {tuple(self.weights.shape)}"
            )
        self.num_samples = num_samples
        self.replacement = replacement
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        drawn = pygrad.multinomial(
            self.weights, self.num_samples, self.replacement, generator=self.generator
        )
        yield from drawn.tolist()

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler):
    """Lists of indices.

    Args:
        sampler: gives the single indices.
        batch_size: of each list.
        drop_last: leave out a last, shorter list.

    Raises:
        ValueError: `batch_size` is no positive integer or `drop_last` no bool.

    Example:
        >>> import pygrad
        >>> list(pygrad.utils.data.BatchSampler(range(5), 2, False))
        [[0, 1], [2, 3], [4]]
    """

    def __init__(self, sampler: Iterable[Any], batch_size: int, drop_last: bool) -> None:
        check_count("BatchSampler", "batch_size", batch_size)
        if not isinstance(drop_last, bool):
            raise ValueError(
                "BatchSampler(): drop_last should be a boolean value, "
                f"but got drop_last={drop_last}"
            )
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last

    def __iter__(self) -> Iterator[list[Any]]:
        indices = iter(self.sampler)
        while batch := list(islice(indices, self.batch_size)):
            if len(batch) == self.batch_size or not self.drop_last:
                yield batch

    def _index_tensors(self) -> Iterator[Tensor] | None:
        """The batches as index tensors, or None where only iterating gives them.

        They are the same, and drawn at the same moment: from a random sampler whose epoch is one
        permutation, cut without making numbers of Python's.
        """
        sampler = self.sampler
        if (
            type(self) is not BatchSampler
            or type(sampler) is not RandomSampler
            or sampler.replacement
            or sampler.num_samples > len(sampler.data_source)
        ):
            return None
        return self._cut(sampler)

    def _cut(self, sampler: RandomSampler) -> Iterator[Tensor]:
        size = self.batch_size
        for order in sampler._pieces():
            for start in range(0, len(order), size):
                batch = order[start : start + size]
                if len(batch) == size or not self.drop_last:
                    yield batch

    def __len__(self) -> int:
        full, rest = divmod(len(self.sampler), self.batch_size)  # type: ignore[arg-type]
        return full if self.drop_last or not rest else full + 1
