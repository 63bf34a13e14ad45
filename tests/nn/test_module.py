"""Module: attributes, registration, walking, state, hooks, errors."""

from __future__ import annotations

import copy
import pickle

import pytest

import pygrad
from pygrad import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(4, 3)
        self.layers = nn.ModuleList([nn.Linear(3, 3), nn.Linear(3, 2)])
        self.register_buffer("scale", pygrad.ones(1))
        self.register_buffer("cache", pygrad.zeros(1), persistent=False)

    def forward(self, x):
        x = self.fc1(x)
        for layer in self.layers:
            x = layer(x)
        return x * self.scale


KEYS = [
    "scale", "fc1.weight", "fc1.bias", "layers.0.weight", "layers.0.bias", "layers.1.weight",
    "layers.1.bias",
]  # fmt: skip


def same(a, b):
    return a.tolist() == b.tolist()


def test_names_and_walking():
    net = Net()
    assert [n for n, _ in net.named_parameters()] == KEYS[1:]
    assert [n for n, _ in net.named_parameters(prefix="m", recurse=False)] == []
    assert [n for n, _ in net.named_modules()] == ["", "fc1", "layers", "layers.0", "layers.1"]
    assert [n for n, _ in net.named_children()] == ["fc1", "layers"]
    assert [n for n, _ in net.named_buffers()] == ["scale", "cache"]
    assert net.get_submodule("layers.1") is net.layers[1]
    assert net.get_parameter("fc1.bias") is net.fc1.bias
    assert net.get_buffer("cache") is net.cache
    with pytest.raises(AttributeError, match="has no attribute `nope`"):
        net.get_submodule("layers.nope")
    with pytest.raises(AttributeError, match="is not a buffer"):
        net.get_buffer("fc1.bias")
    assert "fc1" in dir(net)


def test_tied_parameters_are_yielded_once():
    net = Net()
    net.layers[0].weight = net.layers[0].bias = None
    net.again = net.fc1
    names = [n for n, _ in net.named_parameters()]
    assert names == ["fc1.weight", "fc1.bias", "layers.1.weight", "layers.1.bias"]
    assert "again.weight" in dict(net.named_parameters(remove_duplicate=False))
    net.double()
    assert net.again.weight.dtype == pygrad.float64


def test_assignment_rules():
    net = nn.Module()
    net.w = nn.Parameter(pygrad.ones(2))
    with pytest.raises(TypeError, match="cannot assign 'Tensor' as parameter 'w'"):
        net.w = pygrad.ones(2)
    net.w = None
    assert net.w is None and list(net.parameters()) == []
    net.w = nn.Linear(1, 1)
    assert list(dict(net.named_parameters())) == ["w.weight", "w.bias"]
    del net.w
    assert not hasattr(net, "w")
    net.b = nn.Buffer(pygrad.ones(2), persistent=False)
    assert list(net.state_dict()) == [] and same(net.b, pygrad.ones(2))
    net.b = pygrad.zeros(2)
    assert same(dict(net.named_buffers())["b"], pygrad.zeros(2))
    with pytest.raises(AttributeError, match="has no attribute 'missing'"):
        net.missing  # noqa: B018

    class Early(nn.Module):
        def __init__(self):
            self.fc = nn.Linear(1, 1)

    with pytest.raises(AttributeError, match=r"before Module.__init__\(\) call"):
        Early()


@pytest.mark.parametrize("name", ["", "a.b", "taken"])
def test_bad_names(name):
    net = nn.Module()
    net.taken = 3
    with pytest.raises(KeyError):
        net.register_parameter(name, None)
    with pytest.raises(KeyError):
        net.register_buffer(name, None)
    with pytest.raises(KeyError):
        net.add_module(name, None)


def test_train_apply_and_freeze():
    net = Net()
    assert not net.eval().layers[1].training
    assert net.train().layers[1].training
    seen = []
    net.apply(lambda m: seen.append(type(m).__name__))
    assert seen == ["Linear", "Linear", "Linear", "ModuleList", "Net"]
    net.requires_grad_(False)
    assert not any(p.requires_grad for p in net.parameters())


def test_zero_grad_and_conversion():
    net = Net()
    net(pygrad.ones(1, 4)).sum().backward()
    net.to(pygrad.float64)
    assert net.fc1.weight.dtype == net.fc1.weight.grad.dtype == pygrad.float64
    weight = net.fc1.weight
    net.float()
    assert net.fc1.weight is weight and weight.dtype == pygrad.float32
    net.zero_grad(set_to_none=False)
    assert float(weight.grad.abs().sum()) == 0
    net.zero_grad()
    assert weight.grad is None
    with pytest.raises(TypeError, match="floating point"):
        net.to(pygrad.int64)


def test_state_dict_round_trip():
    a, b = Net(), Net()
    state = a.state_dict()
    assert list(state) == KEYS
    assert state._metadata["fc1"] == {"version": 1}
    assert not state["fc1.weight"].requires_grad
    assert repr(b.load_state_dict(state)) == "<All keys matched successfully>"
    assert all(same(p, q) for p, q in zip(a.parameters(), b.parameters()))
    assert a.state_dict(keep_vars=True)["fc1.weight"] is a.fc1.weight
    assert list(a.fc1.state_dict(prefix="x.")) == ["x.weight", "x.bias"]


def test_load_reports_everything():
    net = Net()
    state = dict(net.state_dict())
    del state["fc1.bias"]
    state["fc1.extra.deep"] = pygrad.ones(1)
    state["surplus"] = pygrad.ones(1)
    state["layers.0.weight"] = pygrad.ones(2, 2)
    with pytest.raises(RuntimeError) as caught:
        net.load_state_dict(state)
    text = str(caught.value)
    assert text.startswith("Error(s) in loading state_dict for Net:")
    assert 'Missing key(s) in state_dict: "fc1.bias"' in text
    assert '"surplus"' in text and '"fc1.extra.deep"' in text
    assert "size mismatch for layers.0.weight" in text and "(2, 2)" in text and "(3, 3)" in text
    del state["layers.0.weight"]
    keys = net.load_state_dict(state, strict=False)
    assert keys.missing_keys == ["fc1.bias", "layers.0.weight"]
    assert sorted(keys.unexpected_keys) == ["fc1.extra.deep", "surplus"]
    with pytest.raises(RuntimeError, match="remove that prefix"):
        net.load_state_dict({"module." + k: v for k, v in net.state_dict().items()})
    with pytest.raises(TypeError, match="dict-like"):
        net.load_state_dict("model.pt")


def test_load_assign():
    net = nn.Linear(2, 2)
    weight = pygrad.ones(2, 2)
    net.load_state_dict({"weight": weight, "bias": pygrad.zeros(2)}, assign=True)
    assert isinstance(net.weight, nn.Parameter) and net.weight.requires_grad
    assert net.weight.data_ptr() == weight.data_ptr()


def test_extra_state_and_state_hooks():
    class Extra(nn.Linear):
        def get_extra_state(self):
            return {"step": 3}

        def set_extra_state(self, state):
            self.step = state["step"]

    net = Extra(1, 1)
    state = net.state_dict()
    assert state["_extra_state"] == {"step": 3}
    net.load_state_dict(state)
    assert net.step == 3
    calls = []
    net.register_state_dict_pre_hook(lambda m, prefix, keep: calls.append("pre"))
    net.register_state_dict_post_hook(lambda m, s, prefix, meta: s.update(more=1))
    assert net.state_dict()["more"] == 1 and calls == ["pre"]

    def rename(module, state, prefix, *rest):
        state[prefix + "weight"] = state.pop(prefix + "old")

    other = nn.Sequential(nn.Linear(1, 1))
    other[0].register_load_state_dict_pre_hook(rename)
    other.register_load_state_dict_post_hook(lambda m, keys: keys.missing_keys.clear())
    other.load_state_dict({"0.old": pygrad.ones(1, 1)})
    assert other[0].weight.item() == 1


def test_copies():
    net = Net()
    net.register_forward_hook(lambda m, a, o: None)
    twin = copy.deepcopy(net)
    assert twin.fc1.weight is not net.fc1.weight and same(twin.fc1.weight, net.fc1.weight)
    assert isinstance(twin.fc1.weight, nn.Parameter)
    net._forward_hooks.clear()
    again = pickle.loads(pickle.dumps(net))
    assert same(again(pygrad.ones(1, 4)), net(pygrad.ones(1, 4)))


def test_forward_hooks():
    net = nn.Linear(2, 2)
    calls = []
    x = pygrad.ones(1, 2)
    plain = net(x)
    first = net.register_forward_pre_hook(lambda m, args: calls.append("pre"))
    net.register_forward_pre_hook(lambda m, args: calls.append("front"), prepend=True)
    net.register_forward_hook(lambda m, args, out: out * 2)
    assert same(net(x), plain * 2) and calls == ["front", "pre"]
    first.remove()
    net(x)
    assert calls == ["front", "pre", "front"]

    def with_kwargs(module, args, kwargs):
        return (kwargs["x"],), {}

    other = nn.Linear(2, 2)
    other.register_forward_pre_hook(with_kwargs, with_kwargs=True)
    assert other(x=x).shape == (1, 2)
    with other.register_forward_hook(lambda m, a, k, o: None, with_kwargs=True) as handle:
        assert handle.id in other._forward_hooks
    assert not other._forward_hooks


def test_always_call_hook_runs_after_an_error():
    net = nn.Linear(2, 2)
    calls = []
    net.register_forward_hook(lambda m, a, o: calls.append(o), always_call=True)
    with pytest.raises(RuntimeError):
        net(pygrad.ones(1, 3))
    assert calls == [None]


def test_full_backward_hooks():
    net = nn.Linear(2, 3)
    seen = {}

    def hook(module, grad_input, grad_output):
        seen["in"], seen["out"] = grad_input, grad_output
        return (grad_input[0] * 10,)

    net.register_full_backward_pre_hook(lambda m, grad_output: (grad_output[0] * 2,))
    net.register_full_backward_hook(hook)
    x = pygrad.ones(1, 2).requires_grad_()
    net(x).sum().backward()
    assert same(seen["out"][0], pygrad.full((1, 3), 2.0))
    expected = 20 * net.weight.sum(0, keepdim=True)
    assert pygrad.allclose(x.grad, expected.detach())
    seen.clear()
    net._backward_hooks.clear()
    net.register_full_backward_hook(lambda m, i, o: seen.update(i=i, o=o))
    net(pygrad.ones(1, 2)).sum().backward()
    assert seen["i"] == (None,) and seen["o"][0].shape == (1, 3)


def test_global_hooks():
    calls = []
    from pygrad.nn._hooks import register_module_forward_hook

    with register_module_forward_hook(lambda m, a, o: calls.append(type(m).__name__)):
        nn.Sequential(nn.Identity(), nn.ReLU())(pygrad.ones(1))
    assert calls == ["Identity", "ReLU", "Sequential"]
    nn.ReLU()(pygrad.ones(1))
    assert len(calls) == 3


def test_errors_name_the_module():
    net = Net()
    with pytest.raises(RuntimeError) as caught:
        net(pygrad.ones(2, 5))
    assert str(caught.value).startswith("Net.fc1 (Linear 4->3): ")
    net.layers[1] = nn.Linear(7, 2)
    with pytest.raises(RuntimeError) as caught:
        nn.Sequential(nn.Identity(), net)(pygrad.ones(2, 4))
    assert str(caught.value).startswith("Sequential.1.layers.1 (Linear 7->2): ")
    with pytest.raises(NotImplementedError, match='missing the required "forward"'):
        nn.Module()(1)

    class Own(Exception):
        pass

    class Raises(nn.Module):
        def forward(self, error):
            raise error

    error = Own("mine", 3)
    with pytest.raises(Own) as caught:
        nn.Sequential(Raises())(error)
    assert caught.value.args == ("mine", 3)
    with pytest.raises(ValueError, match=r"Sequential\.0 \(Raises\): text"):
        nn.Sequential(Raises())(ValueError("text"))


def test_repr():
    assert repr(Net()) == (
        "Net(\n"
        "  (fc1): Linear(in_features=4, out_features=3, bias=True)\n"
        "  (layers): ModuleList(\n"
        "    (0): Linear(in_features=3, out_features=3, bias=True)\n"
        "    (1): Linear(in_features=3, out_features=2, bias=True)\n"
        "  )\n"
        ")"
    )
    text = repr(nn.Parameter(pygrad.ones(2)))
    assert text == "Parameter containing:\ntensor([1., 1.], requires_grad=True)"


def test_init_arguments_are_refused():
    with pytest.raises(TypeError, match="unexpected keyword argument 'size'"):
        nn.Module(size=3)
