"""The tape seen from Python: backward, grad, accumulation, hooks, modes, versions, errors."""

from __future__ import annotations

import copy
import gc
import weakref

import pytest

import pygrad
from pygrad import autograd


def leaf(*values, dtype=None):
    return pygrad.tensor(list(values), dtype=dtype or pygrad.float64, requires_grad=True)


def test_backward_accumulates():
    x = leaf(1.0, 2.0)
    (x * x).sum().backward()
    assert x.grad.tolist() == [2.0, 4.0]
    (x * 3).sum().backward()
    assert x.grad.tolist() == [5.0, 7.0]


def test_gradient_is_one_object():
    x = leaf(1.0)
    x.sum().backward()
    grad = x.grad
    assert x.grad is grad
    x.sum().backward()
    assert x.grad is grad


def test_broadcasting_sums():
    a, b = pygrad.ones(3, 1, requires_grad=True), pygrad.ones(4, requires_grad=True)
    (a * b).sum().backward()
    assert a.grad.tolist() == [[4.0]] * 3
    assert b.grad.tolist() == [3.0] * 4


def test_gradient_argument():
    x = leaf(1.0, 2.0)
    (x * x).backward(pygrad.tensor([1.0, 10.0], dtype=pygrad.float64))
    assert x.grad.tolist() == [2.0, 40.0]


def test_non_scalar_needs_gradient():
    with pytest.raises(RuntimeError, match="grad can be implicitly created only for scalar"):
        (leaf(1.0, 2.0) * 2).backward()


def test_gradient_shape_is_checked():
    with pytest.raises(RuntimeError, match="[Mm]ismatch in shape"):
        (leaf(1.0, 2.0) * 2).backward(pygrad.ones(3, dtype=pygrad.float64))


def test_backward_without_graph():
    with pytest.raises(RuntimeError, match="does not require grad"):
        pygrad.tensor(1.0).backward()


def test_second_backward_needs_retain_graph():
    x = leaf(2.0)
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.tolist() == [8.0]
    with pytest.raises(RuntimeError, match="second time"):
        y.backward()


def test_grad_returns_and_leaves_grad_alone():
    x, y = leaf(3.0), leaf(4.0)
    gx, gy = autograd.grad((x * y).sum(), (x, y))
    assert gx.tolist() == [4.0]
    assert gy.tolist() == [3.0]
    assert x.grad is None
    assert y.grad is None


def test_grad_of_intermediate():
    x = leaf(3.0)
    h = x * 2
    (g,) = autograd.grad((h * h).sum(), h)
    assert g.tolist() == [12.0]


def test_grad_of_itself():
    x = leaf(3.0)
    y = x.sum()
    (g,) = autograd.grad(y, y)
    assert g.item() == 1.0


def test_unused_input():
    x, z = leaf(3.0), leaf(1.0, 1.0)
    with pytest.raises(RuntimeError, match="not have been used"):
        autograd.grad(x.sum(), (x, z))
    assert autograd.grad(x.sum(), (x, z), allow_unused=True)[1] is None
    zeros = autograd.grad(x.sum(), (x, z), materialize_grads=True)[1]
    assert zeros.tolist() == [0.0, 0.0]
    with pytest.raises(ValueError, match="allow_unused"):
        autograd.grad(x.sum(), (x, z), allow_unused=False, materialize_grads=True)


def test_higher_derivatives():
    x = leaf(2.0)
    y = (x**4).sum()
    for expected in (32.0, 48.0, 48.0, 24.0):
        (y,) = autograd.grad(y.sum(), x, create_graph=True)
        assert y.item() == pytest.approx(expected)


def test_backward_create_graph_accumulates_differentiably():
    x = leaf(2.0)
    (x**3).sum().backward(create_graph=True)
    g = x.grad
    assert g.requires_grad
    (g2,) = autograd.grad(g.sum(), x)
    assert g2.item() == pytest.approx(12.0)
    x.grad = None


def test_backward_inputs_argument():
    x, y = leaf(1.0), leaf(2.0)
    (x * y).sum().backward(inputs=[x])
    assert x.grad.tolist() == [2.0]
    assert y.grad is None


def test_diamond_runs_each_node_once():
    x = leaf(1.0)
    h = x * 2
    calls = []
    h.register_hook(lambda g: calls.append(g.tolist()))
    (h * 3 + h * h).sum().backward()
    assert calls == [[7.0]]
    assert x.grad.tolist() == [14.0]


def test_retain_grad():
    x = leaf(1.0)
    h = x * 2
    h.retain_grad()
    (h * h).sum().backward()
    assert h.grad.tolist() == [4.0]


def test_hook_changes_gradient_and_can_be_removed():
    x = leaf(1.0)
    handle = x.register_hook(lambda g: g * 10)
    (x * 2).sum().backward()
    assert x.grad.tolist() == [20.0]
    handle.remove()
    (x * 2).sum().backward()
    assert x.grad.tolist() == [22.0]


def test_hooks_run_in_order():
    x = leaf(1.0)
    h = x * 1
    h.register_hook(lambda g: g + 1)
    h.register_hook(lambda g: g * 2)
    h.sum().backward()
    assert x.grad.tolist() == [4.0]


def test_hook_needs_a_gradient():
    with pytest.raises(RuntimeError):
        pygrad.ones(1).register_hook(lambda g: g)


def test_error_in_hook_comes_through():
    x = leaf(1.0)

    def fail(g):
        raise KeyError("from the hook")

    h = x * 1
    h.register_hook(fail)
    with pytest.raises(KeyError, match="from the hook"):
        h.sum().backward()


def test_post_accumulate_hook():
    x = leaf(1.0)
    seen = []
    x.register_post_accumulate_grad_hook(lambda t: seen.append(t.grad.tolist()))
    (x * 2).sum().backward()
    assert seen == [[2.0]]


def test_detach_shares_memory_and_cuts_the_graph():
    x = leaf(1.0)
    d = (x * 2).detach()
    assert not d.requires_grad
    assert d.grad_fn is None
    assert x.detach().data_ptr() == x.data_ptr()


def test_leaves():
    x = leaf(1.0)
    assert x.is_leaf
    assert not (x * 2).is_leaf
    assert pygrad.ones(1).is_leaf
    with pytest.raises(RuntimeError):
        (x * 2).requires_grad_(False)
    with pytest.raises(RuntimeError, match="float"):
        pygrad.ones(1, dtype=pygrad.int64).requires_grad_()


def test_in_place_on_a_leaf_is_refused():
    x = leaf(1.0)
    with pytest.raises(RuntimeError, match="leaf"):
        x.add_(1)
    with pygrad.no_grad():
        x.add_(1)
    assert x.tolist() == [2.0]


def test_saved_then_changed_is_refused():
    x = leaf(2.0)
    h = x * 1
    y = h * h
    h.add_(1)
    with pytest.raises(RuntimeError, match="modified by an in-?place operation"):
        y.sum().backward()


def test_version_counters():
    x = pygrad.zeros(4)
    assert x._version == 0
    x.add_(1)
    view = x[1:]
    view.mul_(2)
    assert x._version == view._version == 2
    assert x.detach()._version == 2
    assert x.clone()._version == 0


def test_in_place_result_is_differentiable():
    x = leaf(2.0)
    h = x * 3
    h.mul_(h.detach().clone())
    h += 1
    h.sum().backward()
    assert x.grad.tolist() == [18.0]


def test_in_place_on_a_view_reaches_the_base():
    x = leaf(1.0, 2.0, 3.0)
    h = x * 1
    h[1:].mul_(10)
    h[0] = 5.0
    (h * h).sum().backward()
    assert h.tolist() == [5.0, 20.0, 30.0]
    assert x.grad.tolist() == [0.0, 400.0, 600.0]


def test_view_sees_in_place_on_the_base():
    x = leaf(1.0, 2.0)
    h = x * 1
    view = h[1]
    h.mul_(3)
    view.backward()
    assert x.grad.tolist() == [0.0, 3.0]


def test_copy_routes_gradients():
    x, y = leaf(1.0, 2.0), leaf(3.0)
    h = x * 1
    h[:1].copy_(y)
    (h * h).sum().backward()
    assert x.grad.tolist() == [0.0, 4.0]
    assert y.grad.tolist() == [6.0]


@pytest.mark.parametrize("mode", [pygrad.no_grad, pygrad.inference_mode])
def test_modes_switch_recording_off(mode):
    x = leaf(1.0)
    with mode():
        assert not pygrad.is_grad_enabled()
        y = x * 2
    assert pygrad.is_grad_enabled()
    assert not y.requires_grad

    @mode()
    def decorated(t):
        return t * 2

    assert not decorated(x).requires_grad

    @mode
    def bare(t):
        """Doc."""
        return t * 2

    assert not bare(x).requires_grad
    assert bare.__doc__ == "Doc."


def test_modes_restore_after_an_error():
    with pytest.raises(KeyError), pygrad.no_grad():
        raise KeyError
    assert pygrad.is_grad_enabled()


def test_one_mode_object_can_be_entered_twice():
    mode = pygrad.no_grad()
    with mode:
        with mode:
            pass
        assert not pygrad.is_grad_enabled()
    assert pygrad.is_grad_enabled()


def test_set_grad_enabled():
    with pygrad.set_grad_enabled(False):
        assert not pygrad.is_grad_enabled()
        with pygrad.enable_grad():
            assert pygrad.is_grad_enabled()
    assert pygrad.is_grad_enabled()
    pygrad.set_grad_enabled(False)
    try:
        assert not pygrad.is_grad_enabled()
    finally:
        pygrad.set_grad_enabled(True)

    @pygrad.set_grad_enabled(False)
    def inside():
        return pygrad.is_grad_enabled()

    assert pygrad.is_grad_enabled()
    assert inside() is False


def test_decorated_generator_keeps_the_mode_to_itself():
    @pygrad.no_grad()
    def generate():
        received = []
        try:
            while True:
                received.append((yield pygrad.is_grad_enabled()))
                if len(received) == 2:
                    return received
        finally:
            assert not pygrad.is_grad_enabled()

    gen = generate()
    assert next(gen) is False
    assert pygrad.is_grad_enabled()
    assert gen.send("a") is False
    with pytest.raises(StopIteration) as stop:
        gen.send("b")
    assert stop.value.value == ["a", "b"]
    other = generate()
    next(other)
    other.close()
    assert pygrad.is_grad_enabled()


def test_inference_tensors_stay_out_of_graphs():
    with pygrad.inference_mode():
        t = pygrad.ones(2)
        assert pygrad.is_inference_mode_enabled()
    assert t.is_inference()
    x = pygrad.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="[Ii]nference"):
        (x * t).sum().backward()


def test_anomaly_mode_names_the_node():
    x = leaf(0.0)
    with autograd.detect_anomaly(), pytest.raises(RuntimeError, match="[Nn]a[Nn]"):
        y = x.sqrt() * 0
        y.sum().backward()
    assert not pygrad.is_anomaly_enabled()


def test_graph_is_freed_with_the_result():
    x = leaf(1.0)
    h = x * 2
    ref = weakref.ref(h)
    y = (h * h).sum()
    y.backward()
    del h, y
    gc.collect()
    assert ref() is None


def test_hook_cycle_is_collected():
    x = leaf(1.0)
    h = x * 2
    h.register_hook(lambda g, h=h: None)
    ref = weakref.ref(h)
    del h
    gc.collect()
    assert ref() is None


def test_deepcopy_of_leaf_and_refusal_of_others():
    x = leaf(1.0)
    x.sum().backward()
    y = copy.deepcopy(x)
    assert y.requires_grad
    assert y.grad.tolist() == x.grad.tolist()
    assert y.data_ptr() != x.data_ptr()
    with pytest.raises(RuntimeError):
        copy.deepcopy(x * 2)


def test_a_chain_of_a_million_adds():
    x = pygrad.zeros((), requires_grad=True)
    y = x
    for _ in range(1_000_000):
        y = y + 1.0
    y.backward()
    assert x.grad.item() == 1.0
    del y


def test_a_long_chain_is_freed_without_backward():
    y = pygrad.zeros((), requires_grad=True)
    for _ in range(300_000):
        y = y * 1.0
    del y


def test_complex_gradient_is_conjugate():
    z = pygrad.tensor([1.0 + 2.0j], dtype=pygrad.complex128, requires_grad=True)
    (z * z.conj()).real.sum().backward()
    assert z.grad.tolist() == [2.0 + 4.0j]


def test_increment_version():
    x = leaf(2.0)
    y = x * x
    autograd.graph.increment_version(x)
    with pytest.raises(RuntimeError, match="modified"):
        y.sum().backward()
