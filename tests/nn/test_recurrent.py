"""Recurrent layers against the same steps composed of public operations."""

from __future__ import annotations

import numpy as np
import pytest

import pygrad
import pygrad.nn.functional as F
from pygrad import nn
from tests.conftest import SEED
from tests.opinfo.record import to_numpy

KINDS = ["LSTM", "GRU", "RNN", "ReLU", "projected"]


def make(kind, features, hidden, **options):
    if kind == "projected":
        return nn.LSTM(features, hidden, proj_size=hidden // 2, dtype=pygrad.float64, **options)
    if kind == "ReLU":
        return nn.RNN(features, hidden, nonlinearity="relu", dtype=pygrad.float64, **options)
    return getattr(nn, kind)(features, hidden, dtype=pygrad.float64, **options)


def composed(layer, x, state):
    """One layer over (steps, batch, features), a step at a time."""
    outputs = []
    for row in x:
        xs = F.linear(row, layer.weight_ih_l0, layer.bias_ih_l0)
        hs = F.linear(state[0], layer.weight_hh_l0, layer.bias_hh_l0)
        if layer.mode == "GRU":
            xr, xz, xn = xs.chunk(3, -1)
            hr, hz, hn = hs.chunk(3, -1)
            z = (xz + hz).sigmoid()
            new = (xn + (xr + hr).sigmoid() * hn).tanh()
            state = ((1 - z) * new + z * state[0],)
        elif layer.mode == "LSTM":
            i, f, g, o = (xs + hs).chunk(4, -1)
            c = f.sigmoid() * state[1] + i.sigmoid() * g.tanh()
            h = o.sigmoid() * c.tanh()
            state = (h if not layer.proj_size else F.linear(h, layer.weight_hr_l0), c)
        else:
            state = ((xs + hs).tanh() if layer.nonlinearity == "tanh" else (xs + hs).relu(),)
        outputs.append(state[0])
    return pygrad.stack(outputs), state


def first_state(layer, batch, device):
    sizes = [layer.proj_size or layer.hidden_size, layer.hidden_size]
    return [
        pygrad.randn(1, batch, n, dtype=pygrad.float64).to(device).requires_grad_()
        for n in sizes[: 2 if layer.mode == "LSTM" else 1]
    ]


# A single sequence takes the matrix-vector route, short ones none that packs; the last is ragged.
@pytest.mark.parametrize(
    ("steps", "batch", "hidden"), [(3, 1, 6), (1, 5, 6), (7, 4, 34), (2, 17, 70)]
)
@pytest.mark.parametrize("kind", KINDS)
def test_agrees_with_the_composed_steps(kind, steps, batch, hidden, device):
    pygrad.manual_seed(SEED)
    layer = make(kind, 5, hidden).to(device)
    x = pygrad.randn(steps, batch, 5, dtype=pygrad.float64).to(device).requires_grad_()
    state = first_state(layer, batch, device)
    out, last = layer(x, tuple(state) if len(state) == 2 else state[0])
    last = last if isinstance(last, tuple) else (last,)
    expected, expected_last = composed(layer, x, tuple(part[0] for part in state))
    pairs = [(out, expected), *((a[0], b) for a, b in zip(last, expected_last, strict=True))]
    weights = [pygrad.randn(*a.shape, dtype=pygrad.float64).to(device) for a, _ in pairs]
    operands = [x, *state, *layer.parameters()]
    grads = [
        pygrad.autograd.grad(sum((p[k] * w).sum() for p, w in zip(pairs, weights, strict=True)),
                             operands)
        for k in (0, 1)
    ]  # fmt: skip
    for a, b in [*pairs, *zip(*grads, strict=True)]:
        assert np.allclose(to_numpy(a), to_numpy(b), rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("kind", KINDS)
def test_batch_first_equals_time_first(kind, device):
    pygrad.manual_seed(SEED)
    options = {"num_layers": 2, "bidirectional": True}
    time_first = make(kind, 3, 6, **options).to(device)
    batch_first = make(kind, 3, 6, batch_first=True, **options).to(device)
    batch_first.load_state_dict(time_first.state_dict())
    x = pygrad.randn(5, 4, 3, dtype=pygrad.float64).to(device)
    out, last = time_first(x)
    swapped, swapped_last = batch_first(x.transpose(0, 1))
    assert swapped.is_contiguous()
    assert pygrad.allclose(swapped.transpose(0, 1), out, rtol=1e-12)
    out.square().sum().backward()
    swapped.square().sum().backward()
    for a, b in zip(time_first.parameters(), batch_first.parameters(), strict=True):
        assert pygrad.allclose(a.grad, b.grad, rtol=1e-9, atol=1e-12)


def test_sequences_of_different_lengths_do_not_touch(device):
    """Each sequence of a packed batch gives what it gives alone, both ways and gradients too."""
    pygrad.manual_seed(SEED)
    layer = nn.LSTM(3, 5, 2, bidirectional=True, dtype=pygrad.float64).to(device)
    sequences = [pygrad.randn(n, 3, dtype=pygrad.float64).to(device) for n in (6, 4, 4, 1)]
    packed = nn.utils.rnn.pack_sequence(sequences)
    out, (h, c) = layer(packed)
    padded, lengths = nn.utils.rnn.pad_packed_sequence(out)
    (out.data.square().sum() + h.sum() + (c * c).sum()).backward()
    together = [p.grad.clone() for p in layer.parameters()]
    layer.zero_grad()
    for k, x in enumerate(sequences):
        alone, (h_alone, c_alone) = layer(x)
        assert pygrad.allclose(padded[: lengths[k], k], alone, rtol=1e-10, atol=1e-12)
        assert pygrad.allclose(h[:, k], h_alone, rtol=1e-10, atol=1e-12)
        assert pygrad.allclose(c[:, k], c_alone, rtol=1e-10, atol=1e-12)
        (alone.square().sum() + h_alone.sum() + (c_alone * c_alone).sum()).backward()
    for a, p in zip(together, layer.parameters(), strict=True):
        assert pygrad.allclose(a, p.grad, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "ReLU"])
def test_gradient_of_the_last_state_alone(kind, device):
    layer = make(kind, 2, 3).to(device)
    x = pygrad.randn(4, 2, 2, dtype=pygrad.float64).to(device)

    def f(x):
        last = layer(x)[1]
        return last[1] if kind == "LSTM" else last

    assert pygrad.autograd.gradcheck(f, (x.requires_grad_(),))


def test_one_tensor_as_both_biases(device):
    """An operand given twice gets both gradients, first and second."""
    w_ih, w_hh, bias = (
        pygrad.randn(*s, dtype=pygrad.float64).to(device).requires_grad_()
        for s in ((4, 2), (4, 1), (4,))
    )
    x = pygrad.randn(2, 2, dtype=pygrad.float64).to(device)
    state = [pygrad.zeros(2, 1, dtype=pygrad.float64, device=device)] * 2

    def f(bias):
        return pygrad.lstm_cell(x, state, w_ih, w_hh, bias, bias)

    assert pygrad.autograd.gradcheck(f, (bias,))
    assert pygrad.autograd.gradgradcheck(f, (bias,))


def test_output_changed_in_place_is_noticed(device):
    layer = make("GRU", 2, 3).to(device)
    out = layer(pygrad.ones(2, 1, 2, dtype=pygrad.float64, device=device))[0]
    out.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        out.sum().backward()


def test_dropout_between_layers(device):
    layer = make("GRU", 2, 4, num_layers=2, dropout=0.5).to(device)
    x = pygrad.ones(3, 2, 2, dtype=pygrad.float64, device=device)
    pygrad.manual_seed(SEED)
    first = layer(x)[0]
    assert not pygrad.equal(first, layer(x)[0])
    pygrad.manual_seed(SEED)
    assert pygrad.equal(first, layer(x)[0])
    layer.eval()
    assert pygrad.equal(layer(x)[0], layer(x)[0])


def test_weight_that_is_a_plain_attribute(device):
    """As weight dropout does it: the parameter is taken away and a tensor put in its place."""
    cell = nn.GRUCell(2, 3).to(device)
    weight = cell.weight_hh.detach()
    del cell.weight_hh
    cell.weight_hh = weight * 0
    x = pygrad.ones(1, 2, device=device)
    assert pygrad.isfinite(cell(x)).all()
