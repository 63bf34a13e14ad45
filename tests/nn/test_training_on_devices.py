"""Training on a device: the losses and parameters of the processor, and state that moves."""

from __future__ import annotations

import io

import pytest

import pygrad
import pygrad.nn.functional as F  # noqa: N812
from pygrad import nn
from pygrad.optim import lr_scheduler
from pygrad.utils.data import DataLoader, TensorDataset

OPTIMIZERS = {
    "SGD": {"lr": 0.1, "momentum": 0.9, "nesterov": True},
    "Adam": {"lr": 1e-3},
    "AdamW": {"lr": 1e-3, "weight_decay": 0.1, "amsgrad": True},
    "RMSprop": {"lr": 1e-3, "momentum": 0.5, "centered": True},
    "Adagrad": {"lr": 1e-2},
    "Adadelta": {"lr": 1.0},
    "Adamax": {"lr": 1e-3},
    "NAdam": {"lr": 1e-3},
    "RAdam": {"lr": 1e-3},
    "ASGD": {"lr": 1e-2},
}


def network():
    # No bias before a normalisation: its gradient is rounding noise, which Adam would blow up.
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Dropout(0.1), nn.Linear(4 * 49, 32), nn.GELU(), nn.LayerNorm(32),
        nn.Linear(32, 10),
    )  # fmt: skip


def train(device, name, steps, seed, dtype=pygrad.float32):
    pygrad.manual_seed(seed)
    x, y = pygrad.randn(32, 1, 14, 14, dtype=dtype), pygrad.randint(0, 10, (32,))
    model = network().to(device, dtype)
    optimizer = getattr(pygrad.optim, name)(model.parameters(), **OPTIMIZERS[name])
    schedule = lr_scheduler.StepLR(optimizer, 2, 0.5)
    losses = []
    while len(losses) < steps:
        for inputs, labels in DataLoader(TensorDataset(x, y), 8, shuffle=True):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(inputs.to(device)), labels.to(device))
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
    return model, optimizer, losses


# In float64, since optimizers that divide by a gradient's size blow up the rounding of small ones.
@pytest.mark.parametrize(
    ("name", "dtype"), [("SGD", "float32"), *((n, "float64") for n in OPTIMIZERS)]
)
def test_training_equals_the_processors(name, dtype, device, seed):
    model, _, losses = train(device, name, 4, seed, getattr(pygrad, dtype))
    expected, _, expected_losses = train("cpu", name, 4, seed, getattr(pygrad, dtype))
    rtol, atol = {"float32": (1e-4, 1e-5), "float64": (1e-7, 1e-9)}[dtype]
    assert losses == pytest.approx(expected_losses, rel=rtol / 10)
    for (key, a), b in zip(model.state_dict().items(), expected.state_dict().values(), strict=True):
        assert a.device.type == device
        assert pygrad.allclose(a.cpu(), b, rtol, atol), key


@pytest.mark.parametrize("target", ["cpu", "cuda"])
@pytest.mark.cuda
def test_state_moves_between_devices(device, target, seed):
    model, optimizer, _ = train(device, "Adam", 4, seed)
    file = io.BytesIO()
    pygrad.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, file)
    for map_location in (None, target, pygrad.device(target)):
        file.seek(0)
        state = pygrad.load(file, map_location=map_location)
        where = device if map_location is None else target
        assert {v.device.type for v in state["model"].values()} == {where}
        other = network().to(target)
        other.load_state_dict(state["model"])  # copies to where the parameters are
        for a, b in zip(other.parameters(), model.parameters(), strict=True):
            assert isinstance(a, nn.Parameter)
            assert a.device.type == target
            assert pygrad.equal(a.cpu(), b.cpu())
        resumed = pygrad.optim.Adam(other.parameters(), lr=1.0)
        resumed.load_state_dict(state["optimizer"])
        moments = [s["exp_avg"] for s in resumed.state.values()]
        assert {m.device.type for m in moments} == {target}
        other(pygrad.ones(2, 1, 14, 14, device=target)).sum().backward()
        resumed.step()


@pytest.mark.cuda
def test_a_checkpoint_says_where_its_tensors_were(device):
    file = io.BytesIO()
    pygrad.save({"a": pygrad.ones(2, device="cuda"), "b": pygrad.zeros(3)}, file)
    for map_location, expected in (
        (None, ["cuda", "cpu"]),
        ({"cuda:0": "cpu"}, ["cpu", "cpu"]),
        (lambda storage, location: storage, ["cpu", "cpu"]),
    ):
        file.seek(0)
        loaded = pygrad.load(file, map_location=map_location)
        assert [loaded[k].device.type for k in "ab"] == expected
    assert loaded["a"].tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("module", "shapes"),
    [
        (lambda: nn.LSTM(4, 5, 2), [(3, 2, 4)]),
        (lambda: nn.GRU(4, 5), [(3, 2, 4)]),
        (lambda: nn.MultiheadAttention(8, 2), [(3, 2, 8)] * 3),
        (lambda: nn.TransformerEncoderLayer(8, 2, 16, dropout=0), [(3, 2, 8)]),
        (lambda: nn.ConvTranspose2d(2, 3, 3), [(1, 2, 4, 4)]),
        (lambda: nn.Conv1d(2, 4, 3, groups=2), [(1, 2, 9)]),
        (lambda: nn.Conv3d(1, 2, 2), [(1, 1, 4, 4, 4)]),
        (lambda: nn.GroupNorm(2, 4), [(2, 4, 3)]),
        (lambda: nn.Bilinear(2, 3, 4), [(5, 2), (5, 3)]),
        (lambda: nn.PReLU(), [(4,)]),
    ],
)
def test_modules_equal_the_processors(module, shapes, device, seed):
    pygrad.manual_seed(seed)
    here = module()
    there = module().to(device)
    there.load_state_dict(here.state_dict())
    inputs = [pygrad.randn(*s) for s in shapes]
    results = []
    for m, place in ((here, "cpu"), (there, device)):
        out = m(*[x.to(place) for x in inputs])
        out = out[0] if isinstance(out, tuple) else out
        assert out.device.type == place
        out.square().sum().backward()
        results.append([out.detach().cpu(), *(p.grad.cpu() for p in m.parameters())])
    for a, b in zip(*results, strict=True):
        assert pygrad.allclose(a, b, rtol=1e-4, atol=1e-5)


def test_tensors_of_two_devices_name_the_module():
    if not pygrad.cuda.is_available():
        pytest.skip(f"no device cuda: {pygrad._C.cuda_why()}")
    with pytest.raises(RuntimeError, match="Linear 2->3.*different devices"):
        nn.Linear(2, 3)(pygrad.ones(1, 2, device="cuda"))
