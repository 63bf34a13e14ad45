# ruff: noqa: E501 -- tables of samples read better unwrapped
"""Registers and spills of the CUDA kernels stay within the checked-in budget."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "cmake" / "ptxas_budget.py"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT), *arguments], capture_output=True, text=True, check=False
    )


LOG = """ptxas info    : Compiling entry function 'kernel_x' for 'sm_80'
ptxas info    : Function properties for kernel_x
    0 bytes stack frame, {spills} bytes spill stores, {spills} bytes spill loads
ptxas info    : Used 32 registers, 400 bytes cmem[0]
"""


def test_a_spilling_kernel_without_entry_fails(tmp_path):
    (tmp_path / "a.log").write_text(LOG.format(spills=16))
    assert run(str(tmp_path)).returncode != 0
    (tmp_path / "a.log").write_text("nothing")
    assert run(str(tmp_path)).returncode != 0


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("nvcc") is None, reason="nvcc is not installed")
def test_kernels_keep_their_budget(tmp_path):
    logs, build = tmp_path / "logs", tmp_path / "build"
    configure = ["cmake", "-S", str(ROOT), "-B", str(build), "-G", "Ninja", "-DPYGRAD_CUDA=ON", "-DPYGRAD_CUDA_ARCHITECTURES=90a",
                 f"-DPYGRAD_PTXAS_LOG={logs}", f"-DPython_EXECUTABLE={sys.executable}"]  # fmt: skip
    subprocess.run(configure, check=True, capture_output=True)
    jobs = str(os.cpu_count() or 1)
    subprocess.run(
        ["cmake", "--build", str(build), "--target", "kernels_cuda", "-j", jobs],
        check=True,
        capture_output=True,
    )
    done = run(str(logs))
    assert done.returncode == 0, done.stdout
