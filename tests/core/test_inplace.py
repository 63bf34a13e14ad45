"""In-place operations: identity, versions, aliases, casts, history, refusals without traces."""

from __future__ import annotations

import pytest

import pygrad

OPERATORS = {
    "+=": lambda x, y: x.__iadd__(y),
    "-=": lambda x, y: x.__isub__(y),
    "*=": lambda x, y: x.__imul__(y),
    "/=": lambda x, y: x.__itruediv__(y),
    "**=": lambda x, y: x.__ipow__(y),
    "//=": lambda x, y: x.__ifloordiv__(y),
    "%=": lambda x, y: x.__imod__(y),
}
PURE = {
    "+=": lambda x, y: x + y,
    "-=": lambda x, y: x - y,
    "*=": lambda x, y: x * y,
    "/=": lambda x, y: x / y,
    "**=": lambda x, y: x**y,
    "//=": lambda x, y: x // y,
    "%=": lambda x, y: x % y,
}


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("other", ["number", "tensor"])
def test_operators(name, other, device):
    x = pygrad.tensor([1.0, 2.5, 4.0], device=device)
    y = 2 if other == "number" else pygrad.tensor([2.0, 1.5, 3.0], device=device)
    expected = PURE[name](x, y)
    address, version = x.data_ptr(), x._version
    result = OPERATORS[name](x, y)
    assert result is x
    assert x.data_ptr() == address
    assert x._version == version + 1
    assert x.tolist() == expected.tolist()


def test_bit_operators():
    x = pygrad.tensor([6, 5])
    x &= 3
    assert x.tolist() == [2, 1]
    x |= 4
    assert x.tolist() == [6, 5]
    x ^= pygrad.tensor([1, 1])
    assert x.tolist() == [7, 4]
    x <<= 1
    x >>= 2
    assert x.tolist() == [3, 2]


def test_broadcasting_reaches_in_but_never_grows():
    x = pygrad.ones(2, 3)
    x += pygrad.tensor([1.0, 2.0, 3.0])
    assert x.tolist() == [[2.0, 3.0, 4.0]] * 2
    y = pygrad.ones(3)
    with pytest.raises(RuntimeError, match="shape|size|broadcast"):
        y += pygrad.ones(2, 3)
    assert y.tolist() == [1.0] * 3


def test_target_among_the_operands():
    x = pygrad.tensor([1.0, 2.0])
    x.mul_(x)
    assert x.tolist() == [1.0, 4.0]
    x.sub_(x)
    assert x.tolist() == [0.0, 0.0]
    m = pygrad.tensor([[1.0, 2.0], [3.0, 4.0]])
    with pytest.raises(RuntimeError, match="memory location"):
        m.add_(m.t())
    assert m.tolist() == [[1.0, 2.0], [3.0, 4.0]]


def test_non_contiguous_targets(device):
    x = pygrad.zeros(3, 4, device=device)
    x[:, ::2].add_(1)
    x.t()[0].mul_(5)
    x.diagonal().fill_(9)
    assert x.tolist() == [[9.0, 0.0, 1.0, 0.0], [5.0, 9.0, 1.0, 0.0], [5.0, 0.0, 9.0, 0.0]]


def test_history_moves_with_the_tensor():
    x = pygrad.ones(2, requires_grad=True)
    y = x * 2
    y.add_(1).mul_(3)
    assert "Mul" in y.grad_fn.name()
    y.sum().backward()
    assert x.grad.tolist() == [6.0, 6.0]


def test_needs_grad_from_the_operand():
    w = pygrad.full((2,), 3.0, requires_grad=True)
    x = pygrad.ones(2)
    x.mul_(w)
    assert x.requires_grad
    assert not x.is_leaf
    x.sum().backward()
    assert w.grad.tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x.exp_(),
        lambda x: x.sin_(),
        lambda x: x.mul_(x),
        lambda x: x.pow_(3),
        lambda x: x.div_(2).sqrt_(),
        lambda x: x.clamp_(0.6, 0.8),
        lambda x: x.relu_(),
        lambda x: x.log_().neg_(),
        lambda x: x.cumsum_(0),
        lambda x: x.masked_fill_(x > 0.6, 0.0),
        lambda x: x.index_add_(0, pygrad.tensor([0, 0]), pygrad.ones(2, dtype=x.dtype)),
        lambda x: x.addcmul_(x, x),
    ],
)
def test_gradients_against_differences(change):
    from pygrad.autograd import gradcheck

    x = pygrad.tensor([0.5, 0.7, 0.9], dtype=pygrad.float64, requires_grad=True)
    assert gradcheck(lambda t: change(t * 1.0), (x,))


def test_leaf_and_view_of_leaf_are_refused():
    x = pygrad.ones(3, requires_grad=True)
    for change in (
        lambda: x.add_(1),
        lambda: x[0].zero_(),
        lambda: x.__setitem__(0, 2.0),
        lambda: x.data_ptr() and x.copy_(pygrad.zeros(3)),
    ):
        with pytest.raises(RuntimeError, match="leaf"):
            change()
    assert x.tolist() == [1.0] * 3
    x.data.add_(1)
    assert x.tolist() == [2.0] * 3


def test_parts_of_a_split_can_be_changed():
    """PyTorch refuses this; here each part is a view like any other."""
    leaf = pygrad.ones(4, requires_grad=True)
    x = leaf * 1
    first, second = x.split(2)
    first.mul_(3)
    second.add_(first)
    (x * x).sum().backward()
    assert x.tolist() == [3.0, 3.0, 4.0, 4.0]
    assert leaf.grad.tolist() == [42.0, 42.0, 8.0, 8.0]


def test_detached_change_is_noticed():
    x = pygrad.ones(2, requires_grad=True)
    y = x * 3
    z = y * y
    y.detach().zero_()
    with pytest.raises(RuntimeError, match="modified by an in-?place"):
        z.sum().backward()


def test_no_grad_change_is_noticed():
    x = pygrad.ones(2, requires_grad=True) * 1
    y = x.exp()
    with pygrad.no_grad():
        y.zero_()
    with pytest.raises(RuntimeError, match="modified by an in-?place"):
        y.sum().backward()


def test_change_of_what_was_not_saved_is_fine():
    x = pygrad.ones(2, requires_grad=True)
    y = x * 3
    z = y + 1
    y.zero_()
    z.sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]


def test_a_refused_operation_writes_nothing():
    x = pygrad.arange(3)
    for change in (
        lambda: x.add_(0.5),
        lambda: x.div_(2),
        lambda: x.exp_(),
        lambda: x.add_(pygrad.ones(2, 3, dtype=pygrad.int64)),
        lambda: x.floor_divide_(0),
    ):
        with pytest.raises(RuntimeError):
            change()
    assert x.tolist() == [0, 1, 2]


def test_fill_zero_and_copy():
    x = pygrad.empty(2, 2)
    assert x.fill_(3).tolist() == [[3.0, 3.0]] * 2
    assert x.zero_().sum().item() == 0.0
    assert x.copy_(pygrad.tensor([1, 2])).tolist() == [[1.0, 2.0]] * 2
    with pytest.raises(RuntimeError):
        x.fill_(pygrad.ones(2))
    assert x.copy_(pygrad.tensor([True, False])).tolist() == [[1.0, 0.0]] * 2
    assert pygrad.zeros(2, dtype=pygrad.int64).copy_(pygrad.tensor([1.9, -1.9])).tolist() == [1, -1]
