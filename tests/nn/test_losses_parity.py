"""Losses against PyTorch's: values and gradients for every reduction."""

from __future__ import annotations

import warnings

import pytest

import pygrad
from pygrad import nn

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore::UserWarning")]


def _real(*shape):
    return lambda: torch.randn(shape)


def _unit(*shape):
    return lambda: torch.rand(shape) * 0.8 + 0.1


def _classes(high, *shape):
    return lambda: torch.randint(high, shape)


def _signs(*shape):
    return lambda: torch.randint(2, shape).float() * 2 - 1


W3 = [0.5, 1.0, 2.0]
LOSSES = [
    ("L1Loss", {}, [_real(3, 4), _real(3, 4)]),
    ("MSELoss", {}, [_real(3, 4), _real(3, 4)]),
    ("SmoothL1Loss", {"beta": 0.5}, [_real(3, 4), _real(3, 4)]),
    ("SmoothL1Loss", {"beta": 0.0}, [_real(3, 4), _real(3, 4)]),
    ("HuberLoss", {"delta": 0.7}, [_real(3, 4), _real(3, 4)]),
    ("CrossEntropyLoss", {}, [_real(5, 3), _classes(3, 5)]),
    ("CrossEntropyLoss", {"weight": W3, "label_smoothing": 0.1, "ignore_index": 1},
     [_real(5, 3), _classes(3, 5)]),
    ("CrossEntropyLoss", {"weight": W3}, [_real(2, 3, 4), _classes(3, 2, 4)]),
    ("CrossEntropyLoss", {"label_smoothing": 0.2}, [_real(5, 3), _unit(5, 3)]),
    ("NLLLoss", {"weight": W3, "ignore_index": 0}, [_real(5, 3), _classes(3, 5)]),
    ("BCELoss", {}, [_unit(3, 4), _unit(3, 4)]),
    ("BCEWithLogitsLoss", {"pos_weight": W3, "weight": W3}, [_real(4, 3), _unit(4, 3)]),
    ("KLDivLoss", {}, [_real(3, 4), _unit(3, 4)]),
    ("KLDivLoss", {"log_target": True}, [_real(3, 4), _real(3, 4)]),
    ("PoissonNLLLoss", {"full": True}, [_real(3, 4), _classes(5, 3, 4)]),
    ("PoissonNLLLoss", {"log_input": False}, [_unit(3, 4), _classes(5, 3, 4)]),
    ("GaussianNLLLoss", {"full": True}, [_real(3, 4), _real(3, 4), _unit(3, 1)]),
    ("HingeEmbeddingLoss", {"margin": 0.8}, [_real(3, 4), _signs(3, 4)]),
    ("MarginRankingLoss", {"margin": 0.3}, [_real(5), _real(5), _signs(5)]),
    ("CosineEmbeddingLoss", {"margin": 0.2}, [_real(5, 3), _real(5, 3), _signs(5)]),
    ("TripletMarginLoss", {"swap": True}, [_real(5, 3), _real(5, 3), _real(5, 3)]),
    ("TripletMarginWithDistanceLoss", {}, [_real(5, 3), _real(5, 3), _real(5, 3)]),
    ("SoftMarginLoss", {}, [_real(3, 4), _signs(3, 4)]),
    ("MultiLabelSoftMarginLoss", {"weight": W3}, [_real(4, 3), _unit(4, 3)]),
    ("MultiMarginLoss", {"p": 2, "margin": 0.5, "weight": W3}, [_real(4, 3), _classes(3, 4)]),
]  # fmt: skip


def _options(options, module):
    return {k: module.tensor(v) if isinstance(v, list) else v for k, v in options.items()}


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize(
    ("name", "options", "makers"), LOSSES, ids=[f"{i}-{row[0]}" for i, row in enumerate(LOSSES)]
)
def test_loss(name, options, makers, reduction):
    torch.manual_seed(1)
    theirs = getattr(torch.nn, name)(reduction=reduction, **_options(options, torch))
    ours = getattr(nn, name)(reduction=reduction, **_options(options, pygrad))
    if "Distance" not in name:
        assert repr(ours) == repr(theirs)
    inputs = [make() for make in makers]
    inputs[0].requires_grad_()
    copies = [pygrad.tensor(t.tolist()) for t in inputs]
    copies[0].requires_grad_()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected, got = theirs(*inputs), ours(*copies)
    assert tuple(got.shape) == tuple(expected.shape)
    expected.sum().backward()
    got.sum().backward()
    for a, b in ((got, expected), (copies[0].grad, inputs[0].grad)):
        mine = torch.tensor(a.detach().tolist())
        torch.testing.assert_close(mine, b.detach(), rtol=1e-4, atol=1e-5)
