"""Initialisation."""

from __future__ import annotations

import math

import pytest

import pygrad
from pygrad import nn
from pygrad.nn import init


def test_gain():
    assert init.calculate_gain("linear") == 1
    assert init.calculate_gain("relu") == math.sqrt(2)
    assert init.calculate_gain("leaky_relu", 0.2) == math.sqrt(2 / 1.04)
    with pytest.raises(ValueError, match="Unsupported nonlinearity"):
        init.calculate_gain("sine")


def test_ranges():
    pygrad.manual_seed(0)
    w = nn.Parameter(pygrad.empty(200, 100))
    bound = math.sqrt(6 / 300)
    init.xavier_uniform_(w)
    assert w.requires_grad and w.grad_fn is None
    assert bound * 0.98 < w.abs().max().item() <= bound
    init.kaiming_normal_(w, mode="fan_out", nonlinearity="relu")
    assert abs(w.std().item() - math.sqrt(2 / 200)) < 0.002
    init.trunc_normal_(w, std=1.0, a=-0.5, b=1.5)
    assert -0.5 <= w.min().item() < -0.48 and 1.4 < w.max().item() <= 1.5
    init.sparse_(w, 0.25)
    assert ((w == 0).sum(0) >= 50).all()
    with pytest.raises(ValueError, match="fewer than 2 dimensions"):
        init.xavier_normal_(pygrad.empty(3))
    with pytest.raises(ValueError, match="Mode"):
        init.kaiming_uniform_(w, mode="fan")
    with pytest.warns(UserWarning, match="zero-element"):
        init.kaiming_uniform_(pygrad.empty(0, 3))


@pytest.mark.parametrize("shape", [(5, 3), (3, 5), (4, 4), (4, 3, 2)])
def test_orthogonal(shape):
    w = init.orthogonal_(pygrad.empty(shape), gain=2)
    flat = w.reshape(shape[0], -1)
    small = flat @ flat.t() if flat.shape[0] <= flat.shape[1] else flat.t() @ flat
    assert pygrad.allclose(small, 4 * pygrad.eye(small.shape[0]), atol=1e-5)


def test_identities():
    assert init.eye_(pygrad.empty(2, 3)).tolist() == [[1, 0, 0], [0, 1, 0]]
    w = init.dirac_(pygrad.empty(4, 2, 3), groups=2)
    x = pygrad.arange(8.0).reshape(1, 2, 4)
    out = nn.functional.conv1d(x, w[:2], padding=1)
    assert out.tolist() == x.tolist()
    with pytest.raises(ValueError, match="2 dimensions"):
        init.eye_(pygrad.empty(3))


def test_default_initialisation_bounds():
    layer = nn.Linear(16, 500)
    assert 0.24 < layer.weight.abs().max().item() <= 0.25
    assert 0.23 < layer.bias.abs().max().item() <= 0.25
    assert nn.Embedding(5, 3, padding_idx=2).weight[2].tolist() == [0, 0, 0]
    bn = nn.BatchNorm1d(2)
    assert bn.weight.tolist() == [1, 1] and bn.num_batches_tracked.dtype == pygrad.int64
