"""Every scheduler's trajectory, state and messages, against PyTorch's."""

import warnings

import pytest

import pygrad
from pygrad.optim import lr_scheduler

SCHEDULES = {
    "lambda": lambda s, o: s.LambdaLR(o, [lambda e: 0.9**e, lambda e: 1 / (1 + e)]),
    "multiplicative": lambda s, o: s.MultiplicativeLR(o, lambda e: 0.95),
    "step": lambda s, o: s.StepLR(o, 3, 0.5),
    "multistep": lambda s, o: s.MultiStepLR(o, [2, 5, 5, 9], 0.3),
    "constant": lambda s, o: s.ConstantLR(o, 0.25, 4),
    "linear": lambda s, o: s.LinearLR(o, 0.2, 0.8, 7),
    "exponential": lambda s, o: s.ExponentialLR(o, 0.9),
    "polynomial": lambda s, o: s.PolynomialLR(o, 11, 2.0),
    "cosine": lambda s, o: s.CosineAnnealingLR(o, 7, 0.01),
    "restarts": lambda s, o: s.CosineAnnealingWarmRestarts(o, 3, 2, 0.01),
    "restarts-even": lambda s, o: s.CosineAnnealingWarmRestarts(o, 4),
    "one-cycle": lambda s, o: s.OneCycleLR(o, [1.0, 2.0], total_steps=60),
    "one-cycle-linear": lambda s, o: s.OneCycleLR(
        o, 1.0, epochs=6, steps_per_epoch=10, three_phase=True, anneal_strategy="linear"
    ),
    "cyclic": lambda s, o: s.CyclicLR(o, 0.1, 1.0, 4, 6, mode="triangular2"),
    "cyclic-exp": lambda s, o: s.CyclicLR(o, [0.1, 0.2], 1.0, 4, mode="exp_range", gamma=0.97),
    "cyclic-function": lambda s, o: s.CyclicLR(o, 0.1, 1.0, 4, scale_fn=lambda x: 1 / x),
    "sequential": lambda s, o: s.SequentialLR(
        o,
        [s.ConstantLR(o, 0.1, 3), s.ExponentialLR(o, 0.9), s.CosineAnnealingLR(o, 5)],
        [4, 9],
    ),
    "sequential-restarts": lambda s, o: s.SequentialLR(
        o, [s.LinearLR(o, 0.1, 1.0, 3), s.CosineAnnealingWarmRestarts(o, 5)], [4]
    ),
    "sequential-lambda": lambda s, o: s.SequentialLR(
        o, [s.LinearLR(o, 0.1, 1.0, 3), s.LambdaLR(o, lambda e: 0.9**e)], [4]
    ),
    "chained": lambda s, o: s.ChainedScheduler(
        [s.ConstantLR(o, 0.1, 3), s.ExponentialLR(o, 0.9), s.CosineAnnealingLR(o, 9)]
    ),
}


def build(lib, name="SGD", lr=0.5):
    groups = [{"params": [lib.nn.Parameter(lib.zeros(1))]} for _ in range(2)]
    groups[1]["lr"] = 0.2
    options = {"momentum": 0.9} if name == "SGD" else {}
    return getattr(lib.optim, name)(groups, lr=lr, **options)


def numbers(optimizer):
    rows = []
    for group in optimizer.param_groups:
        row = {k: float(v) for k, v in group.items() if isinstance(v, (int, float))}
        if "betas" in group:
            row["beta1"] = group["betas"][0]
        rows.append(row)
    return rows


@pytest.mark.torch
@pytest.mark.parametrize("optimizer", ["SGD", "AdamW"])
@pytest.mark.parametrize("name", SCHEDULES)
def test_same_as_pytorch(name, optimizer):
    torch = pytest.importorskip("torch")
    mine, theirs = build(pygrad, optimizer), build(torch, optimizer)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scheduler = SCHEDULES[name](lr_scheduler, mine)
        other = SCHEDULES[name](torch.optim.lr_scheduler, theirs)
        for step in range(60):
            for row, expected in zip(numbers(mine), numbers(theirs)):
                assert row == pytest.approx(expected, rel=1e-9, abs=1e-12), step
            assert scheduler.get_last_lr() == pytest.approx(other.get_last_lr(), abs=1e-12)
            mine.step()
            theirs.step()
            scheduler.step()
            other.step()
    state, expected = scheduler.state_dict(), other.state_dict()
    assert list(state) == list(expected) or set(state) == set(expected)
    skip = ("_last_lr", "_schedulers")
    assert {k: v for k, v in state.items() if k not in skip} == {
        k: v for k, v in expected.items() if k not in skip
    }


@pytest.mark.parametrize("name", SCHEDULES)
def test_resumed_equals_uninterrupted(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        optimizer = build(pygrad)
        scheduler = SCHEDULES[name](lr_scheduler, optimizer)
        for _ in range(7):
            optimizer.step()
            scheduler.step()
        other = build(pygrad)
        resumed = SCHEDULES[name](lr_scheduler, other)
        other.load_state_dict(optimizer.state_dict())
        resumed.load_state_dict(scheduler.state_dict())
        for _ in range(9):
            scheduler.step()
            resumed.step()
            assert scheduler.get_last_lr() == resumed.get_last_lr()
            assert numbers(optimizer) == numbers(other)


@pytest.mark.torch
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"patience": 2, "cooldown": 2, "factor": 0.5},
        {"mode": "max", "threshold_mode": "abs", "threshold": 0.1, "min_lr": [0.1, 0.01]},
    ],
)
def test_plateau_same_as_pytorch(options):
    torch = pytest.importorskip("torch")
    mine = lr_scheduler.ReduceLROnPlateau(build(pygrad), **options)
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(build(torch), **options)
    for step in range(80):
        value = (step * 37 % 23) / 23
        mine.step(value)
        theirs.step(value)
        assert mine.get_last_lr() == pytest.approx(theirs.get_last_lr())
    assert mine.state_dict() == theirs.state_dict()


def test_plateau_takes_a_tensor():
    scheduler = lr_scheduler.ReduceLROnPlateau(build(pygrad), patience=0)
    scheduler.step(pygrad.tensor(1.0))
    scheduler.step(pygrad.tensor(1.0))
    assert scheduler.get_last_lr() == pytest.approx([0.05, 0.02])


def test_rate_in_a_tensor_is_changed_in_place():
    p = pygrad.nn.Parameter(pygrad.zeros(1))
    rate = pygrad.tensor(1.0)
    optimizer = pygrad.optim.SGD([p], lr=rate)
    scheduler = lr_scheduler.StepLR(optimizer, 1, 0.5)
    optimizer.step()
    scheduler.step()
    assert optimizer.param_groups[0]["lr"] is rate
    assert float(rate) == 0.5
    assert float(scheduler.base_lrs[0]) == 1.0


def test_wrong_order_is_noticed():
    optimizer = build(pygrad)
    scheduler = lr_scheduler.StepLR(optimizer, 3)
    with pytest.warns(UserWarning, match="before `optimizer.step\\(\\)`"):
        scheduler.step()
    optimizer = build(pygrad)
    scheduler = lr_scheduler.StepLR(optimizer, 3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        optimizer.step()
        scheduler.step()
        scheduler.step()
    assert "step" not in optimizer.__dict__


def test_bad_input():
    optimizer = build(pygrad)
    with pytest.raises(TypeError, match="is not an Optimizer"):
        lr_scheduler.StepLR(3, 1)
    with pytest.raises(KeyError, match="initial_lr"):
        lr_scheduler.StepLR(build(pygrad), 1, last_epoch=4)
    with pytest.raises(ValueError, match="expected 2"):
        lr_scheduler.LambdaLR(optimizer, [lambda e: 1.0])
    with pytest.raises(ValueError, match="between 0 and 1"):
        lr_scheduler.ConstantLR(optimizer, 2.0)
    with pytest.raises(ValueError, match="Starting multiplicative factor"):
        lr_scheduler.LinearLR(optimizer, 0.0)
    with pytest.raises(ValueError, match="T_0"):
        lr_scheduler.CosineAnnealingWarmRestarts(optimizer, 0)
    with pytest.raises(ValueError, match="Factor should be < 1.0"):
        lr_scheduler.ReduceLROnPlateau(optimizer, factor=1.0)
    with pytest.raises(ValueError, match="total_steps OR"):
        lr_scheduler.OneCycleLR(optimizer, 1.0)
    with pytest.raises(ValueError, match="same optimizer"):
        other = lr_scheduler.StepLR(build(pygrad), 1)
        lr_scheduler.ChainedScheduler([lr_scheduler.StepLR(optimizer, 1), other])
    scheduler = lr_scheduler.OneCycleLR(build(pygrad), 1.0, total_steps=2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scheduler.step()
        scheduler.step()
        with pytest.raises(ValueError, match="Tried to step 3 times"):
            scheduler.step()


@pytest.mark.torch
@pytest.mark.parametrize("strategy", ["cos", "linear"])
@pytest.mark.parametrize("epochs", [0, 5])
def test_swalr_same_as_pytorch(strategy, epochs):
    torch = pytest.importorskip("torch")
    mine, theirs = build(pygrad), build(torch)
    scheduler = pygrad.optim.swa_utils.SWALR(mine, [0.05, 0.01], epochs, strategy)
    other = torch.optim.swa_utils.SWALR(theirs, [0.05, 0.01], epochs, strategy)
    for _ in range(10):
        assert scheduler.get_last_lr() == pytest.approx(other.get_last_lr())
        mine.step()
        theirs.step()
        scheduler.step()
        other.step()


def test_averaged_model():
    swa_utils = pygrad.optim.swa_utils
    model = pygrad.nn.Linear(2, 1)
    mean = swa_utils.AveragedModel(model)
    moving = swa_utils.AveragedModel(model, multi_avg_fn=swa_utils.get_ema_multi_avg_fn(0.5))
    for value in (1.0, 3.0, 8.0):
        with pygrad.no_grad():
            model.weight.fill_(value)
        mean.update_parameters(model)
        moving.update_parameters(model)
    assert mean.module.weight.tolist() == [[4.0, 4.0]]
    assert moving.module.weight.tolist() == [[5.0, 5.0]]
    assert int(mean.n_averaged) == 3
