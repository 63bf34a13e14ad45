"""The loader: options, order, workers of both kinds, and what happens when they fail."""

import os
import random
import signal
import time

import pytest

import pygrad
from pygrad.utils import data

KINDS = ["process", "thread"]
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")


def lists(loader):
    return [[tensor.tolist() for tensor in batch] for batch in loader]


def squares(count=23):
    return data.TensorDataset(pygrad.arange(count), pygrad.arange(count) ** 2)


class Numbers(data.Dataset):
    """0, 1, 2 ..., with something done at number 5."""

    def __init__(self, act=None, count=12):
        self.act = act
        self.count = count

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        if index == 5 and self.act is not None:
            self.act()
        return index


def fail():
    raise KeyError("no five")


def fail_strangely():
    class Strange(Exception):
        def __init__(self, one, two):
            super().__init__(one, two)

    raise Strange(1, 2)


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def leave():
    os._exit(7)


class Stream(data.IterableDataset):
    def __init__(self, count):
        self.count = count

    def __iter__(self):
        info = data.get_worker_info()
        number = info.id if info else 0
        return iter(range(100 * number, 100 * number + self.count + 3 * number))


def test_options():
    loader = data.DataLoader(squares(), batch_size=5, drop_last=True)
    assert len(loader) == 4
    assert len(list(loader)) == 4
    assert len(data.DataLoader(squares(), batch_size=5)) == 5
    assert [int(x) for x, _ in data.DataLoader(squares(3), batch_size=None)] == [0, 1, 2]
    chosen = data.DataLoader(squares(), batch_sampler=[[1, 2], [7]])
    assert lists(chosen) == [[[1, 2], [1, 4]], [[7], [49]]]
    assert len(chosen) == 2
    summed = data.DataLoader([1, 2, 3, 4], batch_size=2, collate_fn=sum)
    assert list(summed) == [3, 7]
    assert [b.tolist() for b in data.DataLoader([1, 2, 3], 2, sampler=[2, 0, -1])] == [[3, 1], [3]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "batch_size should be a positive integer"),
        ({"num_workers": -1}, "num_workers option should be non-negative"),
        ({"timeout": -1}, "timeout option should be non-negative"),
        ({"prefetch_factor": 2}, "prefetch_factor option could only"),
        ({"num_workers": 1, "prefetch_factor": 0}, "prefetch_factor option should be positive"),
        ({"persistent_workers": True}, "persistent_workers option needs num_workers > 0"),
        ({"sampler": [1], "shuffle": True}, "sampler option is mutually exclusive"),
        ({"batch_sampler": [[1]], "batch_size": 2}, "batch_sampler option is mutually exclusive"),
        ({"batch_size": None, "drop_last": True}, "disables auto-batching"),
        ({"worker_type": "fiber"}, "worker_type"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        data.DataLoader(squares(), **options)


def test_stream_takes_no_order():
    with pytest.raises(ValueError, match="unspecified shuffle"):
        data.DataLoader(Stream(3), shuffle=True)
    with pytest.raises(ValueError, match="unspecified sampler"):
        data.DataLoader(Stream(3), sampler=[1])
    with pytest.raises(ValueError, match="should not be set"):
        data.DataLoader(squares()).batch_size = 3


def test_out_of_range_index():
    with pytest.raises(IndexError):
        list(data.DataLoader(squares(3), batch_sampler=[[1, 3]]))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("persistent", [False, True])
def test_workers_give_the_same_batches(kind, persistent):
    seeds = [pygrad.Generator().manual_seed(3) for _ in range(2)]
    plain = data.DataLoader(squares(), 4, shuffle=True, generator=seeds[0])
    loader = data.DataLoader(
        squares(),
        4,
        shuffle=True,
        generator=seeds[1],
        num_workers=2,
        worker_type=kind,
        persistent_workers=persistent,
    )
    epochs = [lists(loader) for _ in range(3)]
    assert epochs == [lists(plain) for _ in range(3)]
    assert epochs[0] != epochs[1]


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore:This DataLoader will create")  # PyTorch, on few processors
@pytest.mark.parametrize("workers", [0, 3])
@pytest.mark.parametrize("drop_last", [False, True])
def test_streams_same_as_pytorch(workers, drop_last):
    torch = pytest.importorskip("torch")

    class Other(torch.utils.data.IterableDataset):
        def __iter__(self):
            info = torch.utils.data.get_worker_info()
            number = info.id if info else 0
            return iter(range(100 * number, 100 * number + 11 + 3 * number))

    mine = data.DataLoader(
        Stream(11), 4, num_workers=workers, drop_last=drop_last, worker_type="thread"
    )
    theirs = torch.utils.data.DataLoader(Other(), 4, num_workers=workers, drop_last=drop_last)
    assert [batch.tolist() for batch in mine] == [batch.tolist() for batch in theirs]


@pytest.mark.parametrize("kind", KINDS)
def test_exception_in_a_worker(kind):
    loader = data.DataLoader(Numbers(fail), 2, num_workers=2, worker_type=kind)
    batches = iter(loader)
    next(batches)
    next(batches)
    with pytest.raises(KeyError) as caught:
        next(batches)
    text = str(caught.value)
    assert f"worker {kind} 0" in text
    assert "KeyError: 'no five'" in text
    assert "in fail" in text
    assert next(batches).tolist() == [6, 7]
    with pytest.raises(RuntimeError, match="Strange"):
        list(data.DataLoader(Numbers(fail_strangely), 2, num_workers=1, worker_type=kind))


@needs_fork
@pytest.mark.parametrize(("act", "message"), [(die, "SIGKILL"), (leave, "exit code 7")])
def test_dead_worker_is_noticed(act, message):
    loader = data.DataLoader(Numbers(act), 2, num_workers=2)
    with pytest.raises(RuntimeError, match=message):
        list(loader)


@pytest.mark.parametrize("kind", KINDS)
def test_timeout(kind):
    loader = data.DataLoader(
        Numbers(lambda: time.sleep(1.5)), 6, num_workers=1, timeout=0.2, worker_type=kind
    )
    start = time.monotonic()
    with pytest.raises(RuntimeError, match="timed out after 0.2 seconds"):
        list(loader)
    assert time.monotonic() - start < 5


class Images(data.Dataset):
    def __len__(self):
        return 40

    def __getitem__(self, index):
        return {"image": pygrad.full((200, 200), float(index)), "name": str(index)}


@pytest.mark.parametrize("kind", KINDS)
def test_large_batches_and_leaving_midway(kind):
    loader = data.DataLoader(Images(), 4, num_workers=2, worker_type=kind)
    total = sum(batch["image"][:, 7, 9].sum().item() for batch in loader)
    assert total == sum(range(40))
    batches = iter(loader)
    first = next(batches)
    assert first["name"] == ["0", "1", "2", "3"]
    first["image"].add_(1.0)
    workers = list(batches._workers)
    start = time.monotonic()
    del batches
    assert time.monotonic() - start < 4
    if kind == "process":
        assert not any(worker.process.is_alive() for worker in workers)


def make(dtype, shape):
    return pygrad.arange(6).reshape(shape).to(dtype)


def test_all_kinds_of_tensors_arrive():
    dtypes = [
        pygrad.bool, pygrad.uint8, pygrad.int8, pygrad.int16, pygrad.int32, pygrad.int64,
        pygrad.float16, pygrad.bfloat16, pygrad.float32, pygrad.float64, pygrad.complex64,
        pygrad.complex128,
    ]  # fmt: skip
    samples = [make(dtype, (2, 3)) for dtype in dtypes]
    samples += [pygrad.tensor(3.5), pygrad.empty(0, 4), make(pygrad.float32, (3, 2)).t()]
    arrived = list(data.DataLoader(samples, batch_size=None, num_workers=1))
    assert len(arrived) == len(samples)
    for sample, tensor in zip(samples, arrived):
        assert tensor.dtype == sample.dtype
        assert tuple(tensor.shape) == tuple(sample.shape)
        assert tensor.tolist() == sample.tolist()


class Draws(data.Dataset):
    def __len__(self):
        return 8

    def __getitem__(self, index):
        return pygrad.rand(1).item(), random.random()


def test_workers_draw_different_reproducible_numbers():
    def epochs():
        generator = pygrad.Generator().manual_seed(1)
        loader = data.DataLoader(Draws(), 2, num_workers=2, generator=generator)
        return [lists(loader) for _ in range(2)]

    first = epochs()
    assert first == epochs()
    values = [value for epoch in first for batch in epoch for column in batch for value in column]
    assert len(set(values)) == len(values)


class Info(data.Dataset):
    def __len__(self):
        return 4

    def __getitem__(self, index):
        info = data.get_worker_info()
        return info.id, info.num_workers, len(info.dataset), info.seed


@pytest.mark.parametrize("kind", KINDS)
def test_worker_info_and_init(kind):
    called = []
    loader = data.DataLoader(
        Info(), 2, num_workers=2, worker_type=kind, worker_init_fn=called.append
    )
    rows = lists(loader)
    assert [row[0] for row in rows] == [[0, 0], [1, 1]]
    assert rows[0][1:3] == [[2, 2], [4, 4]]
    assert rows[1][3][0] - rows[0][3][0] == 1
    assert data.get_worker_info() is None
    assert sorted(called) == ([0, 1] if kind == "thread" else [])


def test_failing_init_is_reported():
    def init(number):
        raise ValueError(f"worker {number} will not start")

    with pytest.raises(ValueError, match="will not start"):
        list(data.DataLoader(Numbers(), 2, num_workers=1, worker_init_fn=init))


@pytest.mark.parametrize("kind", KINDS)
def test_persistent_workers_stay_and_an_abandoned_epoch_is_dropped(kind):
    loader = data.DataLoader(Numbers(), 2, num_workers=2, persistent_workers=True, worker_type=kind)
    batches = iter(loader)
    next(batches)
    workers = list(batches._workers)
    assert [batch.tolist() for batch in loader] == [[i, i + 1] for i in range(0, 12, 2)]
    assert loader._kept._workers == workers


def test_two_loaders_at_once():
    one = data.DataLoader(squares(), 4, num_workers=1)
    two = data.DataLoader(squares(), 4, num_workers=1)
    for a, b in zip(one, two):
        assert a[1].tolist() == b[1].tolist()


def test_tensor_with_history_is_refused():
    p = pygrad.ones(2, requires_grad=True)

    class Recorded(data.Dataset):
        def __len__(self):
            return 1

        def __getitem__(self, index):
            return p * 2

    with pytest.raises(RuntimeError, match="detach"):
        list(data.DataLoader(Recorded(), num_workers=1))


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize(
    "sampling",
    [{}, {"num_samples": 7}, {"num_samples": 33}, {"replacement": True, "num_samples": 12}],
)
def test_a_shuffle_cut_as_tensors_is_the_same_as_one_of_lists(sampling, drop_last):
    """Random batches of a TensorDataset are fetched without lists; nothing else may change."""
    x, y = pygrad.arange(40.0).view(20, 2), pygrad.arange(20)

    class Listed(pygrad.utils.data.BatchSampler):
        """Not the plain class, so it is iterated."""

    def batches(kind, **random):
        dataset = pygrad.utils.data.TensorDataset(x, y)
        sampler = pygrad.utils.data.RandomSampler(dataset, **random)
        loader = pygrad.utils.data.DataLoader(dataset, batch_sampler=kind(sampler, 6, drop_last))
        return [[t.tolist() for t in batch] for _ in range(2) for batch in loader]

    pygrad.manual_seed(3)
    expected = batches(Listed, **sampling)
    after = pygrad.rand(1).item()
    pygrad.manual_seed(3)
    assert batches(pygrad.utils.data.BatchSampler, **sampling) == expected
    assert pygrad.rand(1).item() == after
    generator = pygrad.Generator().manual_seed(5)
    expected = batches(Listed, generator=generator, **sampling)
    generator.manual_seed(5)
    assert batches(pygrad.utils.data.BatchSampler, generator=generator, **sampling) == expected
