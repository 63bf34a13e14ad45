"""What `import pygrad` costs: time, modules, memory; and the size of what is shipped."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from pygrad import _C

ROOT = Path(__file__).resolve().parents[2]
SANITIZED = "sanitize=" in _C.build_info()["options"]
HEAVY = (
    "numpy",
    "torch",
    "dataclasses",
    "inspect",
    "multiprocessing",
    "tempfile",
    "zipfile",
    "logging",
    "re",
    "typing",
    "pickle",
    "concurrent",
    "asyncio",
)


def in_fresh_python(code: str) -> dict:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    done = subprocess.run(
        [sys.executable, "-S", "-E" if not environment["PYTHONPATH"] else "-s", "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


IMPORT = """
import sys, time, json
before = set(sys.modules)
start = time.perf_counter()
import pygrad
seconds = time.perf_counter() - start
new = sorted(set(sys.modules) - before)
try:
    kib = next(int(l.split()[1]) for l in open("/proc/self/status") if l.startswith("VmRSS"))
except OSError:
    kib = 0
print(json.dumps({"seconds": seconds, "modules": new, "kib": kib}))
"""


def test_import_brings_in_no_heavy_module():
    modules = in_fresh_python(IMPORT)["modules"]
    heavy = [m for m in modules if m.split(".")[0] in HEAVY]
    assert not heavy, heavy


@pytest.mark.skipif(SANITIZED, reason="a sanitizer has its own costs")
def test_import_time_and_memory():
    runs = [in_fresh_python(IMPORT) for _ in range(5)]
    assert min(r["seconds"] for r in runs) < 0.05
    assert min(r["kib"] for r in runs) < 60_000


@pytest.mark.parametrize("name", ["pygrad.nn", "pygrad.optim"])
def test_submodules_bring_in_no_numpy(name):
    code = f"import sys, json, {name}\nprint(json.dumps({{'numpy': 'numpy' in sys.modules}}))"
    assert in_fresh_python(code) == {"numpy": False}


def test_wheels_are_small():
    wheels = [
        p for folder in ("dist", ".ci/work/wheel") for p in (ROOT / folder).glob("pygrad-*.whl")
    ]
    if not wheels:
        pytest.skip("no wheel has been built in dist/")
    for wheel in wheels:
        assert wheel.stat().st_size <= 5_000_000, wheel


def test_module_exports_only_its_entry():
    import shutil

    nm = shutil.which("nm")
    if nm is None or SANITIZED:
        pytest.skip("needs nm and a plain build")
    done = subprocess.run(
        [nm, "-D", "--defined-only", "-C", _C.__file__], capture_output=True, text=True, check=True
    )
    strong = [
        line.split(" ", 2)[2] for line in done.stdout.splitlines() if line.split(" ", 2)[1] in "TDB"
    ]
    assert all("pygrad" not in name for name in strong if not name.startswith("PyInit")), strong[
        :20
    ]


def dynamic_flags(module: bytes) -> int:
    """DT_FLAGS of a 64-bit little-endian ELF file, 0 where it has none."""
    (headers,) = struct.unpack_from("<Q", module, 0x20)  # of the segments
    size, count = struct.unpack_from("<HH", module, 0x36)
    for i in range(count):
        kind, _, offset, _, _, length = struct.unpack_from("<IIQQQQ", module, headers + i * size)
        if kind == 2:  # PT_DYNAMIC
            entries = struct.iter_unpack("<qQ", module[offset : offset + length])
            return next((value for tag, value in entries if tag == 30), 0)
    return 0


def test_the_module_loads_after_any_other():
    """Static thread-local storage comes from a small reserve that other modules may have used."""
    module = Path(_C.__file__).read_bytes()
    if module[:6] != b"\x7fELF\x02\x01":
        pytest.skip("the module is no 64-bit little-endian ELF file")
    static_tls = 0x10
    assert not dynamic_flags(module) & static_tls
