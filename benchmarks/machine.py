"""The machine: what it is, how many threads the engines may use, how large its caches are."""

from __future__ import annotations

import os
import platform
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "PYGRAD_NUM_THREADS",
)
# What a machine without /sys is taken to have.
_USUAL_CACHES = {"L1": 32 << 10, "L2": 1 << 20, "L3": 32 << 20}
_FEATURES = (
    "avx2", "fma", "avx512f", "avx512_bf16", "avx512_vnni", "amx_tile", "amx_bf16", "amx_int8",
    "asimd", "sve",
)  # fmt: skip


def thread_environment(threads: int) -> dict[str, str]:
    """The environment variables that hold every library to `threads` threads."""
    settings = dict.fromkeys(_THREAD_VARIABLES, str(threads))
    settings["MKL_DYNAMIC"] = settings["OMP_DYNAMIC"] = "FALSE"
    return settings


def pin_to_cpus(count: int) -> None:
    """Keeps this process on its first `count` processors.

    JAX has no setting for its threads; to give it the same processors as the others, all of them
    are held to those.
    """
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:count])


def cpus() -> int:
    """The number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _text(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""


def _size(text: str) -> int:
    unit = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}.get(text[-1:], 0)
    return int(text[:-1]) * unit if unit else int(text)


def caches() -> dict[str, int]:
    """The sizes in bytes of the data caches: L1 and L2 of one core, L3 as it is shared."""
    found = {}
    for index in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        level, size = _text(f"{index}/level"), _text(f"{index}/size")
        if level and size and _text(f"{index}/type") != "Instruction":
            found[f"L{level}"] = _size(size)
    return {name: found.get(name, usual) for name, usual in _USUAL_CACHES.items()}


def _processor() -> tuple[str, list[str]]:
    name, flags = platform.processor(), ""
    for line in _text("/proc/cpuinfo").splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            name = value.strip()
        elif key.strip() in ("flags", "Features"):
            flags = value
            break
    present = set(flags.split())
    return name, [f for f in _FEATURES if f in present]


def status_kilobytes(field: str) -> int:
    """A memory figure of this process, "VmRSS" or "VmHWM" (its peak), in KiB.

    Not ``ru_maxrss``: that includes the peak of the process that started this one.
    """
    for line in _text("/proc/self/status").splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1])
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // 1024 if sys.platform == "darwin" else peak


def describe() -> dict[str, Any]:
    """What a reader must know of the machine to judge the figures."""
    name, features = _processor()
    memory = next(
        (int(line.split()[1]) for line in _text("/proc/meminfo").splitlines()
         if line.startswith("MemTotal")), 0)  # fmt: skip
    return {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "processor": name,
        "features": features,
        "cpus": cpus(),
        "caches": caches(),
        "memory_mb": memory // 1024,
        "huge_pages": _text("/sys/kernel/mm/transparent_hugepage/enabled"),
        "governor": _text("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        "load_average": list(os.getloadavg()),
        "system": platform.platform(),
        "python": platform.python_version(),
    }
