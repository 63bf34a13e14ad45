"""Every C++ header compiles alone: it includes what it uses."""

from __future__ import annotations

import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMPILER = os.environ.get("CXX") or shutil.which("g++") or shutil.which("clang++")
# Needs Python's and pybind11's headers, or is included once per instruction set by its own kernel.
HEADERS = sorted(
    str(p.relative_to(ROOT))
    for folder in ("csrc/core", "csrc/autograd", "csrc/ops", "kernels", "kernels/math")
    for p in (ROOT / folder).glob("*.h")
)


@pytest.mark.slow
@pytest.mark.skipif(COMPILER is None, reason="no C++ compiler is installed")
def test_headers_compile_alone():
    def compile_one(header: str) -> tuple[str, int, str]:
        command = [
            COMPILER,
            "-std=c++20",
            "-fsyntax-only",
            "-Wall",
            "-Wextra",
            "-DPG_X86_ISAS=1",
            "-I",
            str(ROOT),
            "-x",
            "c++",
            "-",
        ]
        done = subprocess.run(
            command,
            input=f'#include "{header}"\n#include "{header}"\n',
            capture_output=True,
            text=True,
            check=False,
        )
        return header, done.returncode, done.stderr

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        failed = [
            f"{header}:\n{text[:1500]}"
            for header, code, text in pool.map(compile_one, HEADERS)
            if code
        ]
    assert not failed, "\n".join(failed)


@pytest.mark.parametrize("header", HEADERS)
def test_header_has_a_guard_and_says_what_it_is(header):
    text = (ROOT / header).read_text()
    assert "#pragma once" in text
    assert text.startswith("//"), "a header begins with a sentence about itself"


def test_layers_point_down():
    """Only csrc/python knows Python; kernels know nothing of csrc."""
    for path in (ROOT / "csrc").rglob("*"):
        if path.suffix in (".h", ".cpp") and "python" not in path.relative_to(ROOT).parts:
            text = path.read_text()
            assert "Python.h" not in text, path
            assert "pybind11" not in text, path
    for path in (ROOT / "kernels").rglob("*"):
        if path.suffix in (".h", ".cpp", ".cu", ".cuh"):
            assert '#include "csrc/' not in path.read_text(), path
