# ruff: noqa: E501 -- tables of samples read better unwrapped
"""Devices, markers and seeds of the whole suite.

PYGRAD_TEST_DEVICES   the devices to test on, such as ``cpu``, ``cuda`` or ``cpu,cuda`` (default: cpu)
PYGRAD_TEST_SEED      where the random samples begin (default: 0); printed with every failure
"""

from __future__ import annotations

import importlib.util
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

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


@pytest.fixture
def lets_others_run():
    """A function: whether another Python thread gets a turn while `timed(start())` runs."""

    def others_ran(start: Callable[[], Any], timed: Callable[[Any], object]) -> bool:
        turns, stop = [0], threading.Event()

        def count() -> None:
            while not stop.is_set():
                turns[0] += 1
                time.sleep(0)

        interval = sys.getswitchinterval()
        sys.setswitchinterval(10)  # no forced switches: the other thread runs only when let
        thread = threading.Thread(target=count)
        thread.start()
        try:
            for _ in range(50):  # on a busy machine the thread may miss a turn it was offered
                operand = start()
                before = turns[0]
                timed(operand)
                if turns[0] > before:
                    return True
            return False
        finally:
            sys.setswitchinterval(interval)
            stop.set()
            thread.join()

    return others_ran
