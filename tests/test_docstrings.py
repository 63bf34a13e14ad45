"""The examples of every docstring run: of the registry's operations and of the Python modules."""

from __future__ import annotations

import doctest
import importlib
import inspect
import os
import pkgutil
import subprocess
import sys

import pytest

import pygrad
from pygrad import _C

FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
# Started as programs, or by another library's import.
NOT_IMPORTED = {"pygrad.__main__"}


def run(test: doctest.DocTest) -> None:
    messages: list[str] = []
    runner = doctest.DocTestRunner(optionflags=FLAGS, verbose=False)
    runner.run(test, out=messages.append)
    assert not runner.failures, "".join(messages)


def texts_of(name: str) -> list[str]:
    return [record["doc"] for record in _C.op_info(name)["overloads"]]


def public(name: str) -> bool:
    return any(r["namespaces"] != ["_internal"] for r in _C.op_info(name)["overloads"])


@pytest.mark.parametrize("name", _C.op_names())
def test_op(name: str) -> None:
    texts = texts_of(name)
    assert all(text.strip() for text in texts), f"{name} lacks a docstring"
    examples = [text for text in texts if ">>>" in text]
    assert examples or not public(name), f"{name}'s docstring lacks an Example"
    for text in examples:
        pygrad.manual_seed(0)
        run(
            doctest.DocTestParser().get_doctest(
                inspect.cleandoc(text), {"pygrad": pygrad}, name, None, 0
            )
        )


MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(pygrad.__path__, "pygrad.")
    if module.name not in NOT_IMPORTED and module.name != "pygrad._C"
)


# Their examples change what `import torch` means in the whole process.
IN_A_FRESH_PROCESS = {"pygrad.compat"}


@pytest.mark.parametrize("name", ["pygrad", *MODULES])
def test_module(name: str, tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(str(tmp_path))
    if name in IN_A_FRESH_PROCESS:
        code = f"import doctest, {name} as m; assert not doctest.testmod(m, optionflags={FLAGS})[0]"
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
        subprocess.run([sys.executable, "-c", code], check=True, env=environment)
        return
    module = importlib.import_module(name)
    for test in doctest.DocTestFinder(exclude_empty=True).find(module, name):
        if test.examples:
            pygrad.manual_seed(0)
            run(test)
