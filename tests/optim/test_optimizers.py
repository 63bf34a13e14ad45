"""Every optimizer against PyTorch's: parameters, state, groups, and files in both directions."""

import copy

import pytest

import pygrad
from pygrad import optim

FUSED = ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad"]
COMPOSED = ["Adadelta", "Adamax", "NAdam", "RAdam", "ASGD", "Rprop"]

CASES = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.5, "maximize": True}),
    ("Adam", {}),
    ("Adam", {"amsgrad": True, "weight_decay": 0.1, "lr": 0.05}),
    ("Adam", {"maximize": True, "betas": (0.5, 0.6), "eps": 1e-3}),
    ("Adam", {"decoupled_weight_decay": True, "weight_decay": 0.1}),
    ("AdamW", {}),
    ("AdamW", {"amsgrad": True, "weight_decay": 0.1, "lr": 0.05}),
    ("RMSprop", {}),
    ("RMSprop", {"momentum": 0.9, "maximize": True}),
    ("RMSprop", {"centered": True, "momentum": 0.5, "weight_decay": 0.1, "alpha": 0.8}),
    ("RMSprop", {"centered": True}),
    ("Adagrad", {}),
    ("Adagrad", {"lr_decay": 0.1, "initial_accumulator_value": 0.5, "weight_decay": 0.1}),
    ("Adadelta", {"weight_decay": 0.1}),
    ("Adamax", {"weight_decay": 0.1}),
    ("NAdam", {}),
    ("NAdam", {"weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("RAdam", {"weight_decay": 0.1, "betas": (0.9, 0.9)}),
    ("ASGD", {"t0": 2, "weight_decay": 0.1, "lambd": 0.1}),
    ("Rprop", {}),
    ("Rprop", {"maximize": True, "etas": (0.3, 1.5)}),
]
STARTS = [[[1.0, -2.0, 3.0], [0.5, 0.25, -0.125]], [0.1, -0.2, 0.3, 0.4]]


def gradients(step):
    return [
        [[0.3 - 0.1 * step, 1.0, -2.0], [0.7, -0.5 + 0.2 * step, 0.01]],
        [1.0, 0.5 - 0.25 * step, -0.3, 0.0],
    ]


def build(lib, name, options, dtype="float64"):
    params = [lib.nn.Parameter(lib.tensor(s, dtype=getattr(lib, dtype))) for s in STARTS]
    groups = [{"params": [params[0]]}, {"params": [params[1]], "lr": 0.02}]
    return params, getattr(lib.optim, name)(groups, **options)


def run(lib, params, optimizer, first, last):
    for step in range(first, last):
        for p, grad in zip(params, gradients(step)):
            p.grad = lib.tensor(grad, dtype=p.dtype)
        optimizer.step()


def assert_same(params, others, tolerance=1e-9):
    for p, other in zip(params, others):
        mine, theirs = p.detach().flatten().tolist(), other.detach().flatten().tolist()
        assert mine == pytest.approx(theirs, rel=tolerance, abs=tolerance)


def convert(value, source, target):
    """A state dict of one library as one of the other."""
    if isinstance(value, source.Tensor):
        name = str(value.dtype).rpartition(".")[2]
        return target.tensor(value.tolist(), dtype=getattr(target, name))
    if isinstance(value, dict):
        return {key: convert(entry, source, target) for key, entry in value.items()}
    if isinstance(value, list):
        return [convert(entry, source, target) for entry in value]
    return value


@pytest.mark.torch
@pytest.mark.parametrize(("name", "options"), CASES)
def test_same_as_pytorch(name, options):
    torch = pytest.importorskip("torch")
    params, optimizer = build(pygrad, name, options)
    others, other = build(torch, name, options)
    run(pygrad, params, optimizer, 0, 6)
    run(torch, others, other, 0, 6)
    assert_same(params, others)
    assert repr(optimizer) == repr(other)

    mine, theirs = optimizer.state_dict(), other.state_dict()
    assert mine["param_groups"] == theirs["param_groups"]
    assert [list(group) for group in mine["param_groups"]] == [
        list(group) for group in theirs["param_groups"]
    ]
    assert {k: list(v) for k, v in mine["state"].items()} == {
        k: list(v) for k, v in theirs["state"].items()
    }
    for number, entries in mine["state"].items():
        for key, value in entries.items():
            there = theirs["state"][number][key]
            assert tuple(value.shape) == tuple(there.shape), key
            assert str(value.dtype).rpartition(".")[2] == str(there.dtype).rpartition(".")[2], key
            assert_same([value], [there], 1e-6)


@pytest.mark.torch
@pytest.mark.parametrize("name", FUSED + COMPOSED)
@pytest.mark.parametrize("towards", ["pygrad", "torch"])
def test_state_of_one_goes_on_in_the_other(name, towards):
    torch = pytest.importorskip("torch")
    options = {"SGD": {"momentum": 0.9}, "RMSprop": {"momentum": 0.9, "centered": True}}.get(
        name, {}
    )
    source, target = (torch, pygrad) if towards == "pygrad" else (pygrad, torch)
    params, optimizer = build(source, name, options)
    run(source, params, optimizer, 0, 3)
    fresh, loaded = build(target, name, options)
    with target.no_grad():
        for p, other in zip(fresh, params):
            p.copy_(target.tensor(other.tolist(), dtype=p.dtype))
    loaded.load_state_dict(convert(optimizer.state_dict(), source, target))
    run(source, params, optimizer, 3, 6)
    run(target, fresh, loaded, 3, 6)
    assert_same(fresh, params)


@pytest.mark.parametrize("name", FUSED + COMPOSED)
def test_resumed_equals_uninterrupted(name):
    params, optimizer = build(pygrad, name, {}, "float32")
    run(pygrad, params, optimizer, 0, 3)
    others, other = build(pygrad, name, {}, "float32")
    with pygrad.no_grad():
        for p, q in zip(others, params):
            p.copy_(q)
    other.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    run(pygrad, params, optimizer, 3, 6)
    run(pygrad, others, other, 3, 6)
    assert [p.tolist() for p in params] == [p.tolist() for p in others]
    for number, state in optimizer.state_dict()["state"].items():
        if "step" in state:
            assert float(state["step"]) == 6.0
            assert float(other.state_dict()["state"][number]["step"]) == 6.0


@pytest.mark.parametrize("name", FUSED + COMPOSED)
def test_steps_count_each_parameter_by_itself(name):
    params, optimizer = build(pygrad, name, {"momentum": 0.5} if name == "SGD" else {})
    params[0].grad = pygrad.ones_like(params[0])
    optimizer.step()
    optimizer.step()
    run(pygrad, params, optimizer, 0, 1)
    optimizer.zero_grad()
    params[1].grad = pygrad.ones_like(params[1])
    before = params[0].tolist()
    optimizer.step()
    assert params[0].tolist() == before
    if name != "SGD":
        assert [float(optimizer.state[p]["step"]) for p in params] == [3.0, 2.0]
        assert all(optimizer.state[p]["step"].dtype == pygrad.float32 for p in params)


def test_replaced_and_cleared_state_is_honoured():
    params, optimizer = build(pygrad, "Adam", {})
    run(pygrad, params, optimizer, 0, 2)
    optimizer.state[params[0]]["step"] = pygrad.tensor(10.0)
    run(pygrad, params, optimizer, 2, 3)
    assert float(optimizer.state[params[0]]["step"]) == 11.0
    optimizer.state.clear()
    run(pygrad, params, optimizer, 3, 4)
    assert float(optimizer.state[params[0]]["step"]) == 1.0


def test_rate_in_a_tensor():
    p = pygrad.nn.Parameter(pygrad.ones(2))
    optimizer = optim.SGD([p], lr=pygrad.tensor(0.5))
    p.grad = pygrad.ones(2)
    optimizer.step()
    assert p.tolist() == [0.5, 0.5]


@pytest.mark.torch
@pytest.mark.parametrize("search", [None, "strong_wolfe"])
def test_lbfgs_same_as_pytorch(search):
    torch = pytest.importorskip("torch")

    def solve(lib):
        p = lib.nn.Parameter(lib.tensor([-1.2, 1.0], dtype=lib.float64))
        options = {"lr": 0.01} if search is None else {"lr": 1.0}
        optimizer = lib.optim.LBFGS([p], line_search_fn=search, max_iter=8, **options)

        def closure():
            optimizer.zero_grad()
            loss = 100.0 * (p[1] - p[0] ** 2) ** 2 + (1.0 - p[0]) ** 2
            loss.backward()
            return loss

        losses = [optimizer.step(closure).item() for _ in range(4)]
        return p, losses

    (p, losses), (other, others) = solve(pygrad), solve(torch)
    assert losses == pytest.approx(others, rel=1e-6)
    assert_same([p], [other], 1e-6)


def test_lbfgs_needs_a_closure_and_one_group():
    p = pygrad.nn.Parameter(pygrad.ones(2))
    q = pygrad.nn.Parameter(pygrad.ones(2))
    with pytest.raises(TypeError, match="closure"):
        optim.LBFGS([p]).step()
    with pytest.raises(ValueError, match="parameter groups"):
        optim.LBFGS([{"params": [p]}, {"params": [q]}])


BAD = [
    ("SGD", {"lr": -1.0}, "Invalid learning rate: -1.0"),
    ("SGD", {"lr": float("nan")}, "Invalid learning rate"),
    ("SGD", {"momentum": -0.5}, "Invalid momentum value: -0.5"),
    ("SGD", {"weight_decay": -0.5}, "Invalid weight_decay value: -0.5"),
    ("SGD", {"nesterov": True}, "Nesterov momentum requires a momentum and zero dampening"),
    ("Adam", {"betas": (1.0, 0.9)}, "Invalid beta parameter at index 0: 1.0"),
    ("Adam", {"betas": (0.9, -0.1)}, "Invalid beta parameter at index 1: -0.1"),
    ("AdamW", {"eps": -1e-3}, "Invalid epsilon value: -0.001"),
    ("RMSprop", {"alpha": -0.1}, "Invalid alpha value: -0.1"),
    ("Adagrad", {"lr_decay": -0.5}, "Invalid lr_decay value: -0.5"),
    ("Adagrad", {"initial_accumulator_value": -1}, "Invalid initial_accumulator_value value: -1"),
    ("Adadelta", {"rho": 1.5}, "Invalid rho value: 1.5"),
    ("NAdam", {"momentum_decay": -1.0}, "Invalid momentum_decay value: -1.0"),
    ("Rprop", {"etas": (1.5, 0.5)}, "Invalid eta values: 1.5, 0.5"),
]


@pytest.mark.parametrize(("name", "options", "message"), BAD)
def test_bad_options(name, options, message):
    with pytest.raises(ValueError, match=message):
        getattr(optim, name)([pygrad.nn.Parameter(pygrad.ones(1))], **options)


@pytest.mark.parametrize("name", FUSED + COMPOSED)
def test_differentiable_is_refused(name):
    with pytest.raises(NotImplementedError, match="differentiable"):
        getattr(optim, name)([pygrad.nn.Parameter(pygrad.ones(1))], differentiable=True)
