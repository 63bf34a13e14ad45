"""Files that pass between pygrad and PyTorch, both ways, in both of PyTorch's formats."""

from __future__ import annotations

import collections
import io

import pytest

import pygrad

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytestmark = pytest.mark.torch

DTYPES = [
    "bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64",
    "complex64", "complex128",
]  # fmt: skip


def contents(lib):
    """The same object made of either library's parts."""
    base = lib.arange(100.0).reshape(10, 10)
    parameter = lib.nn.Parameter(lib.arange(6.0).reshape(2, 3))
    obj = collections.OrderedDict(
        rows=base[2:5],
        row=base[3],
        columns=lib.arange(40.0).reshape(4, 10)[:, 1:3],
        transposed=lib.arange(6.0).reshape(2, 3).t(),
        expanded=lib.ones(1, 3).expand(4, 3),
        scalar=lib.tensor(1.5),
        empty=lib.zeros(0, 3),
        leaf=lib.ones(2, requires_grad=True),
        parameter=parameter,
        frozen=lib.nn.Parameter(lib.zeros(2), requires_grad=False),
        dtype=lib.float16,
        device=lib.device("cpu"),
        size=lib.Size([1, 2, 3]),
        numbers=[1, -1, 255, 65536, 2**31, 2**40, -(2**70), 1.5, 1 - 2j, True, None],
        text="é",
        data=b"\x00\xff",
        array=bytearray(b"ab"),
        nested={"a": (1, (2, 3)), 5: [{}, []], "t": (1, 2, 3, 4)},
        group={1, 2},
        counted=collections.Counter("aab"),
        again=parameter,
    )
    for name in DTYPES:
        obj[name] = lib.arange(5).to(getattr(lib, name))
    return obj


def torch_of(lib, value):
    """A comparable description of a value of either library."""
    if isinstance(value, (pygrad.Tensor, torch.Tensor)):
        complex_or_not = value.detach()
        flat = complex_or_not.to(getattr(lib, "complex128")).reshape(-1).tolist()
        is_parameter = isinstance(value, (pygrad.nn.Parameter, torch.nn.Parameter))
        dtype = str(value.dtype).rpartition(".")[2]
        return (is_parameter, dtype, tuple(value.shape), value.stride(), value.requires_grad, flat)
    if isinstance(value, dict):
        return (type(value), [(k, torch_of(lib, v)) for k, v in value.items()])
    if type(value) in (list, tuple):
        return (type(value), [torch_of(lib, v) for v in value])
    if isinstance(value, (pygrad.Size, torch.Size)):
        return ("Size", tuple(value))
    if isinstance(value, (pygrad.dtype, pygrad.device, torch.dtype, torch.device)):
        return str(value).rpartition(".")[2]
    return value


def without_layout(description):
    """The description of an object, but for strides: a slice may be stored compactly."""
    if isinstance(description, tuple) and len(description) == 6:
        return description[:3] + description[4:]
    if isinstance(description, tuple):
        return tuple(map(without_layout, description))
    if isinstance(description, list):
        return [without_layout(item) for item in description]
    return description


@pytest.mark.parametrize("weights_only", [True, False])
def test_pytorch_reads_ours(weights_only):
    file = io.BytesIO()
    pygrad.save(contents(pygrad), file)
    file.seek(0)
    back = torch.load(file, weights_only=weights_only)
    assert without_layout(torch_of(torch, back)) == without_layout(torch_of(torch, contents(torch)))
    assert back["again"] is back["parameter"]
    back["row"].zero_()
    assert back["rows"][1].sum() == 0


@pytest.mark.parametrize("new_format", [True, False], ids=["zip", "legacy"])
def test_ours_reads_pytorchs(new_format):
    file = io.BytesIO()
    torch.save(contents(torch), file, _use_new_zipfile_serialization=new_format)
    file.seek(0)
    back = pygrad.load(file)
    assert torch_of(pygrad, back) == torch_of(torch, contents(torch))
    assert back["again"] is back["parameter"]
    back["row"].zero_()
    assert back["rows"][1].sum() == 0


def test_there_and_back_on_disk(tmp_path):
    pygrad.save(contents(pygrad), tmp_path / "a.pth")
    torch.save(torch.load(tmp_path / "a.pth", mmap=True), tmp_path / "b.pth")
    back = pygrad.load(tmp_path / "b.pth", mmap=True)
    assert without_layout(torch_of(pygrad, back)) == without_layout(
        torch_of(pygrad, contents(pygrad))
    )


@pytest.mark.parametrize("new_format", [True, False], ids=["zip", "legacy"])
def test_every_truncation_of_pytorchs_files_is_reported(new_format):
    file = io.BytesIO()
    torch.save({"a": torch.arange(20.0)}, file, _use_new_zipfile_serialization=new_format)
    data = file.getvalue()
    for length in range(0, len(data) - 1, 5):
        with pytest.raises(RuntimeError, match=r"load\(\)"):
            pygrad.load(io.BytesIO(data[:length]))


def model_of(lib):
    # No bias before the normalization, which would cancel it: its gradient is nothing but rounding,
    # and the adaptive optimizers scale that to full steps. Float64 for the same reason.
    return lib.nn.Sequential(
        lib.nn.Conv2d(1, 2, 3, bias=False),
        lib.nn.BatchNorm2d(2),
        lib.nn.ReLU(),
        lib.nn.Flatten(),
        lib.nn.Linear(2 * 6 * 6, 4),
    ).double()


@pytest.mark.parametrize("source", ["pygrad", "torch"])
@pytest.mark.parametrize("optimizer_name", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad"])
def test_training_state_moves_between_the_libraries(source, optimizer_name):
    libs = {"pygrad": pygrad, "torch": torch}
    first = libs[source]
    second = libs["torch" if source == "pygrad" else "pygrad"]
    options = {"lr": 0.01, "momentum": 0.9} if optimizer_name == "SGD" else {"lr": 0.01}

    def steps(lib, model, optimizer, count):
        x = lib.linspace(-1, 1, 3 * 64, dtype=lib.float64).reshape(3, 1, 8, 8)
        for _ in range(count):
            optimizer.zero_grad()
            (model(x) ** 2).mean().backward()
            optimizer.step()

    model = model_of(first)
    optimizer = getattr(first.optim, optimizer_name)(model.parameters(), **options)
    steps(first, model, optimizer, 2)
    file = io.BytesIO()
    first.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, file)
    file.seek(0)
    state = second.load(file, weights_only=True)
    other = model_of(second)
    other.load_state_dict(state["model"])
    other_optimizer = getattr(second.optim, optimizer_name)(other.parameters(), **options)
    other_optimizer.load_state_dict(state["optimizer"])
    steps(first, model, optimizer, 3)
    steps(second, other, other_optimizer, 3)
    for a, b in zip(model.parameters(), other.parameters(), strict=True):
        difference = [
            abs(x - y)
            for x, y in zip(
                a.detach().reshape(-1).tolist(), b.detach().reshape(-1).tolist(), strict=True
            )
        ]
        assert max(difference) < 1e-5


def test_conjugate_views_and_attributes():
    for tensor in (torch.tensor([1 + 2j]).conj(), torch.tensor([1 + 2j]).conj().imag):
        file = io.BytesIO()
        torch.save(tensor, file)
        file.seek(0)
        assert pygrad.load(file).tolist() == tensor.tolist()
    tensor = torch.ones(2)
    tensor.note = "kept"
    parameter = torch.nn.Parameter(torch.ones(2))
    parameter.note = "kept"
    for value in (tensor, parameter):
        file = io.BytesIO()
        torch.save(value, file)
        file.seek(0)
        assert pygrad.load(file).note == "kept"


def test_numpy_values_of_pytorchs_files():
    import numpy as np

    file = io.BytesIO()
    torch.save({"best": np.float64(0.5), "array": np.arange(6).reshape(2, 3)}, file)
    file.seek(0)
    back = pygrad.load(file)
    assert back["best"] == 0.5
    assert np.array_equal(back["array"], np.arange(6).reshape(2, 3))
    file = io.BytesIO()
    pygrad.save({"best": np.float64(0.5), "array": np.arange(6).reshape(2, 3)}, file)
    file.seek(0)
    assert torch.load(file, weights_only=False)["best"] == 0.5


def test_whole_modules_are_refused():
    file = io.BytesIO()
    torch.save(torch.nn.Linear(2, 2), file)
    file.seek(0)
    with pytest.raises(RuntimeError, match="refused global 'torch.nn.modules.linear.Linear'"):
        pygrad.load(file, weights_only=False)
