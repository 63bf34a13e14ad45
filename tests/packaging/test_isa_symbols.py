"""Object files of one instruction set hold no shared symbols that another could be linked to.

A template or inline function compiled with AVX-512 flags under a name that the baseline shares
could replace the baseline's at link time and crash an older processor.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NM = shutil.which("nm")
ISAS = ("avx2", "avx512")


def object_folders() -> list[Path]:
    """Folders of kernel objects, in the build named by PYGRAD_BUILD_DIR or below build/."""
    named = os.environ.get("PYGRAD_BUILD_DIR")
    places = [Path(named)] if named else sorted((ROOT / "build").glob("*"))
    return [
        f
        for p in places
        for isa in ISAS
        for f in p.glob(f"CMakeFiles/kernels_cpu*_{isa}.dir")
        if any(f.rglob("*.o"))
    ]


FOLDERS = object_folders()


@pytest.mark.skipif(NM is None, reason="nm is not installed")
@pytest.mark.skipif(
    not FOLDERS, reason="no build folder with kernel objects; PYGRAD_BUILD_DIR names one"
)
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda f: f"{f.parents[1].name}-{f.stem}")
def test_weak_symbols_belong_to_the_instruction_set(folder):
    isa = folder.stem.rsplit("_", 1)[-1]
    objects = [str(p) for p in sorted(folder.rglob("*.o"))]
    listing = subprocess.run(
        [NM, "-C", "--defined-only", "-A", *objects], capture_output=True, text=True, check=True
    ).stdout
    shared = []
    for line in listing.splitlines():
        head, _, symbol = line.partition(" ")
        kind, _, name = symbol.partition(" ")
        if kind not in ("W", "V", "u"):
            continue
        # Of one instruction set: its namespace is in the name, or in a template argument.
        if f"::{isa}::" not in name and not name.startswith("DW.ref."):  # a pointer to the unwinder
            shared.append(f"{Path(head.split(':')[0]).name}: {name}")
    assert not shared, "\n".join(sorted(set(shared))[:40])
