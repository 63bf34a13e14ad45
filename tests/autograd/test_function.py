"""Custom `autograd.Function`: contexts, outputs, in-place, double backward, errors."""

from __future__ import annotations

import gc
import weakref

import pytest

import pygrad
from pygrad.autograd import Function, grad, gradcheck, gradgradcheck
from pygrad.autograd.function import once_differentiable


def leaf(*values):
    return pygrad.tensor(list(values), dtype=pygrad.float64, requires_grad=True)


class Cube(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x * x

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * 3 * x * x


class Exp(Function):
    @staticmethod
    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, g):
        (y,) = ctx.saved_tensors
        return g * y


class Scale(Function):
    @staticmethod
    def forward(x, factor):
        return x * factor

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.factor = inputs[1]

    @staticmethod
    def backward(ctx, g):
        return g * ctx.factor, None


class SumAndProduct(Function):
    @staticmethod
    def forward(ctx, a, b):
        ctx.save_for_backward(a, b)
        return a + b, a * b

    @staticmethod
    def backward(ctx, g_sum, g_product):
        a, b = ctx.saved_tensors
        return g_sum + g_product * b, g_sum + g_product * a


def test_first_and_second_derivative():
    x = leaf(2.0)
    y = Cube.apply(x)
    assert type(y.grad_fn).__name__ == "CubeBackward" or "Cube" in y.grad_fn.name()
    (g,) = grad(y.sum(), x, create_graph=True)
    assert g.tolist() == [12.0]
    assert grad(g.sum(), x)[0].tolist() == [12.0]


@pytest.mark.parametrize("function", [Cube, Exp])
def test_checks(function):
    x = leaf(0.3, -0.7)
    assert gradcheck(function.apply, (x,))
    assert gradgradcheck(function.apply, (x,))


def test_setup_context_and_keywords():
    x = leaf(2.0)
    Scale.apply(x, 5.0).sum().backward()
    assert x.grad.tolist() == [5.0]


def test_several_outputs_and_unused_ones():
    a, b = leaf(2.0), leaf(3.0)
    total, product = SumAndProduct.apply(a, b)
    (total + 2 * product).sum().backward()
    assert a.grad.tolist() == [7.0]
    assert b.grad.tolist() == [5.0]
    a.grad = None
    SumAndProduct.apply(a, b)[1].sum().backward()
    assert a.grad.tolist() == [3.0]


def test_materialize_grads_off():
    seen = []

    class Two(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.set_materialize_grads(False)
            return x * 1, x * 2

        @staticmethod
        def backward(ctx, g1, g2):
            seen.append((g1 is None, g2 is None))
            return g2 * 2

    x = leaf(1.0)
    Two.apply(x)[1].sum().backward()
    assert seen == [(True, False)]
    assert x.grad.tolist() == [2.0]


def test_needs_input_grad():
    seen = []

    class Product(Function):
        @staticmethod
        def forward(ctx, a, b, n):
            ctx.save_for_backward(a, b)
            return a * b

        @staticmethod
        def backward(ctx, g):
            seen.append(ctx.needs_input_grad)
            a, b = ctx.saved_tensors
            return g * b, g * a, None

    x = leaf(2.0)
    Product.apply(x, pygrad.ones(1, dtype=pygrad.float64), 3).sum().backward()
    assert seen == [(True, False, False)]


def test_forward_runs_without_recording():
    class Look(Function):
        @staticmethod
        def forward(ctx, x):
            assert not pygrad.is_grad_enabled()
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 2

    assert Look.apply(leaf(1.0)).requires_grad
    assert pygrad.is_grad_enabled()
    with pygrad.no_grad():
        assert not Look.apply(leaf(1.0)).requires_grad


def test_mark_dirty():
    class AddOne(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.mark_dirty(x)
            return x.add_(1)

        @staticmethod
        def backward(ctx, g):
            return g * 7

    x = leaf(1.0)
    h = x * 1
    out = AddOne.apply(h)
    assert out.tolist() == h.tolist() == [2.0]
    out.sum().backward()
    assert x.grad.tolist() == [7.0]


def test_mark_non_differentiable():
    class SortWithIndex(Function):
        @staticmethod
        def forward(ctx, x):
            values, index = x.sort()
            ctx.mark_non_differentiable(index)
            ctx.save_for_backward(index)
            return values, index

        @staticmethod
        def backward(ctx, g, _):
            (index,) = ctx.saved_tensors
            return pygrad.zeros_like(g).scatter(0, index, g)

    x = leaf(3.0, 1.0)
    values, index = SortWithIndex.apply(x)
    assert values.requires_grad
    assert not index.requires_grad
    (values * pygrad.tensor([1.0, 2.0], dtype=pygrad.float64)).sum().backward()
    assert x.grad.tolist() == [2.0, 1.0]


def test_returning_the_input():
    class Same(Function):
        @staticmethod
        def forward(ctx, x):
            return x

        @staticmethod
        def backward(ctx, g):
            return g * 3

    x = leaf(1.0)
    y = Same.apply(x)
    assert y is not x
    y.sum().backward()
    assert x.grad.tolist() == [3.0]


def test_saved_tensor_is_checked_for_changes():
    x = leaf(1.0)
    h = x * 1
    y = Cube.apply(h)
    h.add_(1)
    with pytest.raises(RuntimeError, match="modified by an in-?place operation"):
        y.sum().backward()


def test_second_backward_needs_retain_graph():
    x = leaf(2.0)
    y = Cube.apply(x).sum()
    y.backward(retain_graph=True)
    y.backward()
    with pytest.raises(RuntimeError, match="second time"):
        y.backward()


def test_once_differentiable():
    class Once(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        @once_differentiable
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return g * 2 * x

    x = leaf(3.0)
    Once.apply(x).sum().backward()
    assert x.grad.tolist() == [6.0]
    start = pygrad.ones(1, dtype=pygrad.float64, requires_grad=True)
    (g,) = grad(Once.apply(x), x, start, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        g.sum().backward()


def test_output_saved_makes_no_cycle():
    x = leaf(1.0)
    y = Exp.apply(x)
    ref = weakref.ref(y)
    gc.disable()
    try:
        del y
        assert ref() is None
    finally:
        gc.enable()


def test_wrong_number_of_gradients():
    class Wrong(Function):
        @staticmethod
        def forward(ctx, a, b):
            return a * b

        @staticmethod
        def backward(ctx, g):
            return g

    with pytest.raises(RuntimeError, match="incorrect number of gradients"):
        Wrong.apply(leaf(1.0), leaf(1.0)).sum().backward()


def test_error_in_backward_comes_through():
    class Fails(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

        @staticmethod
        def backward(ctx, g):
            raise KeyError("from backward")

    with pytest.raises(KeyError, match="from backward"):
        Fails.apply(leaf(1.0)).sum().backward()


def test_misuse_is_refused():
    with pytest.raises(RuntimeError):
        Cube()

    class SavesNumber(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(3)
            return x

    with pytest.raises(TypeError, match="can only save tensors"):
        SavesNumber.apply(leaf(1.0))

    class NoBackward(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

    with pytest.raises(NotImplementedError):
        NoBackward.apply(leaf(1.0)).sum().backward()
