# ruff: noqa: E501 -- tables of samples read better unwrapped
"""Registers and spills of the CUDA kernels stay within the checked-in budget."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

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


def test_names_do_not_depend_on_where_a_file_lies():
    """nvcc names an anonymous namespace after hashes of the file's path and contents."""
    spec = importlib.util.spec_from_file_location("ptxas_budget", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    names = [f"_ZN6pygrad4cuda46_GLOBAL__N__{a}_13_batch_norm_cu_{b}7factorsIfEEvT_"
             for a, b in (("fd96e642", "02e4742d"), ("0123abcd", "89ab4567"))]  # fmt: skip
    assert {module._ANONYMOUS.sub(r"(\1)", n) for n in names} == {
        "_ZN6pygrad4cuda(batch_norm)7factorsIfEEvT_"
    }


def test_the_budget_can_be_written_and_kept(tmp_path):
    script = tmp_path / "cmake" / "ptxas_budget.py"
    for folder in (script.parent, tmp_path / "kernels" / "cuda", tmp_path / "logs"):
        folder.mkdir(parents=True)
    script.write_text(SCRIPT.read_text())
    log = tmp_path / "logs" / "a.log"

    def budget(*arguments):
        command = [sys.executable, str(script), str(tmp_path / "logs"), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    log.write_text(LOG.format(spills=16))
    assert budget().returncode == 1
    assert budget("--update").returncode == 0
    assert budget().returncode == 0
    log.write_text(LOG.format(spills=16).replace("sm_80", "sm_90a"))
    assert budget("--update").returncode == 0
    log.write_text(LOG.format(spills=16))  # the other architecture's figures were kept
    assert budget().returncode == 0
    log.write_text(LOG.format(spills=16).replace("Used 32", "Used 33"))
    done = budget()
    assert done.returncode == 1
    assert "33 registers, budget 32" in done.stdout


def test_the_checked_in_budget_has_no_spills():
    kernels = json.loads((ROOT / "kernels" / "cuda" / "ptxas_budget.json").read_text())
    assert kernels
    for arch, figures in kernels.items():
        assert [name for name, (_, _, spills) in figures.items() if spills] == [], arch
