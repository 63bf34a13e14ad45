# ruff: noqa: E501 -- tables of samples read better unwrapped
"""x[...] and x[...] = v: every kind of index, against NumPy; views and copies; refusals."""

from __future__ import annotations

import numpy as np
import pytest

import pygrad

ARRAY = np.arange(60.0, dtype=np.float32).reshape(3, 4, 5)
MASK = ARRAY[:, :, 0] % 2 == 0

# Each is written for an array; `to_tensor` turns the arrays inside into tensors.
INDICES = [
    0, -1, (1, 2), (0, -1, 3), (), Ellipsis, (Ellipsis, 0), (0, Ellipsis), (1, Ellipsis, 2), slice(None), slice(1, None), slice(None, -1),
    slice(0, 3, 2), slice(5, 9), slice(2, 1), slice(-2, None), slice(-100, 100), (slice(None), 1), (slice(None), slice(1, 4, 2), slice(0, 5, 3)),
    None, (None, 0), (0, None), (slice(None), None, 1), (Ellipsis, None), (None, Ellipsis, None), True, False, (True, 0),
    [0, 2], [0, -1, 0], ([0, 1], [2, 3]), ([0, 1], slice(None), [1, 2]), (slice(None), [0, 3]), (slice(None), slice(None), [1, 1, 4]),
    np.array([2, 0]), np.array([[0, 1], [2, 0]]), (np.array([0, 2]), 1), (0, np.array([1, 2])), (np.array([[0], [1]]), np.array([0, 2])),
    (slice(1, 3), np.array([0, 1])), (np.array([0, 1]), None, np.array([1, 2])), (Ellipsis, np.array([0, 4])), np.array(1), [],
    MASK, ARRAY > 20, np.array([True, False, True]), (slice(None), np.array([True, False, True, True])), (0, np.array([True, False, True, False])),
    (np.array([True, False, True]), 1), (np.array([True, True, False]), np.array([0, 3])), np.zeros((3, 4), bool), (np.array([0, 1]), slice(None), np.array([0, 1])),
]  # fmt: skip


def to_tensor(index):
    if isinstance(index, np.ndarray):
        return pygrad.tensor(index)
    if isinstance(index, tuple):
        return tuple(to_tensor(i) for i in index)
    return index


@pytest.mark.parametrize("index", INDICES, ids=lambda i: repr(i).replace("\n", "")[:60])
@pytest.mark.parametrize("dtype", ["float32", "int64", "bool"])
def test_get(index, dtype, device):
    array = ARRAY.astype(dtype)
    x = pygrad.tensor(array, device=device)
    got = x[to_tensor(index)]
    expected = array[np.array([], dtype=int) if isinstance(index, list) and not index else index]
    assert got.shape == expected.shape
    assert got.tolist() == expected.tolist()


@pytest.mark.parametrize("index", INDICES, ids=lambda i: repr(i).replace("\n", "")[:60])
@pytest.mark.parametrize("kind", ["number", "tensor", "broadcast"])
def test_set(index, kind, device):
    array, x = ARRAY.copy(), pygrad.tensor(ARRAY, device=device)
    at = np.array([], dtype=int) if isinstance(index, list) and not index else index
    shape = array[at].shape
    if kind == "number":
        value = np.float32(-1)
        x[to_tensor(index)] = -1
    elif kind == "tensor":
        # Equal for equal places, so that repeated indices have one answer.
        value = ARRAY[at] * -2
        x[to_tensor(index)] = pygrad.tensor(value, device=device)
    else:
        value = np.arange(shape[-1], dtype=np.float32) if shape else np.float32(7)
        x[to_tensor(index)] = pygrad.tensor(value, device=device)
    if kind == "broadcast" and has_repeats(at):
        return  # which of the values stays is left open
    array[at] = value
    assert x.tolist() == array.tolist()


def has_repeats(index):
    count = np.zeros(ARRAY.shape, int)
    flat = np.arange(ARRAY.size).reshape(ARRAY.shape)[index]
    np.add.at(count.reshape(-1), np.ravel(flat), 1)
    return bool((count > 1).any())


@pytest.mark.parametrize(
    "index",
    [i for i in INDICES if not isinstance(i, bool)],
    ids=lambda i: repr(i).replace("\n", "")[:60],
)
def test_gradient(index):
    """Reading sends the gradient to the places read, as often as they were."""
    x = pygrad.tensor(ARRAY, requires_grad=True)
    y = x[to_tensor(index)]
    weight = pygrad.arange(1.0, y.numel() + 1).reshape(y.shape)
    (y * weight).sum().backward()
    expected = np.zeros(ARRAY.size, np.float32)
    at = np.array([], dtype=int) if isinstance(index, list) and not index else index
    flat = np.arange(ARRAY.size).reshape(ARRAY.shape)[at]
    np.add.at(expected, np.ravel(flat), np.arange(1.0, flat.size + 1, dtype=np.float32))
    assert x.grad.reshape(-1).tolist() == expected.tolist()


def test_gradient_of_assignment():
    x = pygrad.ones(3, 2, requires_grad=True)
    v = pygrad.full((2,), 5.0, requires_grad=True)
    y = x * 2
    y[1] = v
    y[pygrad.tensor([0, 2]), 0] = v * 3
    (y * y).sum().backward()
    assert y.tolist() == [[15.0, 2.0], [5.0, 5.0], [15.0, 2.0]]
    assert x.grad.tolist() == [[0.0, 8.0], [0.0, 0.0], [0.0, 8.0]]
    assert v.grad.tolist() == [10.0 + 90.0, 10.0 + 90.0]


def test_basic_indexing_gives_views_and_advanced_gives_copies():
    x, array = pygrad.zeros(3, 4), np.zeros((3, 4))
    for index in (
        0,
        slice(1, None),
        (slice(None), 1),
        None,
        (Ellipsis, 2),
        (),
        slice(None, None, 2),
    ):
        x[index].add_(1)
        array[index] += 1
    assert x.tolist() == array.tolist()
    before = x.tolist()
    for copy in (x[[0, 1]], x[pygrad.tensor([0])], x[x > 0]):
        copy.zero_()
    assert x.tolist() == before
    assert x[0]._base is x
    assert x[[0]]._base is None


def test_item_of_one_element():
    x = pygrad.arange(6).reshape(2, 3)
    assert x[1, 2].item() == 5
    assert x[pygrad.tensor(1), pygrad.tensor(2)].item() == 5
    assert x[pygrad.tensor(1)].tolist() == [3, 4, 5]
    assert [row.tolist() for row in x] == [[0, 1, 2], [3, 4, 5]]
    assert 4 in x
    assert 9 not in x


def test_numpy_scalars_and_index_objects():
    class One:
        def __index__(self):
            return 1

    x = pygrad.arange(4)
    assert x[np.int64(2)].item() == 2
    assert x[One()].item() == 1
    assert x[np.int32(1) : np.int64(3)].tolist() == [1, 2]
    assert x[pygrad.tensor(1) : pygrad.tensor(3)].tolist() == [1, 2]


def test_byte_masks_and_short_indices():
    x = pygrad.arange(4)
    assert x[pygrad.tensor([0, 2], dtype=pygrad.int32)].tolist() == [0, 2]


def test_assignment_casts_and_crosses_no_kind_silently():
    x = pygrad.zeros(3, dtype=pygrad.int64)
    x[0] = 2.7
    x[1] = True
    x[2] = pygrad.tensor(3.9)
    assert x.tolist() == [2, 1, 3]


@pytest.mark.parametrize(
    ("index", "kind", "text"),
    [
        (3, IndexError, "3.*out of (range|bounds)|out of (range|bounds).*3"),
        (-4, IndexError, "-4"),
        ((0, 4), IndexError, "4"),
        ((0, 0, 0, 0), IndexError, "too many indices"),
        ((Ellipsis, Ellipsis), IndexError, "ellipsis"),
        ("a", IndexError, "indices|str"),
        (1.0, (IndexError, TypeError), "float|indices"),
        (slice(None, None, -1), ValueError, "step"),
        (slice(None, None, 0), ValueError, "step"),
        ([0, 3], IndexError, "3"),
        ([[0, 1], [0]], (ValueError, TypeError, IndexError), ""),
        (np.array([0.5]), IndexError, "float|long|int"),
        (np.array([True, False]), IndexError, "mask|shape|match"),
        (np.zeros((3, 3), bool), IndexError, "mask|shape|match"),
        (([0, 1], [0, 1, 2]), IndexError, "broadcast"),
    ],
)
def test_refused(index, kind, text):
    x = pygrad.tensor(ARRAY)
    with pytest.raises(kind, match=text or None):
        x[to_tensor(index)]
    with pytest.raises(kind):
        x[to_tensor(index)] = 1.0
    assert x.tolist() == ARRAY.tolist(), "a refused assignment wrote something"


def test_assignment_of_wrong_shapes_and_things():
    x = pygrad.zeros(2, 3)
    for index, value in (
        (0, pygrad.ones(2)),
        (slice(None), pygrad.ones(3, 3)),
        ([0, 1], pygrad.ones(3, 3)),
    ):
        with pytest.raises(RuntimeError, match="shape|size|broadcast|expand"):
            x[index] = value
    with pytest.raises(TypeError):
        x[0] = "text"
    with pytest.raises(TypeError):
        del x[0]
    assert x.sum().item() == 0.0
    with pytest.raises((TypeError, IndexError)):
        pygrad.tensor(1.0)[0]
    with pytest.raises(TypeError):
        iter(pygrad.tensor(1.0))
    with pytest.raises(TypeError, match="0-d"):
        len(pygrad.tensor(1.0))


def test_out_of_range_tensor_index_writes_nothing(device):
    x = pygrad.zeros(4, device=device)
    for bad in ([0, 4], [1, -5]):
        with pytest.raises(IndexError):
            x[pygrad.tensor(bad, device=device)] = 1.0
    assert x.tolist() == [0.0] * 4


def test_index_of_large_and_empty_tensors():
    x = pygrad.arange(10000).reshape(100, 100)
    rows = pygrad.arange(99, -1, -1)
    assert x[rows, rows].tolist() == [i * 101 for i in range(99, -1, -1)]
    assert x[:0].shape == (0, 100)
    assert x[:0][pygrad.zeros(0, dtype=pygrad.int64)].shape == (0, 100)
    assert x[pygrad.zeros(0, dtype=pygrad.int64)].shape == (0, 100)
    with pytest.raises(IndexError):
        x[:0][pygrad.tensor([0])]


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32", "float64", "complex128"])
@pytest.mark.parametrize("width", [1, 4, 15, 16, 17, 63, 64, 65, 130, 1100])
def test_rows_by_a_packed_index(width, dtype, device, threads):
    """Whole rows, shorter and longer than what is copied and asked for at once."""
    threads(2)
    values = (np.arange(37 * width) % 251).astype(dtype).reshape(37, width)
    x = pygrad.from_numpy(values).to(device)
    rng = np.random.default_rng(width)
    for shape in ((0,), (1,), (5,), (90,), (3, 1, 40)):
        index = rng.integers(0, 37, shape)
        k = pygrad.from_numpy(index).to(device)
        assert np.array_equal(x[k].cpu().numpy(), values[index])
        flat = k.reshape(-1)
        chosen = values[index.reshape(-1)]
        assert np.array_equal(x.index_select(0, flat).cpu().numpy(), chosen)
        # The other layouts take the general way.
        assert np.array_equal(x.t().index_select(1, flat).cpu().numpy(), chosen.T)
        assert np.array_equal(x[:, 1:][k].cpu().numpy(), values[:, 1:][index])
        assert np.array_equal(x[k.flip(0)].cpu().numpy(), values[index[::-1]])
