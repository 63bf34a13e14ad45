"""scaled_dot_product_attention against the same composed of public operations, and its uses."""

from __future__ import annotations

import math

import numpy as np
import pytest

import pygrad
import pygrad.nn.functional as F
from pygrad import nn
from tests.conftest import SEED
from tests.opinfo.record import to_numpy


def composed(q, k, v, mask=None, drop=0.0, causal=False):
    """The weights as a tensor: what the kernel never keeps."""
    scores = (q * (1 / math.sqrt(q.shape[-1]))).matmul(k.transpose(-2, -1))
    if causal:
        mask = pygrad.ones(*scores.shape[-2:], dtype=pygrad.bool, device=q.device).tril()
    if mask is not None and mask.dtype == pygrad.bool:
        scores = scores.masked_fill(mask.logical_not(), -math.inf)
    elif mask is not None:
        scores = scores + mask
    blocked = (scores == -math.inf).all(-1, keepdim=True)
    weights = F.softmax(scores.masked_fill(blocked, 0.0), -1).masked_fill(blocked, 0.0)
    return F.dropout(weights, drop, True).matmul(v)


def heads(device, *shape, dtype=pygrad.float64):
    return pygrad.randn(*shape, dtype=dtype).to(device).requires_grad_()


# rows and keys about the kernels' tiles: of 14, 6 and 4 rows, of 32 columns, of 72, 128 and 256
SIZES = [(1, 1), (2, 33), (3, 31), (13, 32), (15, 127), (29, 129), (73, 64), (129, 257), (150, 40)]


@pytest.mark.parametrize("kind", ["plain", "causal", "bool", "float", "drop"])
@pytest.mark.parametrize(("rows", "keys"), SIZES)
def test_agrees_with_the_composed_form(rows, keys, kind, device):
    pygrad.manual_seed(SEED)
    shapes = (2, 2, rows, 9), (2, 2, keys, 9), (2, 2, keys, 5)
    operands = [heads(device, *s) for s in shapes]
    mask = None
    if kind == "bool":
        mask = pygrad.rand(2, 1, rows, keys).to(device) < 0.6
        mask[0, 0, 0] = False
    if kind == "float":
        mask = pygrad.randn(keys, dtype=pygrad.float64).to(device)
    drop = 0.3 if kind == "drop" else 0.0
    grad = pygrad.randn(2, 2, rows, 5, dtype=pygrad.float64).to(device)
    results = []
    for f in (F.scaled_dot_product_attention, composed):
        pygrad.manual_seed(SEED + 1)
        out = f(*operands, mask, drop, kind == "causal")
        results.append([out, *pygrad.autograd.grad(out, operands, grad)])
    for a, b, what in zip(*results, ("out", "query", "key", "value"), strict=True):
        assert np.allclose(to_numpy(a), to_numpy(b), rtol=1e-10, atol=1e-11), what


def test_heads_split_off_a_row_need_no_copies(device):
    packed = pygrad.randn(2, 20, 3 * 4 * 8).to(device)
    q, k, v = (p.view(2, 20, 4, 8).transpose(1, 2) for p in packed.split(32, -1))
    out = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    assert out.shape == (2, 4, 20, 8)
    assert out.transpose(1, 2).is_contiguous()
    assert pygrad.allclose(out, composed(q, k, v, causal=True), atol=1e-5)
    assert F.scaled_dot_product_attention(q.contiguous(), k, v).is_contiguous()


def test_mask_that_requires_grad(device):
    pygrad.manual_seed(SEED)
    q, k, v = (heads(device, 2, n, 4) for n in (3, 5, 5))
    mask = heads(device, 3, 5)
    assert pygrad.autograd.gradcheck(F.scaled_dot_product_attention, (q, k, v, mask))


def test_second_derivative_with_dropout(device):
    q, k, v = (heads(device, 1, n, 2) for n in (2, 3, 3))

    def f(*operands):
        pygrad.manual_seed(SEED)
        return F.scaled_dot_product_attention(*operands, dropout_p=0.4)

    assert pygrad.autograd.gradcheck(f, (q, k, v))
    assert pygrad.autograd.gradgradcheck(f, (q, k, v))


def test_what_is_not_finite_stays_in_its_row(device):
    x = pygrad.ones(4, 3).to(device)
    q = x.clone()
    q[1] = math.nan
    q[2] = math.inf
    out = F.scaled_dot_product_attention(q, x, x)
    assert pygrad.isfinite(out).all(-1).tolist() == [True, False, False, True]
    k = x.clone()
    k[3] = math.nan
    causal = F.scaled_dot_product_attention(x, k, x, is_causal=True)
    assert pygrad.isfinite(causal).all(-1).tolist() == [True, True, True, False]


def test_large_scores_do_not_overflow(device):
    q = pygrad.tensor([[400.0, 0.0]]).to(device)
    k = pygrad.tensor([[400.0, 0.0], [399.0, 0.0], [-400.0, 0.0]]).to(device)
    out = F.scaled_dot_product_attention(q, k, k)
    assert pygrad.allclose(out, k[:1])


@pytest.mark.parametrize("dtype", [pygrad.float16, pygrad.bfloat16])
def test_half_precision_is_computed_in_float(dtype, device):
    pygrad.manual_seed(SEED)
    q, k, v = (pygrad.randn(2, 40, 24).to(device).to(dtype) for _ in range(3))
    out = F.scaled_dot_product_attention(q, k, v)
    assert out.dtype == dtype
    exact = F.scaled_dot_product_attention(q.float(), k.float(), v.float())
    assert pygrad.equal(out, exact.to(dtype))


def test_multi_head_attention_without_weights(device):
    pygrad.manual_seed(SEED)
    attention = nn.MultiheadAttention(8, 2).to(device)
    x = pygrad.randn(5, 3, 8).to(device)
    mask = pygrad.ones(5, 5, dtype=pygrad.bool, device=device).triu(1)
    padding = pygrad.tensor([[False] * 5, [False] * 3 + [True] * 2, [False] * 5]).to(device)
    options = {"attn_mask": mask, "key_padding_mask": padding}
    expected, weights = attention(x, x, x, **options)
    got, none = attention(x, x, x, need_weights=False, **options)
    assert none is None and weights.shape == (3, 5, 5)
    assert pygrad.allclose(got, expected, atol=1e-6)
