"""`utils.checkpoint`: the same values and gradients as without it, and less memory."""

from __future__ import annotations

import gc

import pytest

import pygrad
from pygrad import nn
from pygrad.utils.checkpoint import checkpoint, checkpoint_sequential


def network():
    pygrad.manual_seed(0)
    return nn.Sequential(
        nn.Linear(6, 8), nn.Tanh(), nn.Dropout(0.5), nn.Linear(8, 3), nn.Softplus()
    )


def gradients(run, inputs_require_grad):
    model = network()
    x = pygrad.randn(5, 6, requires_grad=inputs_require_grad)
    out = run(model, x * 2)
    (out**2).sum().backward()
    after = pygrad.rand(2)  # the stream goes on as if the part had run once
    return [
        out,
        after,
        *([x.grad] if inputs_require_grad else []),
        *(p.grad for p in model.parameters()),
    ]


@pytest.mark.parametrize("inputs_require_grad", [True, False])
@pytest.mark.parametrize(
    "run",
    [
        lambda model, x: checkpoint(model, x, use_reentrant=False),
        lambda model, x: checkpoint(model, x, use_reentrant=True),
        lambda model, x: checkpoint_sequential(model, 2, x),
        lambda model, x: checkpoint_sequential(list(model), 5, x),
        lambda model, x: checkpoint(lambda: model(x)),  # everything captured
        lambda model, x: checkpoint(
            lambda a, scale, *, shift: model(a * scale) + shift, x, 1, shift=0
        ),
    ],
)
def test_same_as_without(run, inputs_require_grad):
    expected = gradients(lambda model, x: model(x), inputs_require_grad)
    found = gradients(run, inputs_require_grad)
    for a, b in zip(found, expected, strict=True):
        pygrad.testing.assert_close(a, b, rtol=0, atol=0)


def test_a_parameter_inside_and_before():
    w = pygrad.tensor([0.5, 2.0], requires_grad=True)
    x = w.exp()
    checkpoint(lambda x: (x * w).sin(), x).sum().backward()
    found, w.grad = w.grad, None
    ((w.exp() * w).sin()).sum().backward()
    pygrad.testing.assert_close(found, w.grad)
    y = checkpoint(lambda x: x * w, w.exp()).sum()
    with pytest.raises(RuntimeError, match="used both inside the function and for its arguments"):
        pygrad.autograd.grad(y, w, create_graph=True)


def test_grad_and_second_derivative():
    x = pygrad.tensor([0.5, 1.0], dtype=pygrad.float64, requires_grad=True)
    w = pygrad.tensor([2.0, 3.0], dtype=pygrad.float64, requires_grad=True)
    y = checkpoint(lambda x: (x**3) * w, x)
    first, by_w = pygrad.autograd.grad(y.sum(), (x, w), create_graph=True)
    pygrad.testing.assert_close(by_w, x**3)
    (second,) = pygrad.autograd.grad(first.sum(), x)
    pygrad.testing.assert_close(second, 6 * x * w)
    assert pygrad.autograd.gradcheck(lambda x, w: checkpoint(lambda a: (a * w).tanh(), x), (x, w))


def test_several_outputs_and_plain_values():
    x = pygrad.tensor([1.0, 2.0], requires_grad=True)
    twice, index, text = checkpoint(lambda x: (x * 2, x.argmax(), "kept"), x)
    assert (index.item(), text, index.requires_grad) == (1, "kept", False)
    twice.sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]


def test_frees_the_inside():
    x = pygrad.ones(4, requires_grad=True)
    kept = []

    class Watched(pygrad.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            kept.append(ctx)
            ctx.save_for_backward(x)
            return x * 3

        @staticmethod
        def backward(ctx, g):
            return g * 3

    import weakref

    y = checkpoint(lambda x: Watched.apply(x) * 2, x)
    watched = weakref.ref(kept.pop())
    gc.collect()
    assert watched() is None  # the first run's graph is gone before backward
    y.sum().backward()
    assert x.grad.tolist() == [6.0] * 4


def test_without_grad_and_misuse():
    x = pygrad.ones(2, requires_grad=True)
    with pygrad.no_grad():
        assert not checkpoint(lambda x: x * 2, x).requires_grad
    assert checkpoint(lambda x: x.detach() * 2, x).grad_fn is None
    with pytest.raises(TypeError, match="must be callable"):
        checkpoint(3, x)
    with pytest.raises(ValueError, match="expected 1..5"):
        checkpoint_sequential(network(), 6, pygrad.ones(1, 6))
    sizes = iter([2, 1])
    y = checkpoint(lambda x: x[: next(sizes)] * 2, x)
    with pytest.raises(RuntimeError, match="when it was run again"):
        y.sum().backward()
