"""Views share memory, know their base, and refuse what has no strides for it."""

from __future__ import annotations

import pytest

import pygrad

VIEWS = {
    "view": lambda x: x.view(6, 4),
    "reshape": lambda x: x.reshape(24),
    "flatten": lambda x: x.flatten(),
    "transpose": lambda x: x.transpose(0, 2),
    "permute": lambda x: x.permute(2, 0, 1),
    "t": lambda x: x[0].t(),
    "T": lambda x: x[0].T,
    "mT": lambda x: x.mT,
    "expand": lambda x: x[:1].expand(5, 3, 4),
    "squeeze": lambda x: x[:1].squeeze(0),
    "unsqueeze": lambda x: x.unsqueeze(1),
    "select": lambda x: x.select(1, 2),
    "narrow": lambda x: x.narrow(2, 1, 2),
    "slice": lambda x: x[:, ::2],
    "diagonal": lambda x: x[0].diagonal(),
    "unfold": lambda x: x.unfold(2, 2, 1),
    "split": lambda x: x.split(2, 1)[1],
    "chunk": lambda x: x.chunk(2, 2)[0],
    "unbind": lambda x: x.unbind(1)[1],
    "as_strided": lambda x: x.as_strided((2, 2), (1, 3), 5),
    "movedim": lambda x: x.movedim(0, 2),
    "detach": lambda x: x.detach(),
    "unflatten": lambda x: x.unflatten(2, (2, 2)),
    "view_as": lambda x: x.view_as(x.clone()),
    "view_dtype": lambda x: x.view(pygrad.int32),
}


@pytest.mark.parametrize("name", VIEWS)
def test_shares_memory(name, device):
    x = pygrad.arange(24.0, device=device).reshape(2, 3, 4).clone()
    view = VIEWS[name](x)
    before = view.clone()
    x.mul_(2) if name != "view_dtype" else x.add_(1)
    assert view.tolist() != before.tolist()
    if name not in ("expand", "unfold", "view_dtype"):
        view.zero_()
        assert (x == 0).sum().item() >= view.numel()
    assert view._version == x._version


@pytest.mark.parametrize("name", [n for n in VIEWS if n not in ("detach", "view_dtype")])
def test_base_and_gradient(name):
    x = pygrad.arange(24.0, dtype=pygrad.float64).reshape(2, 3, 4).clone().requires_grad_()
    y = x * 1.0
    view = VIEWS[name](y)
    assert view._base is y
    assert view.requires_grad
    assert not view.is_leaf
    (view * view).sum().backward()
    expected = (2 * VIEWS[name](x.detach())).contiguous()
    counts = pygrad.zeros(24, dtype=pygrad.float64)
    index = VIEWS[name](pygrad.arange(24).reshape(2, 3, 4)).reshape(-1)
    counts.index_add_(0, index, expected.reshape(-1))
    assert x.grad.reshape(-1).tolist() == counts.tolist()


def test_view_needs_fitting_strides():
    x = pygrad.arange(6).reshape(2, 3)
    with pytest.raises(RuntimeError, match="reshape"):
        x.t().view(6)
    assert x.t().reshape(6).tolist() == [0, 3, 1, 4, 2, 5]
    assert x.t().view(3, 2).tolist() == x.t().tolist()
    assert x[:, :2].view(2, 2, 1).shape == (2, 2, 1)


def test_strides_and_contiguity():
    x = pygrad.zeros(2, 3, 4)
    assert x.stride() == (12, 4, 1)
    assert x.stride(-1) == 1
    assert x.is_contiguous()
    y = x.permute(2, 0, 1)
    assert y.stride() == (1, 12, 4)
    assert not y.is_contiguous()
    assert y.contiguous().stride() == (6, 3, 1)
    assert x.contiguous() is x
    assert x[1].storage_offset() == 12
    assert pygrad.zeros(3, 1).t().is_contiguous()
    assert pygrad.zeros(0, 3).t().is_contiguous()
    assert x.expand(2, 3, 4).stride() == (12, 4, 1)
    assert x[:1].expand(5, 3, 4).stride() == (0, 4, 1)


def test_writing_through_an_expanded_view_is_refused():
    x = pygrad.zeros(1, 3).expand(4, 3)
    for write in (lambda: x.add_(1), lambda: x.copy_(pygrad.ones(4, 3)), lambda: x.mul_(2)):
        with pytest.raises(RuntimeError, match="memory location|overlap|clone"):
            write()
    assert x.sum().item() == 0.0


def test_overlapping_source_and_target():
    x = pygrad.arange(6.0)
    with pytest.raises(RuntimeError, match="memory location"):
        x[1:].add_(x[:-1])
    assert x.tolist() == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    y = pygrad.arange(4.0)
    y.add_(y)
    assert y.tolist() == [0.0, 2.0, 4.0, 6.0]


def test_view_of_bytes():
    x = pygrad.tensor([1.0, 2.0])
    assert x.view(pygrad.int32).tolist() == [1065353216, 1073741824]
    assert x.view(pygrad.uint8).shape == (8,)
    assert x.view(pygrad.int64).shape == (1,)
    with pytest.raises(RuntimeError):
        pygrad.zeros(3, dtype=pygrad.int16).view(pygrad.int64)
    with pytest.raises(RuntimeError):
        pygrad.zeros(2, 4).t().view(pygrad.float64)


def test_views_of_views_reach_the_first_base():
    x = pygrad.zeros(2, 3)
    y = x[0][1:].unsqueeze(0)
    assert y._base is x
    y.fill_(1)
    assert x.tolist() == [[0.0, 1.0, 1.0], [0.0, 0.0, 0.0]]


def test_resize_and_set():
    x = pygrad.arange(6)
    x.resize_(2, 2)
    assert x.tolist() == [[0, 1], [2, 3]]
    with pytest.raises(RuntimeError):
        pygrad.ones(2, requires_grad=True).resize_(3)
    x.set_(pygrad.arange(3))
    assert x.tolist() == [0, 1, 2]


def test_too_many_dims_and_overflow():
    with pytest.raises(RuntimeError, match="dim"):
        pygrad.zeros((1,) * 65)
    with pytest.raises(RuntimeError):
        pygrad.zeros(1).expand(2**40, 2**40)
    with pytest.raises(RuntimeError):
        pygrad.zeros(2**62, 4)


def test_in_place_shape_changes_on_the_tensor_itself():
    x = pygrad.arange(6).reshape(2, 3)
    assert x.t_() is x
    assert x.shape == (3, 2)
    assert x.unsqueeze_(0).shape == (1, 3, 2)
    assert x.squeeze_(0).shape == (3, 2)
    assert x.transpose_(0, 1).tolist() == [[0, 1, 2], [3, 4, 5]]
