"""Making tensors: constructors, dtypes, promotion, random streams, limits."""

from __future__ import annotations

import pytest

import pygrad


@pytest.mark.parametrize(
    ("data", "dtype"),
    [
        (1, "int64"),
        (1.0, "float32"),
        (True, "bool"),
        (1j, "complex64"),
        ([1, 2.5], "float32"),
        ([True, 2], "int64"),
        ([[1, 2], [3, 4]], "int64"),
        ([], "float32"),
    ],
)
def test_tensor_infers(data, dtype):
    t = pygrad.tensor(data)
    assert t.dtype == getattr(pygrad, dtype)
    assert t.tolist() == data


def test_ragged_lists_are_refused():
    with pytest.raises(ValueError):
        pygrad.tensor([[1, 2], [3]])


def test_unknown_objects_are_refused():
    with pytest.raises((TypeError, RuntimeError)):
        pygrad.tensor(object())


def test_filled():
    assert pygrad.zeros(2, 3).tolist() == [[0.0] * 3] * 2
    assert pygrad.zeros((2, 3)).shape == (2, 3)
    assert pygrad.ones(2, dtype=pygrad.int32).tolist() == [1, 1]
    assert pygrad.full((2,), 7).dtype == pygrad.int64
    assert pygrad.full((2,), 7.0).tolist() == [7.0, 7.0]
    assert pygrad.eye(2, 3).tolist() == [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    assert pygrad.empty(0, 4).numel() == 0
    x = pygrad.ones(2, 3, dtype=pygrad.float64)
    for make in (pygrad.zeros_like, pygrad.ones_like, pygrad.empty_like, pygrad.rand_like):
        assert make(x).shape == x.shape
        assert make(x).dtype == x.dtype
    assert x.new_zeros(2).dtype == pygrad.float64


def test_ranges():
    assert pygrad.arange(3).tolist() == [0, 1, 2]
    assert pygrad.arange(1, 2, 0.25).tolist() == [1.0, 1.25, 1.5, 1.75]
    assert pygrad.arange(3, 0, -1).tolist() == [3, 2, 1]
    assert pygrad.linspace(0, 1, 5).tolist() == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert pygrad.linspace(0, 1, 1).tolist() == [0.0]


@pytest.mark.parametrize(
    "make",
    [
        lambda: pygrad.zeros(-1),
        lambda: pygrad.ones(2, -3),
        lambda: pygrad.zeros(2**40, 2**40),
        lambda: pygrad.arange(0, 1, 0),
        lambda: pygrad.arange(0, 1, -1),
        lambda: pygrad.linspace(0, 1, -1),
    ],
)
def test_bad_sizes_are_refused(make):
    with pytest.raises(RuntimeError):
        make()


def test_random_streams_repeat():
    draws = (
        lambda: pygrad.rand(5),
        lambda: pygrad.randn(5),
        lambda: pygrad.randint(0, 10, (5,)),
        lambda: pygrad.randperm(10),
        lambda: pygrad.bernoulli(pygrad.full((20,), 0.5)),
        lambda: pygrad.normal(0.0, 1.0, (5,)),
    )
    for draw in draws:
        pygrad.manual_seed(3)
        first = draw().tolist()
        second = draw().tolist()
        pygrad.manual_seed(3)
        assert draw().tolist() == first
        assert draw().tolist() == second
    assert pygrad.initial_seed() == 3


def test_random_state_and_generators():
    state = pygrad.get_rng_state()
    first = pygrad.rand(3).tolist()
    pygrad.set_rng_state(state)
    assert pygrad.rand(3).tolist() == first
    a = pygrad.Generator().manual_seed(1)
    b = pygrad.Generator().manual_seed(1)
    assert pygrad.rand(3, generator=a).tolist() == pygrad.rand(3, generator=b).tolist()
    with pygrad.random.fork_rng():
        pygrad.rand(100)
    pygrad.set_rng_state(state)
    assert pygrad.rand(3).tolist() == first


def test_randperm_and_randint_ranges():
    assert sorted(pygrad.randperm(50).tolist()) == list(range(50))
    values = pygrad.randint(-3, 3, (1000,))
    assert values.min() == -3
    assert values.max() == 2


def test_promotion():
    i, f, d = pygrad.tensor([1]), pygrad.tensor([1.0]), pygrad.tensor([1.0], dtype=pygrad.float64)
    assert (i * 2.5).dtype == pygrad.float32
    assert (f * 2.5).dtype == pygrad.float32
    assert (f + d).dtype == pygrad.float64
    assert (f + pygrad.tensor(1.0, dtype=pygrad.float64)).dtype == pygrad.float32
    assert (i / i).dtype == pygrad.float32
    assert pygrad.promote_types(pygrad.int8, pygrad.uint8) == pygrad.int16
    assert pygrad.result_type(i, 1.0) == pygrad.float32
    assert pygrad.can_cast(pygrad.float64, pygrad.float32)
    assert not pygrad.can_cast(pygrad.float32, pygrad.int64)


def test_default_dtype():
    pygrad.set_default_dtype(pygrad.float64)
    try:
        assert pygrad.tensor(1.0).dtype == pygrad.zeros(1).dtype == pygrad.float64
    finally:
        pygrad.set_default_dtype(pygrad.float32)
    with pytest.raises(TypeError):
        pygrad.set_default_dtype(pygrad.int64)


def test_limits():
    assert pygrad.finfo(pygrad.float32).eps == 2.0**-23
    assert pygrad.finfo(pygrad.float16).max == 65504.0
    assert pygrad.finfo(pygrad.float64).tiny == 2.2250738585072014e-308
    assert pygrad.iinfo(pygrad.int8).min == -128
    assert pygrad.iinfo(pygrad.int64).max == 2**63 - 1
    with pytest.raises(TypeError):
        pygrad.finfo(pygrad.int8)
    with pytest.raises(TypeError):
        pygrad.iinfo(pygrad.float32)


def test_legacy_constructors():
    assert pygrad.Tensor(2, 3).shape == (2, 3)
    assert pygrad.Tensor([1, 2]).tolist() == [1.0, 2.0]
    assert pygrad.LongTensor([1, 2]).dtype == pygrad.int64
    assert pygrad.FloatTensor(2).shape == (2,)
    assert isinstance(pygrad.tensor([1]), pygrad.LongTensor)
    assert not isinstance(pygrad.tensor([1.0]), pygrad.LongTensor)


def test_unknown_names_suggest():
    with pytest.raises(AttributeError, match="zeros"):
        pygrad.zeross  # noqa: B018
    assert not hasattr(pygrad, "no_such_function_at_all")


def test_import_is_light():
    import subprocess
    import sys

    code = (
        "import sys, pygrad; print([m for m in ('numpy', 'pygrad.nn', 'pygrad.optim', "
        "'dataclasses', 'inspect', 'tempfile', 'zipfile', 'multiprocessing', 'logging') "
        "if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
