"""Argument checks, in-place activations and helpers of nn.functional and nn.utils."""

from __future__ import annotations

import math

import pytest

import pygrad
import pygrad.nn.functional as F
from pygrad import nn


def test_size_mismatch_warns():
    with pytest.warns(UserWarning, match=r"target size \(3,\).*input size \(3, 1\)"):
        F.mse_loss(pygrad.ones(3, 1), pygrad.ones(3))
    with pytest.raises(ValueError, match="unsqueeze"):
        F.binary_cross_entropy(pygrad.ones(3, 1), pygrad.ones(3))
    with pytest.raises(ValueError, match="expected 'none', 'mean' or 'sum'"):
        F.mse_loss(pygrad.ones(1), pygrad.ones(1), reduction="avg")


def test_bad_arguments():
    with pytest.raises(ValueError, match="between 0 and 1"):
        F.dropout(pygrad.ones(1), 1.5)
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        nn.BatchNorm1d(3)(pygrad.ones(1, 3))
    with pytest.raises(ValueError, match="4D"):
        nn.BatchNorm2d(3)(pygrad.ones(2, 3))
    with pytest.raises(ValueError, match="divisible by groups"):
        nn.Conv2d(3, 4, 3, groups=2)
    with pytest.raises(ValueError, match="strided"):
        nn.Conv2d(3, 4, 3, padding="same", stride=2)
    with pytest.raises(NotImplementedError, match="bilinear"):
        F.interpolate(pygrad.ones(1, 1, 3), scale_factor=2, mode="bilinear")
    with pytest.raises(ValueError, match="either size or scale_factor"):
        F.interpolate(pygrad.ones(1, 1, 3))
    with pytest.raises(NotImplementedError, match="sparse"):
        F.embedding(pygrad.tensor([0]), pygrad.ones(2, 2), sparse=True)
    with pytest.raises(RuntimeError, match="even size"):
        F.glu(pygrad.ones(3))
    with pytest.raises(ValueError, match="output size"):
        nn.ConvTranspose2d(1, 1, 3, stride=2)(pygrad.ones(1, 1, 4, 4), output_size=(20, 20))


def test_softmax_without_dim_warns():
    with pytest.warns(UserWarning, match="no dim"):
        F.softmax(pygrad.ones(2, 2))


@pytest.mark.parametrize("name", ["relu", "silu", "leaky_relu", "elu", "hardtanh", "mish"])
def test_inplace_activations_have_gradients(name):
    function = getattr(F, name)
    x = pygrad.tensor([-0.7, 0.4]).requires_grad_()
    y = x * 1
    z = function(y, inplace=True)
    assert z is y
    z.sum().backward()
    x2 = x.detach().clone().requires_grad_()
    function(x2).sum().backward()
    assert pygrad.allclose(x.grad, x2.grad)


def test_dropout_keeps_the_mean():
    pygrad.manual_seed(0)
    x = pygrad.ones(100, 200)
    for out in (F.dropout(x, 0.3), F.dropout(x.clone(), 0.3, inplace=True)):
        assert abs(float(out.mean()) - 1) < 0.02
        assert abs(float((out == 0).float().mean()) - 0.3) < 0.02
    channels = F.dropout2d(pygrad.ones(4, 8, 3, 3), 0.5)
    per_channel = channels.flatten(2)
    assert (per_channel == per_channel[:, :, :1]).all()
    normal = F.alpha_dropout(pygrad.randn(100, 200), 0.2, True)
    assert abs(float(normal.mean())) < 0.05 and abs(float(normal.std()) - 1) < 0.05


def test_gumbel_softmax():
    hard = F.gumbel_softmax(pygrad.zeros(6, 4), hard=True)
    assert pygrad.allclose(hard.sum(1), pygrad.ones(6))
    assert ((hard - hard.round()).abs() < 1e-6).all()


def test_attention_causal_and_gqa():
    pygrad.manual_seed(0)
    q, k, v = pygrad.randn(2, 4, 3, 8), pygrad.randn(2, 2, 3, 8), pygrad.randn(2, 2, 3, 8)
    out = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
    assert pygrad.allclose(out[:, 3, 0], v[:, 1, 0], atol=1e-6)
    mask = pygrad.tensor([[True, False, False]] * 3)
    seen = F.scaled_dot_product_attention(q[:, :2], k, v, attn_mask=mask)
    assert pygrad.allclose(seen, v[:, :, :1].expand(2, 2, 3, 8), atol=1e-6)
    with pytest.raises(RuntimeError, match="is_causal"):
        F.scaled_dot_product_attention(q[:, :2], k, v, attn_mask=mask, is_causal=True)


def test_normalize():
    x = F.normalize(pygrad.tensor([[3.0, 4.0], [0.0, 0.0]]))
    assert pygrad.allclose(x, pygrad.tensor([[0.6, 0.8], [0.0, 0.0]]))


def test_clipping():
    p = nn.Parameter(pygrad.zeros(2))
    q = nn.Parameter(pygrad.zeros(1))
    p.grad = pygrad.tensor([3.0, 4.0])
    total = nn.utils.clip_grad_norm_([p, q], 1.0)
    assert abs(float(total) - 5) < 1e-5 and abs(float(p.grad.norm()) - 1) < 1e-4
    nn.utils.clip_grad_value_([p], 0.5)
    assert float(p.grad.max()) == 0.5
    p.grad = pygrad.tensor([math.inf, 0.0])
    with pytest.raises(RuntimeError, match="non-finite"):
        nn.utils.clip_grad_norm_([p], 1.0, error_if_nonfinite=True)
    assert float(nn.utils.clip_grad_norm_([q], 1.0)) == 0


def test_parameters_as_vector():
    net = nn.Linear(2, 1)
    vector = nn.utils.parameters_to_vector(net.parameters())
    assert vector.shape == (3,)
    nn.utils.vector_to_parameters(pygrad.arange(3.0), net.parameters())
    assert net.weight.tolist() == [[0.0, 1.0]] and net.bias.tolist() == [2.0]
    with pytest.raises(ValueError, match="need 3"):
        nn.utils.vector_to_parameters(pygrad.ones(2), net.parameters())


def test_padding_of_sequences():
    rnn = nn.utils.rnn
    parts = [pygrad.ones(2, 1), pygrad.ones(3, 1)]
    assert rnn.pad_sequence(parts).shape == (3, 2, 1)
    left = rnn.pad_sequence(parts, batch_first=True, padding_side="left")
    assert left[0, 0].item() == 0
    packed = rnn.pack_sequence(parts, enforce_sorted=False)
    assert packed.batch_sizes.tolist() == [2, 2, 1]
    assert [p.shape[0] for p in rnn.unpack_sequence(packed)] == [2, 3]
    with pytest.raises(RuntimeError, match="enforce_sorted"):
        rnn.pack_sequence(parts)


def test_checks_of_recurrent_layers():
    with pytest.raises(RuntimeError, match="input_size. Expected 3, got 4"):
        nn.GRU(3, 2)(pygrad.ones(1, 1, 4))
    with pytest.raises(RuntimeError, match="Expected hidden"):
        nn.LSTM(3, 2)(pygrad.ones(1, 1, 3), (pygrad.ones(1, 2, 2), pygrad.ones(1, 1, 2)))
    with pytest.raises(ValueError, match="proj_size"):
        nn.GRU(3, 2, proj_size=1)
