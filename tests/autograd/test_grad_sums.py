"""Gradients of matrix products that are added where they belong, without a tensor of their own."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import pygrad
import pygrad.nn.functional as F
from pygrad import _C


def numbers(*sizes, dtype=None, seed=0):
    values = np.random.default_rng(seed).standard_normal(sizes)
    return pygrad.tensor(values, dtype=dtype or pygrad.float64)


def weight(*sizes, dtype=None):
    return numbers(*sizes, dtype=dtype, seed=7).requires_grad_()


def peak_of(f):
    """The most bytes that `f` holds beside what is held when it starts."""
    _C.reset_peak_memory_stats("cpu")
    before = _C.memory_stats("cpu")["allocated"]
    f()
    return _C.memory_stats("cpu")["max_allocated"] - before


# Every op with a product as its gradient: the shape of its weight, and its use.
OPS = {
    "linear": ((4, 6), lambda w: F.linear(numbers(3, 6), w)),
    "linear_bias": ((4, 6), lambda w: F.linear(numbers(3, 6), w, numbers(4, seed=1))),
    "linear_batch": ((4, 6), lambda w: F.linear(numbers(2, 3, 6), w)),
    "linear_row": ((4, 6), lambda w: F.linear(numbers(6), w)),
    "linear_input": ((2, 3, 6), lambda w: F.linear(w, numbers(4, 6))),
    "linear_input_row": ((6,), lambda w: F.linear(w, numbers(4, 6))),
    "linear_turned_input": ((3, 2, 6), lambda w: F.linear(w.transpose(0, 1), numbers(4, 6))),
    "mm_right": ((6, 4), lambda w: numbers(3, 6) @ w),
    "mm_left": ((3, 6), lambda w: w @ numbers(6, 4)),
    "mm_turned": ((4, 6), lambda w: numbers(3, 6) @ w.t()),
    "mv": ((3, 6), lambda w: w @ numbers(6)),
    "mv_vector": ((6,), lambda w: numbers(3, 6) @ w),
    "addmm": ((6, 4), lambda w: pygrad.addmm(numbers(4), numbers(3, 6), w, alpha=0.5)),
    "addmm_left": ((3, 6), lambda w: pygrad.addmm(numbers(4), w, numbers(6, 4), alpha=3)),
    "bmm_right": ((2, 6, 4), lambda w: numbers(2, 3, 6) @ w),
    "bmm_left": ((2, 3, 6), lambda w: w @ numbers(2, 6, 4)),
    "bmm_broadcast": ((1, 6, 4), lambda w: numbers(5, 3, 6) @ w),
    "bmm_one_matrix": ((6, 4), lambda w: numbers(2, 5, 3, 6) @ w),
    "baddbmm": (
        (2, 6, 4),
        lambda w: pygrad.baddbmm(numbers(4), numbers(2, 3, 6), w, alpha=0.5),
    ),
}


@pytest.mark.parametrize("name", OPS)
def test_second_backward_adds_in_place(name):
    sizes, op = OPS[name]
    w = weight(*sizes)
    op(w).square().sum().backward()
    once = w.grad.clone()
    grad, address = w.grad, w.grad.data_ptr()
    op(w).square().sum().backward()
    assert w.grad is grad and w.grad.data_ptr() == address
    np.testing.assert_allclose(w.grad.numpy(), 2 * once.numpy(), rtol=1e-12)


@pytest.mark.parametrize("name", OPS)
def test_weight_used_three_times_in_one_pass(name):
    sizes, op = OPS[name]
    w = weight(*sizes)
    (single,) = pygrad.autograd.grad(op(w).square().sum(), w)
    inner = w * 1
    sum(op(inner).square().sum() for _ in range(3)).backward()
    np.testing.assert_allclose(w.grad.numpy(), 3 * single.numpy(), rtol=1e-12)
    w.grad = None
    sum(op(w).square().sum() for _ in range(3)).backward()
    np.testing.assert_allclose(w.grad.numpy(), 3 * single.numpy(), rtol=1e-12)


def test_inner_tensor_with_several_products():
    x = weight(5, 6)
    h = x * 2
    (F.linear(h, numbers(4, 6)).sum() + (h @ numbers(6, 3)).sum() + h.sum()).backward()
    expected = 2 * (numbers(4, 6).sum(0) + numbers(6, 3).sum(1) + 1)
    np.testing.assert_allclose(x.grad.numpy(), expected.expand(5, 6).numpy(), rtol=1e-12)


def test_gradient_that_two_inputs_share():
    x, other = weight(5, 6), weight(5, 6)
    h = x * 2
    y = F.linear(h, numbers(6, 6))
    ((h + other).square().sum() + y.sum()).backward()
    shared = 2 * (h + other).detach()
    assert (other.grad == shared).all()
    expected = 2 * (shared + numbers(6, 6).sum(0))
    np.testing.assert_allclose(x.grad.numpy(), expected.numpy(), rtol=1e-12)


def test_complex_weight():
    x = pygrad.complex(numbers(3, 6), numbers(3, 6, seed=1))
    w = pygrad.complex(numbers(6, 4, seed=2), numbers(6, 4, seed=3)).requires_grad_()
    for _ in range(2):
        (x @ w).abs().square().sum().backward()
    (expected,) = pygrad.autograd.grad((x @ w).abs().square().sum(), w)
    np.testing.assert_allclose(w.grad.numpy(), 2 * expected.numpy(), rtol=1e-12)


@pytest.mark.parametrize("name", ["linear", "mm_right", "bmm_right"])
def test_no_memory_of_the_weights_size(name):
    n = 512
    w = weight(*((1, n, n) if name == "bmm_right" else (n, n)), dtype=pygrad.float32)
    x = numbers(*((1, 2, n) if name == "bmm_right" else (2, n)), dtype=pygrad.float32)
    ones = pygrad.ones(x.shape)
    use = (lambda: F.linear(x, w)) if name == "linear" else (lambda: x @ w)
    use().backward(ones)
    assert peak_of(lambda: use().backward(ones)) < w.nbytes // 2
    w.grad = None
    steps = [use() for _ in range(4)]
    peak = peak_of(lambda: pygrad.autograd.backward(steps, [ones] * 4))
    assert w.nbytes <= peak < w.nbytes * 3 // 2  # the gradient that stays, and no second one


def test_hooks_see_the_gradient_of_the_pass():
    seen = []
    w = weight(4, 6)
    w.grad = pygrad.full((4, 6), 100.0, dtype=w.dtype)
    w.register_hook(lambda g: seen.append(g.clone()))
    x = numbers(3, 6)
    (F.linear(x, w).sum() + F.linear(x, w).sum()).backward()
    np.testing.assert_allclose(seen[0].numpy(), 2 * x.sum(0).expand(4, 6).numpy(), rtol=1e-12)
    np.testing.assert_allclose(w.grad.numpy(), 100 + seen[0].numpy(), rtol=1e-12)


def test_hook_replaces_the_gradient():
    w = weight(4, 6)
    w.grad = pygrad.ones(4, 6, dtype=w.dtype)
    w.register_hook(lambda g: g * 0)
    F.linear(numbers(3, 6), w).sum().backward()
    assert w.grad.tolist() == pygrad.ones(4, 6).tolist()


def test_node_hooks_see_the_gradient():
    w = weight(4, 6)
    w.grad = pygrad.ones(4, 6, dtype=w.dtype)
    seen = []
    y = F.linear(numbers(3, 6), w)
    y.grad_fn.register_hook(lambda inputs, outputs: seen.append(inputs[1].clone()))
    y.sum().backward()
    np.testing.assert_allclose(w.grad.numpy(), 1 + seen[0].numpy(), rtol=1e-12)
    accumulator = y.grad_fn.next_functions[1][0]
    accumulator.register_prehook(lambda grads: seen.append(grads[0].clone()))
    F.linear(numbers(3, 6), w).sum().backward()
    np.testing.assert_allclose(seen[1].numpy(), seen[0].numpy())


def test_post_accumulate_hook_runs_once_with_the_sum():
    calls = []
    w = weight(4, 6)
    w.register_post_accumulate_grad_hook(lambda p: calls.append(p.grad.clone()))
    x = numbers(3, 6)
    for passes in (1, 2, 3):
        (F.linear(x, w) + F.linear(x, w)).sum().backward()
        expected = 2 * passes * x.sum(0).expand(4, 6)
        np.testing.assert_allclose(calls[-1].numpy(), expected.numpy(), rtol=1e-12)
    assert len(calls) == 3


def test_autograd_grad_and_inputs_leave_grad_alone():
    w, v = weight(4, 6), weight(2, 4)
    w.grad, v.grad = pygrad.ones(4, 6, dtype=w.dtype), pygrad.ones(2, 4, dtype=w.dtype)
    x = numbers(3, 6)

    def loss():
        return F.linear(F.linear(x, w), v).sum() + F.linear(x, w).sum()

    pygrad.autograd.grad(loss(), [w])
    assert (w.grad == 1).all() and (v.grad == 1).all()
    loss().backward(inputs=[v])
    assert (w.grad == 1).all() and not (v.grad == 1).all()


def test_create_graph_makes_a_new_sum():
    w = weight(4, 6)
    x = numbers(3, 6)
    F.linear(x, w).square().sum().backward()
    first, kept = w.grad, w.grad.clone()
    F.linear(x, w).square().sum().backward(create_graph=True)
    assert w.grad is not first and w.grad.requires_grad
    assert (first == kept).all()
    (second,) = pygrad.autograd.grad(w.grad.sum(), w)
    assert second.abs().sum() > 0


def test_grad_that_requires_grad():
    w = weight(4, 6)
    x = numbers(3, 6)
    F.linear(x, w).square().sum().backward(create_graph=True)
    F.linear(x, w).square().sum().backward()
    (expected,) = pygrad.autograd.grad(F.linear(x, w).square().sum(), w)
    np.testing.assert_allclose(w.grad.detach().numpy(), 2 * expected.numpy(), rtol=1e-12)


@pytest.mark.parametrize("layout", ["turned", "gaps", "part"])
def test_grad_of_another_layout(layout):
    w = weight(4, 6)
    x = numbers(3, 6)
    grad = {
        "turned": lambda: pygrad.ones(6, 4, dtype=w.dtype).t(),
        "gaps": lambda: pygrad.ones(4, 12, dtype=w.dtype)[:, ::2],
        "part": lambda: pygrad.ones(9, 6, dtype=w.dtype)[2:6],
    }[layout]()
    w.grad = grad
    F.linear(x, w).sum().backward()
    assert w.grad is grad
    np.testing.assert_allclose(grad.numpy(), 1 + x.sum(0).expand(4, 6).numpy(), rtol=1e-12)
    if layout != "turned":
        assert grad._base.sum().item() == pytest.approx(
            grad.sum().item() + grad._base.numel() - grad.numel()
        )


def test_grad_that_repeats_an_element_is_refused():
    w = weight(4, 6)
    w.grad = pygrad.ones(1, 6, dtype=w.dtype).expand(4, 6)
    with pytest.raises(RuntimeError, match="more than one element"):
        F.linear(numbers(3, 6), w).sum().backward()


def test_read_only_grad_is_refused():
    w = weight(4, 6)
    values = np.ones((4, 6))
    values.flags.writeable = False
    w.grad = pygrad.from_numpy(values)
    with pytest.raises(RuntimeError, match="read-only"):
        F.linear(numbers(3, 6), w).sum().backward()
    assert (values == 1).all()


def test_grad_that_is_an_operand():
    x = numbers(70, 70)
    w = weight(70, 70)
    w.grad = x
    before = x.clone()
    (x.detach() @ w).backward(pygrad.eye(70, dtype=x.dtype))
    np.testing.assert_allclose(w.grad.numpy(), (before + before.t()).numpy(), rtol=1e-12)


def test_writing_to_grad_counts_as_a_change():
    w = weight(4, 6)
    w.grad = pygrad.ones(4, 6, dtype=w.dtype)
    saved = w.grad.detach().requires_grad_()
    y = saved.square().sum()
    F.linear(numbers(3, 6), w).sum().backward()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.backward()


@pytest.mark.parametrize("dtype", [pygrad.float32, pygrad.float16, pygrad.bfloat16])
def test_smaller_dtypes(dtype):
    w = numbers(8, 16, seed=7).to(dtype).requires_grad_()
    x = numbers(4, 16).to(dtype)
    F.linear(x, w).sum().backward()
    once = w.grad.clone()
    F.linear(x, w).sum().backward()
    tolerance = 1e-6 if dtype == pygrad.float32 else 1e-2
    np.testing.assert_allclose(
        w.grad.float().numpy(), 2 * once.float().numpy(), rtol=tolerance, atol=tolerance
    )


def test_pending_grad_is_settled():
    n = 300
    w = weight(n, n, dtype=pygrad.float32)
    x = numbers(2, n, dtype=pygrad.float32)
    F.linear(x, w).sum().backward()
    once = w.grad.clone()
    w.grad.mul_(2).add_(1)  # pending where pointwise ops are deferred
    copy = w.grad * 1
    F.linear(x, w).sum().backward()
    np.testing.assert_allclose(w.grad.numpy(), 3 * once.numpy() + 1, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(copy.numpy(), 2 * once.numpy() + 1, rtol=1e-5, atol=1e-5)


def test_nested_backward_inside_a_function():
    w = weight(4, 6)
    x = numbers(3, 6)

    class Inner(pygrad.autograd.Function):
        @staticmethod
        def forward(ctx, y):
            return y * 1

        @staticmethod
        def backward(ctx, g):
            with pygrad.enable_grad():
                F.linear(x, w).sum().backward()
            return g

    w.grad = pygrad.zeros(4, 6, dtype=w.dtype)
    Inner.apply(F.linear(x, w)).sum().backward()
    np.testing.assert_allclose(w.grad.numpy(), 2 * x.sum(0).expand(4, 6).numpy(), rtol=1e-12)


def test_anomaly_mode_names_the_product():
    w = weight(4, 6)
    w.grad = pygrad.ones(4, 6, dtype=w.dtype)
    with pygrad.autograd.detect_anomaly(), pytest.raises(RuntimeError, match="nan"):
        F.linear(numbers(3, 6) * float("nan"), w).sum().backward()


def test_threads_share_a_leaf():
    w = weight(32, 48)
    w.grad = pygrad.zeros(32, 48, dtype=w.dtype)
    x = pygrad.ones(3, 48, dtype=w.dtype)

    def work():
        for _ in range(50):
            F.linear(x, w).sum().backward()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (w.grad == 600).all()
