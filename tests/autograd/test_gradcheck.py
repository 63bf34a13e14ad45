"""gradcheck, gradgradcheck, Jacobians and Hessians."""

from __future__ import annotations

import pytest

import pygrad
from pygrad.autograd import Function, GradcheckError, gradcheck, gradgradcheck
from pygrad.autograd.functional import hessian, hvp, jacobian, jvp, vhp, vjp


class WrongSquare(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * x * 2.01


class WrongSecond(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * 2 * x.detach()


def sample(*shape, dtype=None):
    pygrad.manual_seed(0)
    return pygrad.randn(*shape, dtype=dtype or pygrad.float64, requires_grad=True)


@pytest.mark.parametrize("fast", [False, True])
def test_right_gradients_pass(fast):
    assert gradcheck(lambda a, b: (a @ b).tanh(), (sample(2, 3), sample(3, 2)), fast_mode=fast)
    assert gradgradcheck(lambda a: (a * a).exp(), (sample(3),), fast_mode=fast)


@pytest.mark.parametrize("fast", [False, True])
def test_wrong_gradient_is_caught(fast):
    with pytest.raises(GradcheckError, match="Jacobian mismatch"):
        gradcheck(WrongSquare.apply, (sample(3),), fast_mode=fast)
    assert not gradcheck(WrongSquare.apply, (sample(3),), raise_exception=False, fast_mode=fast)


def test_wrong_second_derivative_is_caught():
    assert gradcheck(WrongSecond.apply, (sample(3),))
    with pytest.raises(GradcheckError):
        gradgradcheck(WrongSecond.apply, (sample(3),))


@pytest.mark.parametrize("fast", [False, True])
def test_complex(fast):
    z = sample(3, dtype=pygrad.complex128)
    assert gradcheck(lambda t: t * t.conj() * (1 + 2j), (z,), fast_mode=fast)
    assert gradcheck(lambda t: t.abs(), (z,), fast_mode=fast)
    assert gradcheck(lambda t: t * 1j, (sample(2),), fast_mode=fast)


def test_inputs_are_checked():
    with pytest.raises(ValueError, match="at least one input"):
        gradcheck(lambda t: t, (pygrad.ones(2),))
    expanded = sample(1).expand(3).detach().requires_grad_()
    with pytest.raises(RuntimeError, match="stride 0"):
        gradcheck(lambda t: t * 2, (expanded,))


def test_jacobian():
    x = pygrad.tensor([1.0, 2.0], dtype=pygrad.float64)
    w = pygrad.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], dtype=pygrad.float64)
    assert jacobian(lambda t: w @ t, x).tolist() == w.tolist()
    blocks = jacobian(lambda a, b: (a * b, a.sum()), (x, x + 1))
    assert len(blocks) == len(blocks[0]) == 2
    assert blocks[0][0].tolist() == [[2.0, 0.0], [0.0, 3.0]]
    assert blocks[1][0].tolist() == [1.0, 1.0]
    assert blocks[1][1].tolist() == [0.0, 0.0]
    with pytest.raises(RuntimeError, match="strict"):
        jacobian(lambda a, b: a, (x, x), strict=True)


def test_hessian():
    x = pygrad.tensor([1.0, 2.0], dtype=pygrad.float64)
    assert hessian(lambda t: (t**3).sum(), x).tolist() == [[6.0, 0.0], [0.0, 12.0]]
    blocks = hessian(lambda a, b: (a * a * b).sum(), (x, x))
    assert blocks[0][1].tolist() == [[2.0, 0.0], [0.0, 4.0]]
    assert blocks[1][1].tolist() == [[0.0, 0.0], [0.0, 0.0]]
    with pytest.raises(RuntimeError, match="single"):
        hessian(lambda t: t, x)


def test_products():
    x = pygrad.tensor([1.0, 2.0], dtype=pygrad.float64)
    v = pygrad.tensor([1.0, -1.0], dtype=pygrad.float64)
    w = pygrad.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=pygrad.float64)
    assert vjp(lambda t: w @ t, x, v)[1].tolist() == [-2.0, -2.0]
    assert jvp(lambda t: w @ t, x, v)[1].tolist() == [-1.0, -1.0]
    for product in (vhp, hvp):
        value, result = product(lambda t: (t**3).sum(), x, v)
        assert value.item() == 9.0
        assert result.tolist() == [6.0, -12.0]
