"""Every name of the main namespaces has one definition, and the stub knows all that is native."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

import pygrad
from pygrad import _C, _tensor, functional

ROOT = Path(__file__).resolve().parents[2]


def in_namespace(namespace: str) -> set[str]:
    return {
        name
        for name in _C.op_names()
        if any(namespace in r["namespaces"] for r in _C.op_info(name)["overloads"])
    }


def test_composed_functions_are_not_native_too():
    native = in_namespace("torch") | {n + "_" for n in in_namespace("torch")}
    assert not native & set(functional.FUNCTIONS)
    assert not native & set(pygrad._LAZY)
    assert not set(functional.FUNCTIONS) & set(pygrad._LAZY)


def test_python_methods_are_not_native_too():
    native = {n for n in _C.op_names() if any(r["method"] for r in _C.op_info(n)["overloads"])}
    written = set(_tensor._METHODS) | set(_tensor._COMPOSED)
    assert not native & written


@pytest.mark.parametrize("namespace", ["special", "linalg"])
def test_namespace_has_every_op(namespace):
    module = getattr(pygrad, namespace)
    ops = in_namespace(namespace)
    assert ops, namespace
    for name in ops:
        assert getattr(module, name) is getattr(_C.ops, name), name


def test_functional_has_every_op():
    missing = [n for n in in_namespace("nn.functional") if not hasattr(pygrad.nn.functional, n)]
    assert not missing


def stub_names() -> dict[str, set[str]]:
    """The names of the stub's module, under "", and of each of its classes."""
    tree = ast.parse((ROOT / "pygrad" / "_C.pyi").read_text(encoding="utf-8"))

    def names(body: list[ast.stmt]) -> set[str]:
        found = set()
        for node in body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                found.add(node.name)
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                found.add(node.target.id)
        return found

    classes = {n.name: names(n.body) for n in tree.body if isinstance(n, ast.ClassDef)}
    return {"": names(tree.body), **classes}


IN_SOURCES = pytest.mark.skipif(
    not (ROOT / "pygrad" / "_C.pyi").exists(), reason="no sources beside the tests"
)


@IN_SOURCES
def test_stub_has_the_module():
    stub = stub_names()[""]
    assert sorted({n for n in dir(_C) if not n.startswith("__")} - stub) == []
    aliases = {n for n in stub if n.startswith("_") and not hasattr(_C, n)} | {"Scalar"}
    assert sorted({n for n in stub if not hasattr(_C, n)} - aliases) == []


@IN_SOURCES
@pytest.mark.parametrize(
    "name",
    ["Generator", "Node", "RemovableHandle", "SavedTensor", "Size", "Tensor", "UntypedStorage"]
    + ["device", "dtype", "layout", "memory_format"],
)
def test_stub_has_the_class(name):
    stub, cls = stub_names()[name], getattr(_C, name)
    # Of every class, or of what pybind11 and `copy` ask for.
    common = {*dir(object), "__module__", "__delitem__", "__annotations__"}
    if name != "Tensor":
        common |= {"__copy__", "__deepcopy__", "_pybind11_conduit_v1_"}
    assert sorted(set(vars(cls)) - common - stub) == []
    buffer = set() if sys.version_info >= (3, 12) else {"__buffer__"}
    assert sorted({n for n in stub if not hasattr(cls, n)} - buffer) == []
