"""Sequential, ModuleList, ModuleDict, ParameterList, ParameterDict."""

from __future__ import annotations

from collections import OrderedDict

import pytest

import pygrad
from pygrad import nn


def test_sequential():
    a, b, c = nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1)
    net = nn.Sequential(a, b, c)
    assert len(net) == 3 and net[-1] is c and list(net) == [a, b, c]
    assert net(pygrad.ones(4, 2)).shape == (4, 1)
    part = net[1:]
    assert isinstance(part, nn.Sequential) and list(part._modules) == ["1", "2"]
    net.insert(1, nn.Tanh())
    assert [type(m).__name__ for m in net] == ["Linear", "Tanh", "ReLU", "Linear"]
    del net[1]
    assert list(net) == [a, b, c] and list(net._modules) == ["0", "1", "2"]
    net.append(nn.Sigmoid()).extend([nn.Tanh()])
    assert len(net) == 5 and isinstance(net.pop(4), nn.Tanh)
    assert len(net + nn.Sequential(a)) == 5 and len(nn.Sequential(a) * 3) == 3
    net[0] = nn.Identity()
    assert isinstance(net[0], nn.Identity)
    with pytest.raises(IndexError, match="out of range"):
        net[9]
    with pytest.raises(TypeError, match="not a Module subclass"):
        nn.Sequential(3)


def test_sequential_from_names():
    net = nn.Sequential(OrderedDict(first=nn.ReLU(), second=nn.Tanh()))
    assert list(net._modules) == ["first", "second"] and isinstance(net.second, nn.Tanh)


def test_module_list():
    modules = nn.ModuleList(nn.Linear(2, 2) for _ in range(3))
    assert repr(modules) == (
        "ModuleList(\n  (0-2): 3 x Linear(in_features=2, out_features=2, bias=True)\n)"
    )
    assert repr(nn.ModuleList()) == "ModuleList()"
    modules += [nn.ReLU()]
    assert isinstance(modules[-1], nn.ReLU) and len(modules[:2]) == 2
    modules.insert(0, nn.Tanh())
    assert isinstance(modules[0], nn.Tanh) and list(modules._modules) == list("01234")
    with pytest.raises(TypeError, match="iterable"):
        modules.extend(3)
    with pytest.raises(NotImplementedError):
        modules(1)


def test_module_dict():
    modules = nn.ModuleDict({"a": nn.ReLU(), "b": nn.Tanh()})
    assert list(modules) == ["a", "b"] and "a" in modules and len(modules) == 2
    modules.update([("c", nn.ReLU())])
    assert isinstance(modules.pop("a"), nn.ReLU) and list(modules.keys()) == ["b", "c"]
    del modules["b"]
    assert [n for n, _ in modules.items()] == ["c"]
    with pytest.raises(ValueError, match="length 1"):
        modules.update([("x",)])
    modules.clear()
    assert len(modules) == 0


def test_parameter_list():
    params = nn.ParameterList([pygrad.ones(2), nn.Parameter(pygrad.ones(3)), "text"])
    assert [n for n, _ in params.named_parameters()] == ["0", "1"]
    assert isinstance(params[0], nn.Parameter) and params[2] == "text" and len(params[:2]) == 2
    params[0] = pygrad.zeros(2)
    assert params[0].tolist() == [0.0, 0.0]
    params += [pygrad.ones(1)]
    assert len(params) == 4
    assert "(1): Parameter containing: " in repr(params)


def test_parameter_dict():
    params = nn.ParameterDict({"a": pygrad.ones(2)})
    assert repr(params) == (
        "ParameterDict(  (a): Parameter containing: [torch.FloatTensor of size 2])"
    )
    params["b"] = pygrad.ones(1)
    assert list(params.state_dict()) == ["a", "b"] and "a" in params
    assert params.get("zz") is None and params.setdefault("b", 3) is params["b"]
    assert params.popitem()[0] == "b"
    assert list((params | nn.ParameterDict({"c": pygrad.ones(1)})).keys()) == ["a", "c"]
    with pytest.raises(KeyError):
        params["missing"]
    params.clear()
    assert len(params) == 0
