# ruff: noqa: E501 -- tables of samples read better unwrapped
"""Bad input: the exception, a text with the values, and nothing changed; never a crash."""

from __future__ import annotations

import math

import numpy as np
import pytest

import pygrad
import pygrad.nn.functional as F

ONES = pygrad.ones


@pytest.mark.parametrize(
    ("call", "kind", "text"),
    [
        (lambda: ONES(2, 3) + ONES(4), RuntimeError, r"add\(\).*\(2, 3\).*\(4,\)|size of tensor"),
        (lambda: ONES(2, 3) @ ONES(2, 3), RuntimeError, r"\(2, 3\)|2x3"),
        (lambda: ONES(2).sum(1), IndexError, r"sum\(\).*1.*-1\.\.0|out of range"),
        (lambda: ONES(2, 3).transpose(0, 5), IndexError, "5"),
        (lambda: pygrad.cat([ONES(2, 3), ONES(2, 4)]), RuntimeError, "3.*4|4.*3"),
        (lambda: pygrad.stack([ONES(2), ONES(3)]), RuntimeError, "2.*3"),
        (lambda: ONES(2, 3).view(7), RuntimeError, "7"),
        (lambda: ONES(3).expand(2), RuntimeError, "3.*2|2.*3"),
        (lambda: pygrad.zeros(-1), RuntimeError, "-1"),
        (lambda: pygrad.zeros(2, -3), RuntimeError, "-3"),
        (lambda: pygrad.arange(0, 1, 0), RuntimeError, "step|zero"),
        (lambda: pygrad.tensor([1, 2, 3]).mean(), RuntimeError, "int64|Long|floating"),
        (lambda: pygrad.tensor([1]) // 0, RuntimeError, "[Zz]ero"),
        (lambda: pygrad.tensor([True]) - pygrad.tensor([True]), RuntimeError, "bool"),
        (lambda: pygrad.tensor([1, 2]) ** -1, RuntimeError, "negative"),
        (lambda: pygrad.tensor([1.0]) & 1, RuntimeError, "float"),
        (lambda: pygrad.tensor([1j]) < 2, RuntimeError, "complex"),
        (lambda: ONES(2) + "a", TypeError, "str"),
        (lambda: ONES(2) + None, TypeError, "None"),
        (lambda: ONES(2) + [1, 2], TypeError, "list"),
        (lambda: pygrad.exp("x"), TypeError, "str"),
        (lambda: pygrad.exp(), TypeError, "missing|argument"),
        (lambda: pygrad.exp(np.ones(2)), TypeError, "ndarray|numpy"),
        (lambda: ONES(2).reshape("a"), TypeError, "str|argument"),
        (lambda: ONES(2, 2).sum(dim=1.5), TypeError, "float|argument"),
        (lambda: ONES(2).to("float33"), (RuntimeError, TypeError), "float33"),
        (lambda: ONES(2).to("tpu"), RuntimeError, "tpu"),
        (lambda: ONES(2, device="cuda:99"), RuntimeError, "CUDA|99"),
        (lambda: pygrad.tensor([1, "a"]), (TypeError, ValueError, RuntimeError), "str"),
        (lambda: pygrad.tensor([[1], [2, 3]]), ValueError, "length|sequence"),
        (lambda: pygrad.tensor(10**30), (ValueError, OverflowError), "verflow|large"),
        (lambda: pygrad.tensor(object()), (TypeError, RuntimeError), "object"),
        (lambda: pygrad.tensor([1.0]).item.__call__(1), TypeError, ""),
        (lambda: ONES(2).item(), RuntimeError, "2 elements"),
        (lambda: bool(ONES(2)), RuntimeError, "ambiguous"),
        (lambda: bool(pygrad.zeros(0)), RuntimeError, "ambiguous"),
        (lambda: float(ONES(2)), (RuntimeError, TypeError, ValueError), ""),
        (lambda: int(pygrad.tensor(math.nan)), (ValueError, RuntimeError), ""),
        (lambda: ONES(2).max(5), IndexError, "5"),
        (lambda: pygrad.zeros(0).max(), RuntimeError, "empty|numel|zero"),
        (lambda: pygrad.zeros(0, 3).argmax(0), IndexError, "empty|zero|size"),
        (lambda: ONES(3).topk(5), RuntimeError, "5"),
        (lambda: ONES(2, 3).gather(0, pygrad.tensor([[5]])), RuntimeError, "5"),
        (lambda: ONES(2, 3).index_select(0, pygrad.tensor([7])), IndexError, "7"),
        (lambda: pygrad.zeros(2**40, 2**40), RuntimeError, ""),
        (lambda: pygrad.zeros(2**50), (RuntimeError, MemoryError), ""),
        (lambda: pygrad.from_numpy(np.array(["a"])), TypeError, "elements|supported"),
        (lambda: pygrad.from_numpy([1]), TypeError, "ndarray"),
        (lambda: ONES(2, requires_grad=True).numpy(), RuntimeError, "detach"),
        (lambda: pygrad.zeros(2, dtype="float32"), TypeError, "str|dtype"),
        (lambda: pygrad.ones(2, dtype=pygrad.int64, requires_grad=True), RuntimeError, "float"),
        (lambda: pygrad.randint(5, 5, (2,)), RuntimeError, "5"),
        (lambda: pygrad.multinomial(pygrad.tensor([-1.0, 2.0]), 1), RuntimeError, "negative|< 0|nan"),
        (lambda: pygrad.bernoulli(pygrad.tensor([1.5])), RuntimeError, "p_in|between|range|1.5"),
        (lambda: pygrad.where(ONES(2), ONES(2), ONES(2)), RuntimeError, "bool"),
        (lambda: pygrad.set_num_threads(0), (RuntimeError, ValueError), "0"),
        (lambda: ONES(2).type("torch.WrongTensor"), (ValueError, TypeError, RuntimeError), "Wrong"),
        (lambda: pygrad.einsum("ij,jk", ONES(2, 3), ONES(2, 3)), RuntimeError, ""),
        (lambda: pygrad.split(ONES(4), [1, 2]), RuntimeError, "4|sum"),
        (lambda: ONES(2).backward(), RuntimeError, "grad"),
        (lambda: pygrad.device("gpu"), RuntimeError, "gpu"),
        (lambda: pygrad.Generator("gpu"), RuntimeError, "gpu"),
    ],
)  # fmt: skip
def test_refused(call, kind, text):
    with pytest.raises(kind, match=text or None):
        call()


@pytest.mark.parametrize(
    ("call", "kind", "text"),
    [
        (lambda: F.cross_entropy(ONES(2, 3), pygrad.tensor([0, 3])), IndexError, "3"),
        (lambda: F.cross_entropy(ONES(2, 3), pygrad.tensor([0, -1])), IndexError, "-1"),
        (lambda: F.cross_entropy(ONES(2, 3), pygrad.tensor([0, 1, 2])), ValueError, "2.*3|3.*2"),
        (lambda: F.cross_entropy(ONES(2, 3), pygrad.tensor([0.0, 1.0])), RuntimeError, ""),
        (lambda: F.nll_loss(ONES(2, 3), pygrad.tensor([0, 3])), IndexError, "3"),
        (lambda: F.embedding(pygrad.tensor([4]), ONES(4, 2)), IndexError, "4|out of range"),
        (lambda: F.mse_loss(ONES(2), ONES(2), reduction="average"), ValueError, "average"),
        (lambda: F.conv2d(ONES(1, 3, 4, 4), ONES(2, 2, 3, 3)), RuntimeError, "channels"),
        (lambda: F.conv2d(ONES(1, 1, 2, 2), ONES(1, 1, 3, 3)), RuntimeError, "[Kk]ernel size"),
        (lambda: F.max_pool2d(ONES(1, 1, 2, 2), 3), RuntimeError, "small|size"),
        (lambda: F.linear(ONES(2, 3), ONES(4, 2)), RuntimeError, r"\(2, 3\)|2x3|shape|size"),
        (lambda: F.batch_norm(ONES(1, 2), None, None, training=True), ValueError, "more than 1 value"),
        (lambda: F.dropout(ONES(2), 2.0), ValueError, "2.0"),
        (lambda: F.layer_norm(ONES(2, 3), (4,)), RuntimeError, "normalized_shape"),
        (lambda: F.binary_cross_entropy(pygrad.tensor([1.5]), ONES(1)), RuntimeError, "0 and 1|between|1.5"),
        (lambda: F.one_hot(pygrad.tensor([3]), 2), RuntimeError, "smaller|3|2"),
        (lambda: F.pad(ONES(2), (1, 1, 1, 1)), RuntimeError, "pad|length"),
    ],
)  # fmt: skip
def test_refused_by_functional(call, kind, text):
    with pytest.raises(kind, match=text or None):
        call()


def test_nan_labels_and_inputs_pass_through_as_nan():
    x = pygrad.tensor([[1.0, math.nan], [0.0, 1.0]])
    assert math.isnan(F.cross_entropy(x, pygrad.tensor([0, 1])).item())
    assert math.isnan(F.mse_loss(pygrad.tensor([math.nan]), ONES(1)).item())
    assert pygrad.isnan(pygrad.softmax(x, 1)).tolist() == [[True, True], [False, False]]
    assert math.isnan(x.max().item())
    assert math.isnan(x.sum().item())


def test_empty_tensors_work():
    e = pygrad.zeros(0, 3)
    assert e.sum().item() == 0.0
    assert e.prod().item() == 1.0
    assert math.isnan(e.mean().item())
    assert e.sum(0).tolist() == [0.0] * 3
    assert e.sum(1).shape == (0,)
    assert (e @ ONES(3, 2)).shape == (0, 2)
    assert (ONES(2, 0) @ ONES(0, 3)).tolist() == [[0.0] * 3] * 2
    assert pygrad.cat([e, ONES(1, 3)]).shape == (1, 3)
    assert F.relu(e).shape == (0, 3)
    assert pygrad.softmax(e, 1).shape == (0, 3)
    assert F.linear(e, ONES(2, 3), ONES(2)).shape == (0, 2)
    assert e.sort(0).values.shape == (0, 3)
    assert e.tolist() == []
    x = pygrad.zeros(0, 3, requires_grad=True)
    (x * 2).sum().backward()
    assert x.grad.shape == (0, 3)


def test_zero_dim_tensors_work():
    x = pygrad.tensor(2.0, requires_grad=True)
    (x * x).backward()
    assert x.grad.item() == 4.0
    assert x.sum().shape == ()
    assert x.sum(0).shape == ()
    assert x.max(0).indices.item() == 0
    assert x.reshape(1, 1).shape == (1, 1)
    assert x.sort().values.item() == 2.0
    assert pygrad.softmax(x, 0).item() == 1.0
    assert x.cumsum(0).item() == 2.0


def test_error_texts_name_op_values_and_expectation():
    with pytest.raises(RuntimeError) as caught:
        pygrad.mm(ONES(2, 3), ONES(4, 5))
    text = str(caught.value)
    assert text.startswith("mm()")
    assert "3" in text
    assert "4" in text
    with pytest.raises(IndexError) as caught:
        ONES(2, 3).sum(7)
    assert str(caught.value).startswith("sum()")
    assert "7" in str(caught.value)


def test_deep_nesting_and_recursive_lists():
    data = 1.0
    for _ in range(70):
        data = [data]
    with pytest.raises((ValueError, RuntimeError)):
        pygrad.tensor(data)
    loop: list = []
    loop.append(loop)
    with pytest.raises((ValueError, RuntimeError, RecursionError)):
        pygrad.tensor(loop)


def test_object_that_lies_about_its_length():
    class Liar:
        def __len__(self):
            return 5

        def __getitem__(self, i):
            if i > 1:
                raise IndexError
            return 1.0

    with pytest.raises((IndexError, ValueError, TypeError, RuntimeError)):
        pygrad.tensor(Liar())


def test_interrupted_index_object():
    class Bad:
        def __index__(self):
            raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        ONES(3)[Bad()]
