"""What all optimizers share: groups, hooks, closures, zero_grad, loading."""

import copy
import pickle

import pytest

import pygrad
from pygrad import optim


def parameter(size=2):
    return pygrad.nn.Parameter(pygrad.ones(size))


def with_grad(size=2):
    p = parameter(size)
    p.grad = pygrad.ones(size)
    return p


def test_groups_take_defaults_and_own_options():
    p, q, r = parameter(), parameter(), parameter()
    optimizer = optim.SGD([{"params": p, "lr": 0.5}, {"params": [q]}], lr=0.1, momentum=0.9)
    optimizer.add_param_group({"params": (r,), "momentum": 0.0})
    assert [group["lr"] for group in optimizer.param_groups] == [0.5, 0.1, 0.1]
    assert [group["momentum"] for group in optimizer.param_groups] == [0.9, 0.9, 0.0]


def test_bad_parameters():
    p = parameter()
    with pytest.raises(TypeError, match="iterable of Tensors or dicts"):
        optim.SGD(p)
    with pytest.raises(ValueError, match="empty parameter list"):
        optim.SGD([])
    with pytest.raises(TypeError, match="can only optimize Tensors"):
        optim.SGD([1.0])
    with pytest.raises(ValueError, match="non-leaf"):
        optim.SGD([p * 2])
    with pytest.raises(TypeError, match="ordered collections"):
        optim.SGD({p})
    with pytest.raises(TypeError, match="ordered collections"):
        optim.SGD([{"params": {p}}])
    with pytest.raises(ValueError, match="more than one parameter group"):
        optim.SGD([{"params": [p]}, {"params": [p]}])
    with pytest.warns(UserWarning, match="duplicate"):
        optim.SGD([p, p])
    with pytest.raises(TypeError, match="must be a dict"):
        optim.SGD([p]).add_param_group([parameter()])


def test_named_parameters():
    p, q = parameter(), parameter()
    optimizer = optim.SGD([("a", p), ("b", q)], lr=0.1)
    assert optimizer.param_groups[0]["param_names"] == ["a", "b"]
    assert optimizer.state_dict()["param_groups"][0]["param_names"] == ["a", "b"]
    with pytest.raises(ValueError, match="with/without names"):
        optim.SGD([("a", p), q])
    with pytest.raises(ValueError, match="with/without names"):
        optimizer.add_param_group({"params": [parameter()]})
    unnamed = optim.SGD([p, q], lr=0.2)
    optimizer.load_state_dict(unnamed.state_dict())
    assert optimizer.param_groups[0]["param_names"] == ["a", "b"]
    assert optimizer.param_groups[0]["lr"] == 0.2


def test_closure_runs_recording_and_its_value_is_returned():
    p = parameter()
    optimizer = optim.SGD([p], lr=0.5)

    def closure():
        optimizer.zero_grad()
        assert pygrad.is_grad_enabled()
        loss = (p * 2.0).sum()
        loss.backward()
        return loss

    with pygrad.no_grad():
        assert float(optimizer.step(closure)) == 4.0
    assert p.tolist() == [0.0, 0.0]


def test_zero_grad():
    p = with_grad()
    optimizer = optim.SGD([p])
    grad = p.grad
    optimizer.zero_grad(set_to_none=False)
    assert p.grad is grad
    assert grad.tolist() == [0.0, 0.0]
    optimizer.zero_grad()
    assert p.grad is None


def test_step_records_nothing_and_keeps_the_parameter():
    p = with_grad()
    optim.Adam([p]).step()
    assert p.grad_fn is None
    assert p.requires_grad
    assert p.grad.tolist() == [1.0, 1.0]


def test_step_hooks():
    p = with_grad()
    optimizer = optim.SGD([p], lr=0.5)
    seen = []
    before = optimizer.register_step_pre_hook(lambda o, args, kwargs: seen.append("pre"))
    after = optimizer.register_step_post_hook(lambda o, args, kwargs: seen.append("post"))
    optimizer.step()
    assert seen == ["pre", "post"]
    before.remove()
    after.remove()
    optimizer.step()
    optimizer.step()
    assert seen == ["pre", "post"]
    assert "step" not in optimizer.__dict__
    assert p.tolist() == [-0.5, -0.5]


def test_bad_step_hook():
    optimizer = optim.SGD([with_grad()])
    optimizer.register_step_pre_hook(lambda o, args, kwargs: 3)
    with pytest.raises(RuntimeError, match="must return None or a tuple"):
        optimizer.step()


def test_state_dict_hooks():
    optimizer = optim.SGD([with_grad()], lr=0.5)
    optimizer.register_state_dict_post_hook(lambda o, state: {**state, "extra": 1})
    seen = []
    optimizer.register_load_state_dict_pre_hook(lambda o, state: seen.append(state["extra"]))
    optimizer.register_load_state_dict_post_hook(lambda o: seen.append("done"))
    optimizer.load_state_dict(optimizer.state_dict())
    assert seen == [1, "done"]


def test_load_checks_the_groups_and_changes_nothing():
    one = optim.Adam([with_grad()], lr=0.5)
    one.step()
    two = optim.Adam([with_grad(), with_grad()], lr=0.1)
    three = optim.Adam([{"params": [with_grad()]}, {"params": [with_grad()]}], lr=0.1)
    with pytest.raises(ValueError, match="doesn't match the size"):
        two.load_state_dict(one.state_dict())
    with pytest.raises(ValueError, match="different number of parameter groups"):
        three.load_state_dict(one.state_dict())
    assert two.param_groups[0]["lr"] == 0.1
    assert not two.state


def test_load_casts_state_but_not_the_step():
    p = pygrad.nn.Parameter(pygrad.ones(2, dtype=pygrad.float64))
    one = optim.Adam([with_grad()])
    one.step()
    two = optim.Adam([p])
    two.load_state_dict(one.state_dict())
    assert two.state[p]["exp_avg"].dtype == pygrad.float64
    assert two.state[p]["step"].dtype == pygrad.float32


def test_load_fills_in_options_of_older_files():
    p = with_grad()
    optimizer = optim.AdamW([p])
    state = optimizer.state_dict()
    for key in ("decoupled_weight_decay", "maximize", "fused"):
        del state["param_groups"][0][key]
    state["state"] = {0: {"step": 3, "exp_avg": pygrad.ones(2), "exp_avg_sq": pygrad.ones(2)}}
    optimizer.load_state_dict(state)
    optimizer.step()
    assert optimizer.param_groups[0]["decoupled_weight_decay"] is True
    assert float(optimizer.state[p]["step"]) == 4.0


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))])
def test_copies_of_an_optimizer_are_independent(duplicate):
    optimizer = optim.Adam([with_grad()], lr=0.5)
    optimizer.step()
    other = duplicate(optimizer)
    p = other.param_groups[0]["params"][0]
    p.grad = pygrad.ones(2)
    other.step()
    assert float(other.state[p]["step"]) == 2.0
    mine = optimizer.param_groups[0]["params"][0]
    assert float(optimizer.state[mine]["step"]) == 1.0


def test_own_optimizer():
    class Plain(optim.Optimizer):
        def __init__(self, params, lr):
            super().__init__(params, {"lr": lr})

        @pygrad.no_grad()
        def step(self, closure=None):
            for group in self.param_groups:
                for p in group["params"]:
                    self.state[p]["seen"] = self.state[p].get("seen", 0) + 1
                    p.add_(p.grad, alpha=-group["lr"])

    p = with_grad()
    optimizer = Plain([p], 0.5)
    optimizer.step()
    assert p.tolist() == [0.5, 0.5]
    assert optimizer.state_dict()["state"] == {0: {"seen": 1}}
    assert repr(optimizer) == "Plain (\nParameter Group 0\n    lr: 0.5\n)"


def test_refused_step_leaves_no_state():
    p = with_grad()
    optimizer = optim.SGD([p], lr=0.1, momentum=0.9)
    step = pygrad._C.ops.sgd_step

    def refuse(*args):
        raise RuntimeError("refused")

    try:
        pygrad._C.ops.sgd_step = refuse
    except (AttributeError, TypeError):
        pytest.skip("the namespace of ops cannot be patched")
    try:
        with pytest.raises(RuntimeError, match="refused"):
            optimizer.step()
    finally:
        pygrad._C.ops.sgd_step = step
    assert "momentum_buffer" not in optimizer.state[p]
