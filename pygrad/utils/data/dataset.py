"""Datasets: indexable collections and streams of samples.

A dataset may define `__getitems__(indices)`, which returns a list of samples at once, and
`__getbatch__(indices)`, which returns the collated batch itself, equal to what collating the single
samples gives, or `NotImplemented`. The loader uses the latter where the default collate is in use.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from types import GenericAlias

import pygrad

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Any

    from pygrad import Generator, Tensor

__all__ = [
    "ChainDataset",
    "ConcatDataset",
    "Dataset",
    "IterableDataset",
    "StackDataset",
    "Subset",
    "TensorDataset",
    "random_split",
]


def batch_method(owner: object, name: str, singles: tuple[str, ...]) -> Callable[[Any], Any] | None:
    """The method `name` of `owner`, unless a subclass changed one of the `singles` it stands for.

    A subclass that overrides `__getitem__` inherits a `__getbatch__` that knows nothing of the
    change, so the inherited one must not be used.
    """
    for cls in type(owner).__mro__:
        members = vars(cls)
        if name in members:
            method: Callable[[Any], Any] | None = getattr(owner, name)
            return method
        if any(single in members for single in singles):
            return None
    return None


def batch_getter(dataset: object) -> Callable[[Any], Any] | None:
    """The dataset's trustworthy `__getbatch__`, or None."""
    return batch_method(dataset, "__getbatch__", ("__getitem__", "__getitems__"))


class Dataset:
    """Base of the datasets that are indexed: define `__getitem__` and, mostly, `__len__`.

    Example:
        >>> import pygrad
        >>> class Squares(pygrad.utils.data.Dataset):
        ...     def __len__(self):
        ...         return 4
        ...     def __getitem__(self, index):
        ...         return index * index
        >>> next(iter(pygrad.utils.data.DataLoader(Squares(), batch_size=4)))
        tensor([0, 1, 4, 9])
    """

    __class_getitem__: Any = classmethod(GenericAlias)

    def __getitem__(self, index: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__}: subclasses should define __getitem__")

    def __add__(self, other: Dataset) -> ConcatDataset:
        return ConcatDataset([self, other])


class IterableDataset(Dataset):
    """Base of the datasets that are streams: define `__iter__`.

    With several workers each has its own copy; use `get_worker_info()` to share the stream out.
    """

    def __iter__(self) -> Iterator[Any]:
        raise NotImplementedError(f"{type(self).__name__}: subclasses should define __iter__")

    def __add__(self, other: Dataset) -> ChainDataset:  # type: ignore[override]
        return ChainDataset([self, other])


class TensorDataset(Dataset):
    """Samples are the tuples of rows of tensors.

    Args:
        *tensors: of the same first dimension.

    Raises:
        ValueError: the first dimensions differ, or there is no tensor.

    Example:
        >>> import pygrad
        >>> data = pygrad.utils.data.TensorDataset(pygrad.arange(3), pygrad.ones(3))
        >>> data[1]
        (tensor(1), tensor(1.))
    """

    def __init__(self, *tensors: Tensor) -> None:
        if not tensors:
            raise ValueError("TensorDataset(): no tensors; expected at least one")
        sizes = [len(tensor) for tensor in tensors]
        if any(size != sizes[0] for size in sizes):
            raise ValueError(
                f"TensorDataset(): Size mismatch between tensors: first dimensions {sizes}; "
                "expected all equal"
            )
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple(tensor[index] for tensor in self.tensors)

    def __getbatch__(self, indices: Sequence[int] | Tensor) -> Any:
        if isinstance(indices, pygrad.Tensor):
            index = indices
        elif set(map(type, indices)) == {int}:
            index = pygrad.tensor(indices)
        else:
            return NotImplemented
        return [
            tensor[index if tensor.device.type == "cpu" else index.to(tensor.device)]
            for tensor in self.tensors
        ]

    def __len__(self) -> int:
        return len(self.tensors[0])


class StackDataset(Dataset):
    """Samples are tuples, or dicts, of the samples of several datasets.

    Args:
        *args: datasets of the same length, for tuples.
        **kwargs: datasets of the same length, for dicts.

    Raises:
        ValueError: the lengths differ, both kinds are given, or none.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if args and kwargs:
            raise ValueError(
                "StackDataset(): Supported either tuple- (via args) or dict- (via kwargs) like "
                "input/output, but both types are given"
            )
        if not args and not kwargs:
            raise ValueError("StackDataset(): At least one dataset should be passed")
        self.datasets: Any = args or kwargs
        sizes = [len(dataset) for dataset in self._each()]
        if any(size != sizes[0] for size in sizes):
            raise ValueError(
                f"StackDataset(): Size mismatch between datasets: {sizes}; expected all equal"
            )
        self._length = sizes[0]

    def _each(self) -> list[Any]:
        named = isinstance(self.datasets, dict)
        return list(self.datasets.values() if named else self.datasets)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(self.datasets, dict):
            return {name: dataset[index] for name, dataset in self.datasets.items()}
        return tuple(dataset[index] for dataset in self.datasets)

    def __getitems__(self, indices: Sequence[int]) -> list[Any]:
        columns = []
        for dataset in self._each():
            get = getattr(dataset, "__getitems__", None)
            column = [dataset[i] for i in indices] if get is None else get(indices)
            if len(column) != len(indices):
                raise ValueError(
                    f"StackDataset(): Nested dataset's output size mismatch: "
                    f"expected {len(indices)}, got {len(column)}"
                )
            columns.append(column)
        if isinstance(self.datasets, dict):
            return [
                dict(zip(self.datasets, row, strict=False)) for row in zip(*columns, strict=False)
            ]
        return list(zip(*columns, strict=False))

    def __len__(self) -> int:
        return self._length


class ConcatDataset(Dataset):
    """One dataset after the other.

    Args:
        datasets: indexable datasets.

    Raises:
        ValueError: no datasets, or one of them is a stream.
    """

    @staticmethod
    def cumsum(sequence: Iterable[Any]) -> list[int]:
        """The running total of the lengths."""
        return list(accumulate(len(dataset) for dataset in sequence))

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise ValueError("ConcatDataset(): datasets should not be an empty iterable")
        for dataset in self.datasets:
            if isinstance(dataset, IterableDataset):
                raise ValueError(
                    "ConcatDataset(): ConcatDataset does not support IterableDataset; "
                    "expected indexable datasets. Use ChainDataset"
                )
        self.cumulative_sizes = self.cumsum(self.datasets)

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, index: int) -> Any:
        if not -len(self) <= index < len(self):
            raise IndexError(
                f"ConcatDataset: index {index} is out of range; "
                f"expected {-len(self)}..{len(self) - 1}"
            )
        if index < 0:
            index += len(self)
        which = bisect_right(self.cumulative_sizes, index)
        return self.datasets[which][index - (self.cumulative_sizes[which - 1] if which else 0)]


class ChainDataset(IterableDataset):
    """One stream after the other.

    Args:
        datasets: IterableDatasets.
    """

    def __init__(self, datasets: Iterable[Dataset]) -> None:
        super().__init__()
        self.datasets = datasets

    def __iter__(self) -> Iterator[Any]:
        for dataset in self.datasets:
            self._check(dataset)
            yield from dataset  # type: ignore[misc]

    def __len__(self) -> int:
        total = 0
        for dataset in self.datasets:
            self._check(dataset)
            total += len(dataset)  # type: ignore[arg-type]
        return total

    @staticmethod
    def _check(dataset: object) -> None:
        if not isinstance(dataset, IterableDataset):
            raise TypeError(
                "ChainDataset: ChainDataset only supports IterableDataset; "
                f"got {type(dataset).__name__}"
            )


class Subset(Dataset):
    """The samples of a dataset at the given indices.

    Args:
        dataset: the whole dataset.
        indices: of the samples, in order.
    """

    def __init__(self, dataset: Any, indices: Sequence[int]) -> None:
        self.dataset = dataset
        self.indices = indices

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, list):
            return self.dataset[[self.indices[i] for i in index]]
        return self.dataset[self.indices[index]]

    def __getitems__(self, indices: Sequence[int]) -> list[Any]:
        get = getattr(self.dataset, "__getitems__", None)
        if get is not None:
            items: list[Any] = get([self.indices[i] for i in indices])
            return items
        return [self.dataset[self.indices[i]] for i in indices]

    def __getbatch__(self, indices: Sequence[int]) -> Any:
        get = batch_getter(self.dataset)
        if get is None:
            return NotImplemented
        return get([self.indices[i] for i in indices])

    def __len__(self) -> int:
        return len(self.indices)


def random_split(
    dataset: Any, lengths: Sequence[int | float], generator: Generator | None = None
) -> list[Subset]:
    """Split a dataset at random into parts that do not overlap.

    Args:
        dataset: what to split.
        lengths: of the parts, which sum to the dataset's length; or fractions that sum to 1,
            where what rounding leaves over goes to the parts one by one.
        generator: for the permutation.

    Raises:
        ValueError: the lengths do not fit.

    Example:
        >>> import pygrad
        >>> data = pygrad.utils.data.TensorDataset(pygrad.arange(10))
        >>> [len(part) for part in pygrad.utils.data.random_split(data, [0.75, 0.25])]
        [8, 2]
    """
    total = len(dataset)
    if abs(sum(lengths) - 1.0) < 1e-6 and sum(lengths) <= 1.0 + 1e-9:
        for index, fraction in enumerate(lengths):
            if not 0.0 <= fraction <= 1.0:
                raise ValueError(
                    f"random_split(): Fraction at index {index} is not between 0 and 1: {fraction}"
                )
        sizes = [int(total * fraction) for fraction in lengths]
        for index in range(total - sum(sizes)):
            sizes[index % len(sizes)] += 1
        for index, size in enumerate(sizes):
            if size == 0:
                import warnings

                warnings.warn(
                    f"random_split(): Length of split at index {index} is 0. "
                    "This might result in an empty dataset",
                    stacklevel=2,
                )
    else:
        sizes = list(lengths)  # type: ignore[arg-type]
    if sum(sizes) != total:
        raise ValueError(
            "random_split(): Sum of input lengths does not equal the length of the input dataset: "
            f"{list(lengths)} sums to {sum(sizes)}, expected {total}"
        )
    order = pygrad.randperm(total, generator=generator).tolist()
    ends = list(accumulate(sizes))
    return [
        Subset(dataset, order[end - size : end]) for size, end in zip(sizes, ends, strict=False)
    ]
