"""The text of tensors: golden strings."""

from __future__ import annotations

import pytest

import pygrad


@pytest.fixture(autouse=True)
def _default_options():
    pygrad.set_printoptions(profile="default")
    yield
    pygrad.set_printoptions(profile="default")


GOLDEN = [
    (lambda: pygrad.tensor(1.0), "tensor(1.)"),
    (lambda: pygrad.tensor(3), "tensor(3)"),
    (lambda: pygrad.tensor(True), "tensor(True)"),
    (lambda: pygrad.tensor([]), "tensor([])"),
    (lambda: pygrad.zeros(0, 3), "tensor([], size=(0, 3))"),
    (lambda: pygrad.tensor([1.0, 2.5]), "tensor([1.0000, 2.5000])"),
    (lambda: pygrad.tensor([1.0, -2.0]), "tensor([ 1., -2.])"),
    (lambda: pygrad.tensor([1, -20]), "tensor([  1, -20])"),
    (lambda: pygrad.tensor([True, False]), "tensor([ True, False])"),
    (lambda: pygrad.tensor([1e-5, 1.0]), "tensor([1.0000e-05, 1.0000e+00])"),
    (lambda: pygrad.tensor([1e9]), "tensor([1.0000e+09])"),
    (lambda: pygrad.tensor([float("nan"), float("inf"), 1.0]), "tensor([nan, inf, 1.])"),
    (lambda: pygrad.tensor([1 + 2j, -0.5j]), "tensor([1.+2.0000j, -0.-0.5000j])"),
    (lambda: pygrad.eye(2), "tensor([[1., 0.],\n        [0., 1.]])"),
    (
        lambda: pygrad.zeros(2, 1, 2),
        "tensor([[[0., 0.]],\n\n        [[0., 0.]]])",
    ),
    (
        lambda: pygrad.arange(2000),
        "tensor([   0,    1,    2,  ..., 1997, 1998, 1999])",
    ),
    (lambda: pygrad.ones(1, requires_grad=True), "tensor([1.], requires_grad=True)"),
    (
        lambda: pygrad.ones(1, requires_grad=True) * 2,
        "tensor([2.], grad_fn=<MulBackward0>)",
    ),
    (
        lambda: pygrad.arange(16.0),
        (
            "tensor([ 0.,  1.,  2.,  3.,  4.,  5.,  6.,  7.,  8.,  9., 10., 11., 12., 13.,\n"
            "        14., 15.])"
        ),
    ),
]


@pytest.mark.parametrize(("make", "expected"), GOLDEN, ids=[text for _, text in GOLDEN])
def test_golden(make, expected):
    assert repr(make()) == str(make()) == expected


def test_dtype_is_shown_unless_default():
    x = pygrad.tensor([1.0], dtype=pygrad.float64)
    assert repr(x) == f"tensor([1.], dtype={pygrad.float64})"
    previous = pygrad.get_default_dtype()
    pygrad.set_default_dtype(pygrad.float64)
    try:
        assert repr(x) == "tensor([1.])"
    finally:
        pygrad.set_default_dtype(previous)
    assert repr(pygrad.tensor([1], dtype=pygrad.uint8)) == f"tensor([1], dtype={pygrad.uint8})"


def test_summary_of_a_matrix():
    row = "[0., 0., 0.,  ..., 0., 0., 0.]"
    rows = [row, row, row, "...", row, row, row]
    assert repr(pygrad.zeros(40, 40)) == "tensor([" + ",\n        ".join(rows) + "])"


def test_options():
    x = pygrad.tensor([1.23456789])
    pygrad.set_printoptions(precision=2)
    assert repr(x) == "tensor([1.23])"
    pygrad.set_printoptions(precision=4, sci_mode=True)
    assert repr(x) == "tensor([1.2346e+00])"
    pygrad.set_printoptions(sci_mode=False)
    assert repr(pygrad.tensor([1e-5, 1.0])) == "tensor([0.0000, 1.0000])"
    pygrad.set_printoptions(profile="full")
    assert "..." not in repr(pygrad.arange(1001))
    pygrad.set_printoptions(profile="short")
    assert repr(pygrad.arange(1001)) == "tensor([   0,    1,  ...,  999, 1000])"
    with pytest.raises(ValueError, match="profile"):
        pygrad.set_printoptions(profile="long")


def test_format():
    assert f"{pygrad.tensor(1.5):.3f}" == "1.500"
    assert f"{pygrad.tensor(7):04d}" == "0007"
    assert f"{pygrad.tensor([1.0])}" == "tensor([1.])"


def test_printing_does_not_touch_the_tape():
    x = pygrad.ones(2, requires_grad=True)
    y = x * 2
    version = y._version
    repr(y)
    assert y._version == version
    assert pygrad.is_grad_enabled()
