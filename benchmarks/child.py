"""Measurements that need a process of their own: import, memory, the first trained step.

``python -m benchmarks.child ENGINE ROW THREADS`` runs one row once and prints the peak
of its resident memory.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Nothing but the engine is imported before the import that is measured.
_IMPORT = """
import time
start, before = time.perf_counter(), time.process_time()
import {name}
elapsed, cpu = (time.perf_counter() - start) * 1e3, (time.process_time() - before) * 1e3
resident = 0.0
for line in open("/proc/self/status"):
    if line.startswith("VmRSS:"):
        resident = int(line.split()[1]) / 1024
print(elapsed, resident, cpu)
"""

_FIRST_STEP = """
import {name} as t
from {name} import nn, optim
from {name}.nn import functional as F
net = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 2))
sgd = optim.SGD(net.parameters(), lr=0.1)
loss = F.cross_entropy(net(t.zeros(8, 2)), t.zeros(8, dtype=t.int64))
loss.backward()
sgd.step()
loss.item()
import time
print(time.monotonic(), time.process_time() * 1e3)
"""


def _python(code: str, **names: str) -> list[float]:
    # With compiled modules, as installed packages have them, whatever the shell says.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [sys.executable, "-c", code.format(**names)],
        capture_output=True, text=True, timeout=120, env=environment,
    )  # fmt: skip
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1:] or [f"exit status {done.returncode}"]
        raise RuntimeError(reason[0])
    return [float(word) for word in done.stdout.split()]


def import_ms(engine: str, brief: bool) -> float:
    """Milliseconds that ``import engine`` takes, the interpreter's own start not included."""
    _python(_IMPORT, name=engine)  # fills the disk cache and writes the .pyc files
    return statistics.median([_python(_IMPORT, name=engine)[0] for _ in range(1 if brief else 5)])


def resident_mb(engine: str, brief: bool) -> float:
    """Resident memory in MiB of a process that has only imported the engine."""
    return _python(_IMPORT, name=engine)[1]


def first_step_ms(engine: str, brief: bool) -> float | None:
    """Milliseconds from the start of the process to the end of its first trained step."""
    if engine in ("numpy", "jax"):
        return None
    times = []
    for _ in range(2 if brief else 6):
        start = time.monotonic()
        times.append((_python(_FIRST_STEP, name=engine)[0] - start) * 1e3)
    return statistics.median(times[1:])


def import_cpu_ms(engine: str) -> float:
    """Like `import_ms` in processor time, which other processes hardly change."""
    return _python(_IMPORT, name=engine)[2]


def first_step_cpu_ms(engine: str) -> float:
    """Like `first_step_ms` in processor time, the interpreter's own start included."""
    return _python(_FIRST_STEP, name=engine)[1]


def files(engine: str) -> list[Path]:
    """The package's files, without those of its dependencies and compiled modules."""
    import importlib

    package = importlib.import_module(engine)
    folders = {os.path.dirname(os.path.realpath(str(package.__file__)))}
    native = getattr(package, "_C", None)  # it may lie elsewhere when the sources are imported
    found = set()
    if native is not None and getattr(native, "__file__", None):
        found.add(os.path.realpath(native.__file__))
    for name in (engine + ".libs", engine + "lib"):
        beside = os.path.join(os.path.dirname(next(iter(folders))), name)
        if os.path.isdir(beside):
            folders.add(beside)
    for folder in folders:
        for place, inner, names in os.walk(folder):
            inner[:] = [name for name in inner if name != "__pycache__"]
            found.update(os.path.realpath(os.path.join(place, name)) for name in names)
    return [Path(file) for file in sorted(found) if os.path.isfile(file)]


def installed_mb(engine: str, brief: bool) -> float:
    """Size in MiB of the package's files, its dependencies not included."""
    return sum(file.stat().st_size for file in files(engine)) / 2**20


def peak_mb(engine: str, row: str, threads: int) -> float:
    """Peak resident memory in MiB of a process that builds the row's work and runs it once."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.child", engine, row, str(threads)],
        capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1:] or [f"exit status {done.returncode}"]
        raise RuntimeError(reason[0])
    return float(done.stdout.split()[-1])


@contextmanager
def busy_process() -> Iterator[None]:
    """Keeps one processor busy with a process of its own for the time of the block."""
    # It ends by itself should this process be killed.
    code = "import os\nparent = os.getppid()\nwhile os.getppid() == parent: sum(range(100000))"
    process = subprocess.Popen([sys.executable, "-c", code])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def _run_peak(engine: str, row: str, threads: str) -> None:
    from benchmarks.engines import load
    from benchmarks.machine import status_kilobytes
    from benchmarks.row import ROWS, selected

    selected((), "")  # fills ROWS
    work = ROWS[row].work(load(engine, int(threads), False, "highest"))
    assert work is not None, f"{engine} has no variant of {row}"
    work.run()
    print(status_kilobytes("VmHWM") / 1024)
    if work.close is not None:
        work.close()


if __name__ == "__main__":
    _run_peak(*sys.argv[1:])
