"""Developer tasks: ``nox -s lint``, ``nox -s tests``, ... ``nox -l`` lists them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import nox

nox.options.sessions = ["lint", "tests"]
nox.options.reuse_existing_virtualenvs = True
ROOT = Path(__file__).parent


def _dependencies(session: nox.Session, *extras: str) -> None:
    """Installs what the extras name, without pygrad itself."""
    project = nox.project.load_toml("pyproject.toml")["project"]
    wanted = list(project["dependencies"])
    for extra in extras:
        wanted += project["optional-dependencies"][extra]
    session.install(*wanted)


def _build(session: nox.Session, preset: str) -> dict[str, str]:
    """Builds a CMake preset; returns the environment in which the sources find it."""
    _dependencies(session, "dev", "test")
    session.run("cmake", "--preset", preset, f"-DPython_EXECUTABLE={_python(session)}")
    session.run("cmake", "--build", "--preset", preset)
    return {"PYTHONPATH": str(ROOT / "build" / preset)}


def _python(session: nox.Session) -> str:
    return str(Path(session.bin) / "python")


def _runtime(name: str) -> str:
    """The path of a compiler's sanitizer runtime, which must be loaded before the interpreter."""
    compiler = shutil.which("g++") or "c++"
    found = subprocess.run(
        [compiler, f"-print-file-name=lib{name}.so"], check=True, capture_output=True, text=True
    )
    return found.stdout.strip()


@nox.session
def lint(session: nox.Session) -> None:
    """ruff, clang-format and mypy."""
    _dependencies(session, "dev")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    sources = [
        str(path)
        for folder in ("csrc", "kernels")
        for suffix in ("*.h", "*.cpp", "*.cu", "*.cuh")
        for path in sorted(Path(folder).rglob(suffix))
    ]
    session.run("clang-format", "--dry-run", "--Werror", *sources)
    session.run("mypy")


@nox.session
def tests(session: nox.Session) -> None:
    """The suite on a development build (optimized, with assertions)."""
    environment = _build(session, "dev")
    session.run("python", "-m", "pytest", *session.posargs, env=environment)


@nox.session
def parity(session: nox.Session) -> None:
    """The comparisons with PyTorch."""
    environment = _build(session, "dev")
    session.install("torch==2.13.0", "--extra-index-url", "https://download.pytorch.org/whl/cpu")
    session.run("python", "-m", "pytest", "-m", "torch", *session.posargs, env=environment)


@nox.session
def emulate(session: nox.Session) -> None:
    """The suite on device cuda, with the CUDA sources running on the CPU."""
    environment = _build(session, "emulate") | {"PYGRAD_TEST_DEVICES": "cuda"}
    session.run("python", "-m", "pytest", *session.posargs, env=environment)


@nox.session
def asan(session: nox.Session) -> None:
    """The suite under the address and undefined-behaviour sanitizers."""
    environment = _build(session, "asan") | {
        "LD_PRELOAD": f"{_runtime('asan')} {_runtime('ubsan')} {_runtime('stdc++')}",
        "ASAN_OPTIONS": "detect_leaks=0",  # CPython keeps its own objects to the end
    }
    session.run("python", "-m", "pytest", *session.posargs, env=environment)


@nox.session
def ubsan(session: nox.Session) -> None:
    """The suite under the undefined-behaviour sanitizer."""
    environment = _build(session, "ubsan") | {"LD_PRELOAD": _runtime("ubsan")}
    session.run("python", "-m", "pytest", *session.posargs, env=environment)


@nox.session
def tsan(session: nox.Session) -> None:
    """The suite under the thread sanitizer."""
    environment = _build(session, "tsan") | {"LD_PRELOAD": _runtime("tsan")}
    session.run("python", "-m", "pytest", *session.posargs, env=environment)


@nox.session
def nvcc(session: nox.Session) -> None:
    """Compiles the CUDA sources and checks registers and spills; needs no GPU."""
    _build(session, "cuda")
    session.run("python", "cmake/ptxas_budget.py", "build/cuda/ptxas", *session.posargs)
