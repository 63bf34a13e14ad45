"""``python -m pygrad``: what is installed, what a checkpoint holds, scripts written for PyTorch."""

from __future__ import annotations

import sys
from typing import Any

_USAGE = """usage: python -m pygrad COMMAND ...

commands:
  env                    version, build, instruction set, threads and CUDA devices
  inspect FILE           the tensors and values of a checkpoint
  run SCRIPT [ARG ...]   runs a script in which `import torch` means pygrad
"""


def main(arguments: list[str]) -> int:
    """Runs one command; returns the exit code."""
    command, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    if command == "env" and not rest:
        print_environment()
    elif command == "inspect" and len(rest) == 1:
        return inspect_file(rest[0])
    elif command == "run" and rest:
        from pygrad.compat._run import run_script

        run_script(rest[0], rest[1:])
    elif command in ("-h", "--help", "help"):
        print(_USAGE, end="")
    else:
        print(_USAGE, end="", file=sys.stderr)
        return 2
    return 0


def environment() -> dict[str, str]:
    """What `print_environment` prints, in its order."""
    import os
    import platform

    import pygrad
    from pygrad import _C
    from pygrad.version import __version__

    native: Any = _C
    found = {
        "pygrad": __version__,
        "extension": str(native.__file__ or "built in"),
        "python": f"{platform.python_version()} ({sys.executable})",
        "platform": platform.platform(),
    }
    for key, value in native.build_info().items():
        if key != "version":
            found[str(key).replace("_", " ")] = str(value)
    found["threads"] = f"{native.get_num_threads()} of {os.cpu_count()} processors"
    count = pygrad.cuda.device_count() if pygrad.cuda.is_available() else 0
    found["cuda available"] = str(count > 0)
    for i in range(count):
        found[f"cuda:{i}"] = str(pygrad.cuda.get_device_name(i))
    for package in ("numpy", "torch"):
        found[package] = _installed_version(package)
    for variable in sorted(name for name in os.environ if name.startswith("PYGRAD_")):
        found[variable] = os.environ[variable]
    return found


def _installed_version(package: str) -> str:
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def print_environment() -> None:
    """Prints what a report of a problem should contain."""
    found = environment()
    width = max(map(len, found))
    for key, value in found.items():
        print(f"{key:<{width}}  {value}")


def inspect_file(path: str) -> int:
    """Prints the tensors and values of a checkpoint, one a line, without running anything of it."""
    import pygrad

    try:
        with open(path, "rb") as file:
            zipped = file.read(4) == b"PK\3\4"
        # Mapped, a zip checkpoint of any size is listed without its tensors being read.
        obj = pygrad.load(path, map_location="cpu", mmap=zipped)
    except (OSError, RuntimeError) as error:
        print(f"inspect: {path}: {error}", file=sys.stderr)
        return 1
    total = 0
    rows: list[tuple[str, str, str]] = []
    for name, value in _leaves(obj, "", set()):
        if isinstance(value, pygrad.Tensor):
            total += value.numel() * value.element_size()
            kind = str(value.dtype).rpartition(".")[2]
            rows.append((name, kind, "x".join(map(str, value.shape)) or "scalar"))
        else:
            rows.append((name, type(value).__name__, repr(value)[:80]))
    widths = [max((len(row[i]) for row in rows), default=0) for i in (0, 1)]
    for name, kind, text in rows:
        print(f"{name:<{widths[0]}}  {kind:<{widths[1]}}  {text}")
    print(f"{total} bytes of tensors")
    return 0


def _leaves(obj: Any, name: str, seen: set[int]) -> Any:
    """Yields (name, value) for everything that is no container; each container once."""
    stack = [(name, obj)]
    while stack:
        name, value = stack.pop()
        if isinstance(value, dict):
            items = [(f"{name}.{k}" if name else str(k), v) for k, v in value.items()]
        elif type(value) in (list, tuple) and len(value) <= 1000 and _has_parts(value):
            items = [(f"{name}[{i}]", v) for i, v in enumerate(value)]
        else:
            yield name or "(the file's object)", value
            continue
        if id(value) not in seen:
            seen.add(id(value))
            stack.extend(reversed(items))


def _has_parts(value: Any) -> bool:
    """Whether a sequence holds more than plain numbers and strings, which fit on one line."""
    return any(not isinstance(item, (int, float, str, type(None))) for item in value)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
