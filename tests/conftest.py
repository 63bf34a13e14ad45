# ruff: noqa: E501 -- tables of samples read better unwrapped
"""Devices, markers and seeds of the whole suite.

PYGRAD_TEST_DEVICES   the devices to test on, such as ``cpu``, ``cuda`` or ``cpu,cuda`` (default: cpu)
PYGRAD_TEST_SEED      where the random samples begin (default: 0); printed with every failure
"""

from __future__ import annotations

import importlib.util
import os

import pytest

import pygrad
from pygrad import _C

DEVICES = [d.strip() for d in os.environ.get("PYGRAD_TEST_DEVICES", "cpu").split(",") if d.strip()]
SEED = int(os.environ.get("PYGRAD_TEST_SEED", "0"))


def pytest_report_header() -> list[str]:
    info = _C.build_info()
    return [
        f"pygrad {info['version']}: {info['options']}; instruction set {info['isa']}",
        f"devices: {', '.join(DEVICES)}; PYGRAD_TEST_SEED={SEED}",
    ]


def pytest_configure(config: pytest.Config) -> None:
    wanted = any(d.startswith("cuda") for d in DEVICES)
    if wanted and not _C.cuda_is_available():
        raise pytest.UsageError(
            f"PYGRAD_TEST_DEVICES names cuda, but there is none: {_C.cuda_why()}"
        )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "device" in metafunc.fixturenames:
        metafunc.parametrize("device", DEVICES)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    has_torch = importlib.util.find_spec("torch") is not None
    has_cuda = _C.cuda_is_available()
    for item in items:
        if "torch" in item.keywords and not has_torch:
            item.add_marker(pytest.mark.skip(reason="PyTorch is not installed"))
        if "cuda" in item.keywords and not has_cuda:
            item.add_marker(pytest.mark.skip(reason=f"no device cuda: {_C.cuda_why()}"))


def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    if call.excinfo is not None and not call.excinfo.errisinstance(pytest.skip.Exception):
        item.add_report_section(call.when, "seed", f"PYGRAD_TEST_SEED={SEED}")


@pytest.fixture
def seed() -> int:
    """The seed of the run; also starts pygrad's own streams from it."""
    pygrad.manual_seed(SEED)
    return SEED


@pytest.fixture
def threads():
    """A function that sets the number of threads; the old number comes back afterwards."""
    before = _C.get_num_threads()
    yield _C.set_num_threads
    _C.set_num_threads(before)


@pytest.fixture
def isa():
    """A function that sets the instruction set of the kernels; the old one comes back afterwards."""
    before = _C.isa_name()
    yield _C.set_isa
    _C.set_isa(before)
