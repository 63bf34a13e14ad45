"""`func.functional_call`: other tensors for one call, gradients to them, nothing left."""

from __future__ import annotations

import pytest

import pygrad
from pygrad import nn
from pygrad.func import functional_call


def test_gradients_reach_the_given_tensors():
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 1))
    x = pygrad.randn(5, 3)
    own = {name: p.detach().clone().requires_grad_() for name, p in net.named_parameters()}
    before = {name: id(p) for name, p in net.named_parameters()}
    out = functional_call(net, own, (x,))
    pygrad.testing.assert_close(out, net(x))
    out.sum().backward()
    assert all(p.grad is not None for p in own.values())
    assert all(p.grad is None for p in net.parameters())
    assert {name: id(p) for name, p in net.named_parameters()} == before
    mean = pygrad.ones(4)
    functional_call(net.eval(), (own, {"1.running_mean": mean}), x)
    assert net[1].running_mean is not mean


def test_a_step_is_differentiable():
    net = nn.Linear(2, 1, bias=False)
    x, rate = pygrad.randn(4, 2), pygrad.tensor(0.1, requires_grad=True)
    weights = dict(net.named_parameters())
    loss = functional_call(net, weights, x).pow(2).mean()
    (g,) = pygrad.autograd.grad(loss, weights.values(), create_graph=True)
    functional_call(net, {"weight": net.weight - rate * g}, x).pow(2).mean().backward()
    assert rate.grad is not None and rate.grad.item() < 0


def test_tied_weights():
    net = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False))
    net[1].weight = net[0].weight
    x = pygrad.ones(1, 2)
    doubled = {"0.weight": pygrad.eye(2) * 2}
    assert functional_call(net, doubled, x).tolist() == [[4.0, 4.0]]
    with pygrad.no_grad():
        net[0].weight.copy_(pygrad.eye(2))
    assert functional_call(net, doubled, x, tie_weights=False).tolist() == [[2.0, 2.0]]
    assert functional_call(net, doubled, x, strict=True).shape == (1, 2)


def test_refusals_leave_the_module_as_it_was():
    net = nn.Linear(2, 1)
    weight = net.weight
    with pytest.raises(RuntimeError):
        functional_call(net, {"weight": pygrad.ones(1, 3)}, pygrad.ones(1, 2))
    assert net.weight is weight
    with pytest.raises(KeyError, match="has no"):
        functional_call(net, {"wrong": pygrad.ones(1)}, pygrad.ones(1, 2))
    with pytest.raises(KeyError, match="missing"):
        functional_call(net, {"weight": pygrad.ones(1, 2)}, pygrad.ones(1, 2), strict=True)
    with pytest.raises(ValueError, match="named twice"):
        functional_call(net, ({"bias": pygrad.ones(1)}, {"bias": pygrad.ones(1)}), pygrad.ones(2))
    with pytest.raises(TypeError, match="expected a Tensor"):
        functional_call(net, {"bias": 1.0}, pygrad.ones(2))
