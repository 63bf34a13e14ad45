"""Datasets, samplers, splitting and collation."""

import collections
import warnings

import pytest

import pygrad
from pygrad.utils import data

Point = collections.namedtuple("Point", "x y")


def tensors(count=10):
    return pygrad.arange(count), pygrad.arange(count) * 2.0


def test_tensor_dataset():
    dataset = data.TensorDataset(*tensors())
    assert len(dataset) == 10
    first, second = dataset[3]
    assert (first.item(), second.item()) == (3, 6.0)
    with pytest.raises(ValueError, match="Size mismatch"):
        data.TensorDataset(pygrad.ones(2), pygrad.ones(3))


def test_concat_and_stack():
    one, two = data.TensorDataset(pygrad.arange(3)), data.TensorDataset(pygrad.arange(10, 14))
    both = one + two
    assert len(both) == 7
    assert [both[i][0].item() for i in (0, 2, 3, 6, -1, -7)] == [0, 2, 10, 13, 13, 0]
    with pytest.raises(IndexError, match="7"):
        both[7]
    with pytest.raises(IndexError):
        both[-8]
    stacked = data.StackDataset(range(3), [4, 5, 6])
    assert stacked[1] == (1, 5)
    assert stacked.__getitems__([0, 2]) == [(0, 4), (2, 6)]
    named = data.StackDataset(a=range(3), b=[4, 5, 6])
    assert named[2] == {"a": 2, "b": 6}
    assert named.__getitems__([1]) == [{"a": 1, "b": 5}]
    with pytest.raises(ValueError, match="Size mismatch"):
        data.StackDataset(range(3), range(4))


class Stream(data.IterableDataset):
    def __init__(self, values):
        self.values = values

    def __iter__(self):
        return iter(self.values)


def test_chain():
    chained = Stream([1, 2]) + Stream([3])
    assert list(chained) == [1, 2, 3]
    with pytest.raises(ValueError, match="IterableDataset"):
        data.ConcatDataset([Stream([1])])
    with pytest.raises(TypeError, match="only supports IterableDataset"):
        list(data.ChainDataset([[1]]))


def test_subset_and_random_split():
    dataset = data.TensorDataset(pygrad.arange(10))
    subset = data.Subset(dataset, [4, 2])
    assert [subset[0][0].item(), subset[1][0].item(), len(subset)] == [4, 2, 2]
    generator = pygrad.Generator().manual_seed(1)
    parts = data.random_split(dataset, [7, 3], generator=generator)
    assert [len(part) for part in parts] == [7, 3]
    assert sorted(parts[0].indices + parts[1].indices) == list(range(10))
    again = data.random_split(dataset, [7, 3], generator=pygrad.Generator().manual_seed(1))
    assert again[0].indices == parts[0].indices
    fractions = data.random_split(dataset, [0.33, 0.33, 0.34])
    assert [len(part) for part in fractions] == [4, 3, 3]
    with pytest.raises(ValueError, match="does not equal the length"):
        data.random_split(dataset, [7, 4])
    with pytest.warns(UserWarning, match="is 0"):
        data.random_split(range(1), [0.5, 0.5])


def test_generic_classes_can_be_subscripted():
    class Own(data.Dataset[int]):
        def __getitem__(self, index):
            return index

    assert Own()[3] == 3


def test_samplers():
    generator = pygrad.Generator().manual_seed(5)
    first = list(data.RandomSampler(range(20), generator=generator))
    second = list(data.RandomSampler(range(20), generator=generator))
    assert sorted(first) == sorted(second) == list(range(20))
    assert first != second
    generator.manual_seed(5)
    assert list(data.RandomSampler(range(20), generator=generator)) == first
    assert len(list(data.RandomSampler(range(3), num_samples=8))) == 8
    drawn = list(data.RandomSampler(range(3), replacement=True, num_samples=50))
    assert len(drawn) == 50
    assert set(drawn) <= {0, 1, 2}
    assert list(data.SequentialSampler("abc")) == [0, 1, 2]
    assert sorted(data.SubsetRandomSampler([5, 3, 9])) == [3, 5, 9]
    weighted = data.WeightedRandomSampler([0.0, 1.0, 0.0, 1.0], 30)
    assert len(weighted) == 30
    assert set(weighted) <= {1, 3}
    assert list(data.BatchSampler(range(5), 2, True)) == [[0, 1], [2, 3]]
    assert [len(data.BatchSampler(range(5), 2, drop)) for drop in (True, False)] == [2, 3]
    for bad in (0, -1, 2.5, True):
        with pytest.raises(ValueError, match="positive integer"):
            data.BatchSampler(range(5), bad, False)
        with pytest.raises(ValueError, match="positive integer"):
            data.RandomSampler(range(5), num_samples=bad)


def test_global_seed_rules_the_order():
    pygrad.manual_seed(3)
    first = list(data.RandomSampler(range(20)))
    assert list(data.RandomSampler(range(20))) != first
    pygrad.manual_seed(3)
    assert list(data.RandomSampler(range(20))) == first


def samples(lib):
    return [
        [1, 2],
        [1.5, 2.5],
        [True, False],
        ["a", "b"],
        [(1, "a"), (2, "b")],
        [[1, 2.0], [3, 4.0]],
        [{"a": 1, "b": [2]}, {"a": 3, "b": [4]}],
        [Point(1, 2.0), Point(3, 4.0)],
        [lib.tensor([1.0, 2.0]), lib.tensor([3.0, 4.0])],
        [(lib.tensor(1), {"x": lib.ones(2, 2)}), (lib.tensor(2), {"x": lib.zeros(2, 2)})],
    ]


def describe(value, lib):
    if isinstance(value, lib.Tensor):
        return str(value.dtype).rpartition(".")[2], tuple(value.shape), value.tolist()
    if isinstance(value, dict):
        return {key: describe(entry, lib) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [describe(entry, lib) for entry in value]
    return value


@pytest.mark.torch
def test_collate_same_as_pytorch():
    torch = pytest.importorskip("torch")
    numpy = pytest.importorskip("numpy")
    arrays = [
        [numpy.ones((2, 3), "float32"), numpy.zeros((2, 3), "float32")],
        [numpy.float32(1.5), numpy.float32(2.5)],
        [numpy.int16(1), numpy.int16(2)],
    ]
    for mine, theirs in zip(samples(pygrad) + arrays, samples(torch) + arrays):
        collated = data.default_collate(mine)
        assert describe(collated, pygrad) == describe(
            torch.utils.data.default_collate(theirs), torch
        )
    for mine, theirs in zip(arrays, arrays):
        assert describe(data.default_convert(mine), pygrad) == describe(
            torch.utils.data.default_convert(theirs), torch
        )


def test_collate_bad_input():
    with pytest.raises(TypeError, match="found <class 'object'>"):
        data.default_collate([object()])
    with pytest.raises(RuntimeError, match="equal size"):
        data.default_collate([[1, 2], [1]])


@pytest.mark.parametrize("shuffle", [False, True])
def test_whole_batches_equal_collated_samples(shuffle):
    class OneByOne(data.Dataset):
        def __init__(self, dataset):
            self.dataset = dataset

        def __len__(self):
            return len(self.dataset)

        def __getitem__(self, index):
            return self.dataset[index]

    dataset = data.TensorDataset(pygrad.rand(23, 3), pygrad.arange(23))
    for source in (dataset, data.Subset(dataset, list(range(20, 0, -2)))):
        seeds = [pygrad.Generator().manual_seed(0) for _ in range(2)]
        batches = list(data.DataLoader(source, 4, shuffle, generator=seeds[0]))
        expected = list(data.DataLoader(OneByOne(source), 4, shuffle, generator=seeds[1]))
        assert describe(batches, pygrad) == describe(expected, pygrad)


def test_overridden_getitem_is_not_passed_by():
    class Doubled(data.TensorDataset):
        def __getitem__(self, index):
            return tuple(tensor * 2 for tensor in super().__getitem__(index))

    for dataset in (Doubled(pygrad.arange(4)), data.Subset(Doubled(pygrad.arange(4)), range(4))):
        (batch,) = data.DataLoader(dataset, 4)
        assert batch[0].tolist() == [0, 2, 4, 6]


def test_import_is_light():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert data.get_worker_info() is None
