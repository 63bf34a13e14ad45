# ruff: noqa: E501 -- tables of samples read better unwrapped
"""Device cuda against the CPU at sizes where kernels cut their work: several blocks and segments,
long and many lines, ragged tiles, and the other routes that the small samples do not reach."""

from __future__ import annotations

import pytest

import pygrad
import pygrad.nn.functional as F  # noqa: N812
from tests.conftest import SEED

pytestmark = pytest.mark.cuda


def floats(*shape, dtype=pygrad.float32):
    return pygrad.randn(*shape, dtype=dtype)


def whole(below, *shape):
    return pygrad.randint(0, below, shape)


def small_steps(*shape):
    """Few values, so that every sum of them is exact and ties are many."""
    return pygrad.randint(-4, 5, shape).float() / 4


# Name: the operands, the function, and the tolerance (0: the same bits).
CASES = {
    "sum of a long row": (lambda: [floats(70001)], lambda x: x.sum(), 1e-4),
    "sum of long rows": (lambda: [floats(3, 40001)], lambda x: x.sum(1), 1e-4),
    "sum of long columns": (lambda: [floats(5003, 37)], lambda x: x.sum(0), 1e-4),
    "sum of inner columns": (lambda: [floats(6, 700, 33)], lambda x: x.sum(1), 1e-4),
    "sum of many rows": (lambda: [floats(2000, 9)], lambda x: x.sum(1), 1e-5),
    "sum of outer and inner": (lambda: [floats(30, 20, 40)], lambda x: x.sum((0, 2)), 1e-4),
    "prod": (lambda: [1 + floats(300, 100) / 50], lambda x: x.prod(0), 1e-4),
    "sum of integers": (lambda: [whole(100, 513, 65)], lambda x: x.sum(0), 0),
    "any": (lambda: [whole(2000, 40000) == 1], lambda x: x.any(), 0),
    "maximum with ties": (lambda: [small_steps(37, 5001)], lambda x: x.max(1), 0),
    "minimum of columns": (lambda: [small_steps(3001, 40)], lambda x: x.min(0), 0),
    "argmax of all": (lambda: [small_steps(20003)], lambda x: x.argmax(), 0),
    "variance": (lambda: [1000 + floats(50, 3000)], lambda x: x.var(1), 1e-4),
    "variance of columns": (lambda: [1000 + floats(3000, 50)], lambda x: pygrad.var_mean(x, 0), 1e-4),
    "norm": (lambda: [floats(50000)], lambda x: x.norm(), 1e-5),
    "logsumexp": (lambda: [floats(20, 3000)], lambda x: x.logsumexp(1), 1e-5),
    "cumsum of a long line": (lambda: [small_steps(20001)], lambda x: x.cumsum(0), 0),
    "cumsum of many lines": (lambda: [small_steps(30, 700)], lambda x: x.cumsum(0), 0),
    "cumprod": (lambda: [1 + floats(4, 3000) / 1e3], lambda x: x.cumprod(1), 1e-4),
    "cummax": (lambda: [small_steps(3, 9001)], lambda x: x.cummax(1), 0),
    "logcumsumexp": (lambda: [floats(2, 3000)], lambda x: x.logcumsumexp(1), 1e-4),
    "sort of a long line": (lambda: [floats(20001)], lambda x: x.sort(), 0),
    "stable sort with ties": (lambda: [small_steps(5, 6001)], lambda x: x.sort(dim=1, stable=True), 0),
    "descending sort": (lambda: [whole(50, 9000)], lambda x: x.sort(descending=True, stable=True), 0),
    "sort of columns": (lambda: [floats(2500, 7)], lambda x: x.sort(0), 0),
    "sort of many short lines": (lambda: [floats(600, 13)], lambda x: x.sort(1), 0),
    "argsort of bytes": (lambda: [whole(200, 5000).to(pygrad.uint8)], lambda x: x.argsort(stable=True), 0),
    "topk": (lambda: [floats(6, 5000)], lambda x: x.topk(17, 1), 0),
    "kthvalue": (lambda: [floats(6, 3000)], lambda x: x.kthvalue(700, 1)[0], 0),
    "median": (lambda: [floats(5001)], lambda x: x.median(), 0),
    "unique": (lambda: [whole(300, 9000)], lambda x: x.unique(return_counts=True), 0),
    "nonzero": (lambda: [whole(3, 100, 301)], lambda x: x.nonzero(), 0),
    "masked_select": (lambda: [floats(40000)], lambda x: x.masked_select(x > 0.5), 0),
    "searchsorted": (lambda: [floats(5000).sort()[0], floats(3000)], pygrad.searchsorted, 0),
    "bincount": (lambda: [whole(700, 20000)], lambda x: x.bincount(), 0),
    "histc": (lambda: [floats(20000)], lambda x: x.histc(50, -2, 2), 0),
    "index_select": (lambda: [floats(700, 65), whole(700, 900)], lambda x, i: x.index_select(0, i), 0),
    "indexing": (lambda: [floats(90, 40, 30), whole(90, 50, 1), whole(40, 70)], lambda x, i, j: x[i, j], 0),
    "gather": (lambda: [floats(300, 64), whole(300, 500, 64)], lambda x, i: x.gather(0, i), 0),
    "scatter_add by sorting": (
        lambda: [small_steps(3, 900), whole(40, 3, 5000), small_steps(3, 5000)],
        lambda x, i, s: x.scatter_add(1, i, s), 0),
    "scatter_add by lines": (
        lambda: [small_steps(40, 3000), whole(40, 20, 3000), small_steps(20, 3000)],
        lambda x, i, s: x.scatter_add(0, i, s), 0),
    "the last write wins": (
        lambda: [floats(50), whole(50, 6000), floats(6000)], lambda x, i, s: x.scatter(0, i, s), 0),
    "scatter_reduce": (
        lambda: [floats(4, 100), whole(100, 4, 2000), floats(4, 2000)],
        lambda x, i, s: x.scatter_reduce(1, i, s, "amax"), 0),
    "index_add": (
        lambda: [small_steps(60, 37), whole(60, 4000), small_steps(4000, 37)],
        lambda x, i, s: x.index_add(0, i, s), 0),
    "index_put with accumulation": (
        lambda: [small_steps(50, 20), whole(50, 3000), whole(20, 3000), small_steps(3000)],
        lambda x, i, j, v: x.index_put((i, j), v, accumulate=True), 0),
    "embedding": (lambda: [floats(500, 33), whole(500, 70, 11)], lambda w, i: F.embedding(i, w), 0),
    "cat": (lambda: [floats(300, 50), floats(70, 50)], lambda a, b: pygrad.cat([a, b]), 0),
    "transposed copy": (lambda: [floats(300, 7, 130)], lambda x: x.permute(2, 1, 0).contiguous(), 0),
    "broadcast": (lambda: [floats(300, 1, 40), floats(70, 1)], lambda a, b: a * b, 0),
    "matmul with ragged tiles": (lambda: [floats(131, 77), floats(77, 203)], pygrad.matmul, 1e-4),
    "matmul with a long inner dimension": (lambda: [floats(5, 4099), floats(4099, 7)], pygrad.matmul, 1e-3),
    "matmul of transposed": (lambda: [floats(90, 150), floats(70, 90)], lambda a, b: a.t() @ b.t(), 1e-4),
    "matmul of double": (
        lambda: [floats(65, 130, dtype=pygrad.float64), floats(130, 67, dtype=pygrad.float64)],
        pygrad.matmul, 1e-10),
    "matmul of half": (lambda: [floats(70, 90).half(), floats(90, 65).half()], pygrad.matmul, 1e-2),
    "matmul of integers": (lambda: [whole(9, 40, 50), whole(9, 50, 30)], pygrad.matmul, 0),
    "matrix times vector": (lambda: [floats(1000, 301), floats(301)], pygrad.mv, 1e-4),
    "bmm": (lambda: [floats(9, 33, 40), floats(9, 40, 65)], pygrad.bmm, 1e-4),
    "linear": (lambda: [floats(100, 300), floats(129, 300), floats(129)], F.linear, 1e-4),
    "conv2d": (lambda: [floats(3, 6, 30, 31), floats(20, 6, 3, 3), floats(20)],
               lambda x, w, b: F.conv2d(x, w, b, padding=1), 1e-4),
    "strided conv2d": (lambda: [floats(2, 8, 33, 40), floats(12, 4, 5, 3)],
                       lambda x, w: F.conv2d(x, w, stride=2, padding=2, groups=2), 1e-4),
    "depthwise conv2d": (lambda: [floats(2, 33, 20, 21), floats(33, 1, 3, 3)],
                         lambda x, w: F.conv2d(x, w, padding=1, groups=33), 1e-4),
    "conv_transpose2d": (lambda: [floats(2, 9, 17, 13), floats(9, 12, 4, 4)],
                         lambda x, w: F.conv_transpose2d(x, w, stride=2, padding=1), 1e-4),
    "max_pool2d": (lambda: [floats(4, 9, 40, 41)], lambda x: F.max_pool2d(x, 3, 2, 1), 0),
    "avg_pool2d": (lambda: [floats(4, 9, 40, 41)], lambda x: F.avg_pool2d(x, 3, 2, 1), 1e-5),
    "adaptive_avg_pool2d": (lambda: [floats(4, 9, 30, 41)], lambda x: F.adaptive_avg_pool2d(x, 7), 1e-5),
    "softmax of long rows": (lambda: [floats(7, 5001)], lambda x: F.softmax(x, 1), 1e-5),
    "softmax of columns": (lambda: [floats(301, 70)], lambda x: F.softmax(x, 0), 1e-5),
    "log_softmax of many rows": (lambda: [floats(700, 11)], lambda x: F.log_softmax(x, 1), 1e-5),
    "layer_norm": (lambda: [floats(40, 1500), floats(1500), floats(1500)],
                   lambda x, w, b: F.layer_norm(x, (1500,), w, b), 1e-4),
    "batch_norm": (lambda: [floats(20, 17, 300), floats(17), floats(17)],
                   lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True), 1e-4),
    "batch_norm of features": (lambda: [floats(3000, 33), floats(33), floats(33)],
                               lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True), 1e-4),
    "group_norm": (lambda: [floats(5, 12, 400)], lambda x: F.group_norm(x, 3), 1e-4),
    "cross_entropy": (lambda: [floats(300, 1001), whole(1001, 300)], F.cross_entropy, 1e-5),
    "attention": (lambda: [floats(2, 3, 70, 16), floats(2, 3, 90, 16), floats(2, 3, 90, 16)],
                  F.scaled_dot_product_attention, 1e-4),
}  # fmt: skip


def leaves(result):
    return list(result) if isinstance(result, tuple) else [result]


def agree(a, b, tolerance, what):
    assert a.device.type == "cuda", what
    assert a.dtype == b.dtype, what
    a = a.cpu()
    if tolerance == 0:
        assert pygrad.equal(a, b), what
        return
    a, b = a.double(), b.double()
    scale = max(1.0, b.abs().max().item())
    assert a.shape == b.shape, what
    assert (a - b).abs().max().item() <= tolerance * scale, what


@pytest.mark.parametrize("name", CASES)
def test_values_and_gradients(name):
    make, call, tolerance = CASES[name]
    pygrad.manual_seed(SEED)
    operands = make()
    results, gradients = [], []
    for device in ("cpu", "cuda"):
        args = [x.to(device).detach() for x in operands]
        wanted = [x.requires_grad_(True) for x in args if x.is_floating_point()]
        outputs = leaves(call(*args))
        results.append([t.detach() for t in outputs])
        differentiable = [t for t in outputs if t.requires_grad]
        if differentiable:
            # Weights that are neither equal nor random, and exact in every dtype.
            total = sum(
                (t * (pygrad.arange(t.numel(), device=device) % 5 - 2).reshape(t.shape)).sum()
                for t in differentiable
            )
            total.backward()
        gradients.append([x.grad for x in wanted])
    for here, there in zip(*results, strict=True):
        agree(there, here, tolerance, name)
    for here, there in zip(*gradients, strict=True):
        assert (here is None) == (there is None), name
        if here is not None:
            agree(there, here, max(tolerance * 10, 1e-4), f"gradient of {name}")


def test_results_have_the_same_bits_every_time():
    pygrad.manual_seed(SEED)
    x, i = floats(50000).cuda(), whole(30, 50000).cuda()
    for f in (
        lambda: x.sum(),
        lambda: x.reshape(500, 100).var(0),
        lambda: pygrad.zeros(30, device="cuda").index_add(0, i, x),
        lambda: x.reshape(250, 200) @ x.reshape(200, 250),
    ):
        assert pygrad.equal(f(), f())
