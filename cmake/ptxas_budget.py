#!/usr/bin/env python3
"""Compares what ptxas reported of each CUDA kernel with the checked-in budget.

    python cmake/ptxas_budget.py LOGS            fails where a kernel needs more than its budget
    python cmake/ptxas_budget.py LOGS --update   writes the budget anew

LOGS is the folder given as PYGRAD_PTXAS_LOG at build time. The budget, ptxas_budget.json in
kernels/cuda/, holds for each architecture and kernel the registers, the bytes of static shared
memory and the bytes of spills, in this order. A kernel without an entry may use anything but
spills. Figures belong to a version of nvcc; after changing it, write the budget anew and look at
the difference.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path

BUDGET = Path(__file__).resolve().parent.parent / "kernels" / "cuda" / "ptxas_budget.json"
_ENTRY = re.compile(r"Compiling entry function '([^']+)' for '([^']+)'")
_SPILLS = re.compile(r"(\d+) bytes spill stores, (\d+) bytes spill loads")
_REGISTERS = re.compile(r"Used (\d+) registers")
_SHARED = re.compile(r"(\d+) bytes smem")

# An anonymous namespace is named after its file, with hashes of its path and contents.
_ANONYMOUS = re.compile(r"\d+_GLOBAL__N__[0-9a-f]{8}_\d+_(\w+?)_cu_[0-9a-f]{8}(?:_\d+)?")
_FIGURES = ("registers", "shared", "spills")

Usage = dict[str, int]


def read_logs(folder: Path) -> dict[str, dict[str, Usage]]:
    """Architecture -> mangled kernel name -> what it uses."""
    found: dict[str, dict[str, Usage]] = {}
    for log in sorted(folder.glob("*.log")):
        usage: Usage | None = None
        for line in log.read_text(errors="replace").splitlines():
            if entry := _ENTRY.search(line):
                name, arch = _ANONYMOUS.sub(r"(\1)", entry[1]), entry[2]
                usage = found.setdefault(arch, {}).setdefault(name, {})
                usage.update(registers=0, shared=0, spills=0)
            elif usage is not None:
                if spills := _SPILLS.search(line):
                    usage["spills"] = max(map(int, spills.groups()))
                if registers := _REGISTERS.search(line):
                    usage["registers"] = int(registers[1])
                    shared = _SHARED.search(line)
                    usage["shared"] = int(shared[1]) if shared else 0
                    usage = None
    return found


def read_budget() -> dict[str, dict[str, Usage]]:
    if not BUDGET.exists():
        return {}
    return {
        arch: {name: dict(zip(_FIGURES, figures, strict=True)) for name, figures in kernels.items()}
        for arch, kernels in json.loads(BUDGET.read_text()).items()
    }


def write_budget(found: dict[str, dict[str, Usage]]) -> None:
    """One line a kernel, so that a change shows as the kernels it touches.

    Architectures that the logs do not speak of keep their figures.
    """
    budget = {**read_budget(), **found}
    blocks = []
    for arch in sorted(budget):
        lines = [
            f"  {json.dumps(name)}: {[usage[f] for f in _FIGURES]}"
            for name, usage in sorted(budget[arch].items())
        ]
        blocks.append(f" {json.dumps(arch)}: {{\n" + ",\n".join(lines) + "\n }")
    BUDGET.write_text("{\n" + ",\n".join(blocks) + "\n}\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("logs", type=Path)
    parser.add_argument("--update", action="store_true")
    options = parser.parse_args()
    found = read_logs(options.logs)
    if not found:
        print(f"{options.logs} holds no report of ptxas; build with PYGRAD_PTXAS_LOG")
        return 1
    if options.update:
        write_budget(found)
        print(f"wrote {BUDGET}: {sum(map(len, found.values()))} kernels")
        return 0
    budget = read_budget()
    wrong = []
    for arch, kernels in found.items():
        for name, usage in kernels.items():
            allowed = budget.get(arch, {}).get(name, {"spills": 0})
            wrong += [
                f"{arch} {name}: {usage[what]} {what}, budget {limit}"
                for what, limit in allowed.items()
                if usage[what] > limit
            ]
    print(f"{sum(map(len, found.values()))} kernels, {len(wrong)} above their budget")
    for line in wrong:
        print("  " + line)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
