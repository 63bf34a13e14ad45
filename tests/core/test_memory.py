"""Memory: nothing leaks, views keep their storage alive, counters go up and down."""

from __future__ import annotations

import gc
import sys
import threading
import weakref

import numpy as np
import pytest

import pygrad
from pygrad import _C


def live_bytes(device="cpu"):
    gc.collect()
    return _C.memory_stats(device)["allocated"]


def steps(body, device="cpu"):
    """Live bytes after 5 and after 25 runs of `body`."""
    for _ in range(5):
        body()
    first = live_bytes(device)
    for _ in range(20):
        body()
    return first, live_bytes(device)


BODIES = {
    "forward": lambda: pygrad.ones(100).exp().sum(),
    "backward": lambda: pygrad.ones(100, requires_grad=True).mul(2).exp().sum().backward(),
    "create_graph": lambda: pygrad.autograd.grad(
        (x := pygrad.ones(9, requires_grad=True)).exp().sum(), x, create_graph=True
    ),
    "abandoned": lambda: pygrad.ones(100, requires_grad=True).mul(2).exp(),
    "views": lambda: pygrad.ones(10, 10, requires_grad=True).t()[2:].reshape(-1).sum().backward(),
    "in_place": lambda: pygrad.ones(10, requires_grad=True).mul(1).add_(1).mul_(2).sum().backward(),
    "index": lambda: pygrad.ones(10)[pygrad.tensor([1, 2])].sum(),
    "numpy": lambda: pygrad.from_numpy(np.ones(100)).numpy().sum(),
    "error": lambda: pytest.raises(RuntimeError, lambda: pygrad.ones(100) + pygrad.ones(99)),
    "hooks": lambda: pygrad.ones(3, requires_grad=True).mul(1).register_hook(lambda g: None),
    "matmul": lambda: (
        (pygrad.ones(20, 20, requires_grad=True) @ pygrad.ones(20, 20)).sum().backward()
    ),
    "sort": lambda: pygrad.ones(50, requires_grad=True).sort().values.sum().backward(),
    "conv": lambda: (
        pygrad.conv2d(pygrad.ones(1, 2, 6, 6, requires_grad=True), pygrad.ones(2, 2, 3, 3))
        .sum()
        .backward()
    ),
}


@pytest.mark.parametrize("name", BODIES)
def test_nothing_leaks(name):
    first, last = steps(BODIES[name])
    assert last <= first, f"{name}: {last - first} bytes more after 20 runs"


def test_a_cycle_through_a_graph_is_collected():
    x = pygrad.ones(2, requires_grad=True)
    x.keep = x * 2
    ref = weakref.ref(x)
    del x
    gc.collect()
    assert ref() is None


def test_reference_counts_stay():
    x = pygrad.ones(3)
    before = sys.getrefcount(x)
    for _ in range(50):
        x.add_(1)
        x.sum()
        x[0]
        x.view(3)
        x + x
    assert sys.getrefcount(x) == before
    d = pygrad.float32
    before = sys.getrefcount(d)
    for _ in range(200):
        x.dtype  # noqa: B018
        pygrad.zeros(1, dtype=d)
    assert sys.getrefcount(d) <= before + 5


def test_threads_that_share_tensors_count_every_reference():
    """Backward runs without Python's lock, beside a thread that has it."""
    before = live_bytes()
    leaf = pygrad.ones(4, requires_grad=True)
    shared = [pygrad.ones(4) for _ in range(64)]
    ended = []

    def differentiate(leaf, shared):
        for _ in range(30):
            y = leaf
            for v in shared:
                y = y * v
            pygrad.autograd.grad(y.sum(), leaf)
        ended.append(True)

    workers = [threading.Thread(target=differentiate, args=(leaf, shared)) for _ in range(2)]
    for w in workers:
        w.start()
    while True:
        for v in shared:
            v[1:], v.detach()
        if len(ended) == len(workers):
            break
    for w in workers:
        w.join()
    assert all(v.tolist() == [1.0] * 4 for v in shared)
    del leaf, shared, v, w, workers
    assert live_bytes() == before


def test_identity_and_attributes_survive():
    """One Python object for one tensor, as long as anything holds the tensor."""
    x = pygrad.ones(2)
    x.note = "kept"
    y = x[0]
    address = id(x)
    del x
    gc.collect()
    back = y._base
    assert id(back) == address
    assert back.note == "kept"


def test_a_view_keeps_the_storage():
    before = live_bytes()
    x = pygrad.zeros(250_000)
    y = x[:1]
    del x
    assert live_bytes() - before >= 1_000_000
    del y
    assert live_bytes() <= before


def test_backward_frees_saved_tensors():
    x = pygrad.ones(100_000, requires_grad=True)
    before = live_bytes()
    y = x.exp().sum()
    assert live_bytes() - before >= 400_000
    y.backward()
    x.grad = None
    assert live_bytes() - before < 50_000


def test_numpy_memory_is_shared_and_released():
    array = np.zeros(1000)
    ref = weakref.ref(array)
    x = pygrad.from_numpy(array)
    array[0] = 5
    assert x[0].item() == 5.0
    del array
    gc.collect()
    assert ref() is not None
    assert x.sum().item() == 5.0
    del x
    gc.collect()
    assert ref() is None


def test_numpy_view_outlives_the_tensor():
    x = pygrad.arange(1000.0)
    array = x.numpy()
    del x
    gc.collect()
    pygrad.ones(1000).mul(7)
    assert array.sum() == 499500.0


def test_peak_counts_the_most():
    _C.reset_peak_memory_stats("cpu")
    x = pygrad.zeros(1_000_000)
    del x
    stats = _C.memory_stats("cpu")
    assert stats["max_allocated"] >= 4_000_000


def test_cache_can_be_emptied():
    pygrad.zeros(100_000)
    _C.empty_cache()
    before = live_bytes()
    assert pygrad.zeros(100_000).sum().item() == 0.0
    assert live_bytes() <= before


def test_alignment():
    for n in (1, 3, 100, 10_000):
        assert pygrad.empty(n).data_ptr() % 64 == 0
